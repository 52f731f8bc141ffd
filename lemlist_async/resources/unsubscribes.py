"""Do-not-contact list: values (addresses, domains, LinkedIn pages, phone numbers), and the flag of contacts.

The two do not imply each other: a contact without the flag is not written to at a blocked address.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Length, is_many
from lemlist_async.core.wire import Call
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Offset, Pages
from lemlist_async.resources._base import IDEMPOTENT, Resource, within
from lemlist_async.resources._csv import CsvFile

UnsubscribeSource = Literal["api", "bounced", "lead", "user", "abuse"]


@model
class UnsubscribedVariable(Model):
    """A value that nothing is sent to."""

    id: Id
    value: str | None = None
    """An address, ``@domain``, LinkedIn page or phone number."""
    variable: str | None = None
    """The value again, in some responses."""
    source: UnsubscribeSource | str | None = None
    """Origin of the block; ``lead`` and ``abuse`` are protected."""
    created_at: datetime | None = None


@model
class ContactSubscription(Model):
    """The flag of a contact."""

    id: Id
    do_not_contact: bool | None = None


@model
class LegacyUnsubscribe(Model):
    """A blocked address or domain, as the retired routes show it."""

    id: Id
    value: str | None = None
    email: str | None = None
    source: str | None = None
    created_at: datetime | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    unsubscribed_at: datetime | None = None
    scope: Literal["campaign", "team", "global"] | str | None = None


class _Values(TypedDict):
    """Values to block."""

    values: Required[Annotated[Sequence[str], Length(1, 10_000)]]


class UnsubscribesResource(Resource):
    """`lemlist.unsubscribes`."""

    def list(self, *, page_size: int = 100) -> Pages[UnsubscribedVariable]:
        """All blocked values, `page_size` (1 to 100) a call.

        GET /v2/unsubscribes/variables
        """
        scheme = Offset(within("page_size", page_size, 1, 100))
        path = "/v2/unsubscribes/variables"
        return self._pages(UnsubscribedVariable, path, scheme=scheme, changed_by=(path,))

    async def get(self, value: str) -> UnsubscribedVariable:
        """One blocked value.

        Raises:
            NotFoundError: it is not blocked.

        GET /v2/unsubscribes/variables/{value}
        """
        path = "/v2/unsubscribes/variables/{value}"
        return await self._call("GET", UnsubscribedVariable, path, value)

    async def add(self, value: str) -> UnsubscribedVariable:
        """Block an address, ``@domain``, LinkedIn page or phone number.

        POST /v2/unsubscribes/variables/{value}
        """
        if is_many(value):
            raise InvalidInputError("add takes one value; add_many takes a list")
        path = "/v2/unsubscribes/variables/{value}"
        return await self._call("POST", UnsubscribedVariable, path, value, effect=IDEMPOTENT)

    async def add_many(self, values: Sequence[str]) -> str:
        """Block 1 to 10,000 values; the response is a sentence.

        POST /v2/unsubscribes/variables
        """
        payload = encode(_Values, {"values": values})
        return await self._call("POST", str, "/v2/unsubscribes/variables", effect=IDEMPOTENT, payload=payload)

    async def remove(self, value: str) -> str:
        """Unblock a value; the response is a sentence.

        Raises:
            ConflictError: it is protected, since the person or an abuse report blocked it.
            BadRequestError: it is not blocked ("Variable not found in unsubscribe list"; not a 404).

        DELETE /v2/unsubscribes/variables/{value}
        """
        return await self._call("DELETE", str, "/v2/unsubscribes/variables/{value}", value, effect=IDEMPOTENT)

    async def get_contact(self, contact_id: str) -> ContactSubscription:
        """Whether a contact may be contacted.

        GET /v2/unsubscribes/contacts/{contactId}
        """
        path = "/v2/unsubscribes/contacts/{contactId}"
        return await self._call("GET", ContactSubscription, path, contact_id)

    async def add_contact(self, contact_id: str) -> str:
        """Set the flag of a contact; the response is a sentence.

        POST /v2/unsubscribes/contacts/{contactId}
        """
        path = "/v2/unsubscribes/contacts/{contactId}"
        return await self._call("POST", str, path, contact_id, effect=IDEMPOTENT)

    async def remove_contact(self, contact_id: str) -> str:
        """Clear the flag of a contact; the response is a sentence.

        DELETE /v2/unsubscribes/contacts/{contactId}
        """
        path = "/v2/unsubscribes/contacts/{contactId}"
        return await self._call("DELETE", str, path, contact_id, effect=IDEMPOTENT)

    def export(self) -> CsvFile:
        """All blocked values as CSV. Its ``source`` says ``bounce`` where the API says ``bounced``.

        GET /v2/unsubscribes/exports/variables
        """
        return CsvFile(self._sender, Call("GET", "/v2/unsubscribes/exports/variables"))

    def export_contacts(self) -> CsvFile:
        """All contacts with their flag as CSV.

        GET /v2/unsubscribes/exports/contacts
        """
        return CsvFile(self._sender, Call("GET", "/v2/unsubscribes/exports/contacts"))

    # Routes that lemlist has announced to stop on 1 November 2026 -----------------------------------------

    def list_legacy(self, *, page_size: int = 100) -> Pages[LegacyUnsubscribe]:
        """Retired by lemlist: use `list`.

        GET /unsubscribes
        """
        _retired("list")
        return self._pages(
            LegacyUnsubscribe, "/unsubscribes", scheme=Offset(within("page_size", page_size, 1, 100))
        )

    def export_legacy(self) -> CsvFile:
        """Retired by lemlist: use `export`.

        GET /unsubs/export
        """
        _retired("export")
        return CsvFile(self._sender, Call("GET", "/unsubs/export"))

    async def get_legacy(self, email: str) -> LegacyUnsubscribe:
        """Retired by lemlist: use `get`. Takes an address or ``@domain``.

        GET /unsubscribes/{email}
        """
        _retired("get")
        return await self._call("GET", LegacyUnsubscribe, "/unsubscribes/{email}", email)

    async def add_legacy(self, email: str) -> LegacyUnsubscribe:
        """Retired by lemlist: use `add`. Takes an address or ``@domain``.

        POST /unsubscribes/{email}
        """
        _retired("add")
        path = "/unsubscribes/{email}"
        return await self._call("POST", LegacyUnsubscribe, path, email, effect=IDEMPOTENT)

    async def remove_legacy(self, email: str) -> LegacyUnsubscribe:
        """Retired by lemlist: use `remove`. Takes an address or ``@domain``.

        DELETE /unsubscribes/{email}
        """
        _retired("remove")
        path = "/unsubscribes/{email}"
        return await self._call("DELETE", LegacyUnsubscribe, path, email, effect=IDEMPOTENT)


def _retired(instead: str) -> None:
    warnings.warn(
        f"lemlist stops this route on 1 November 2026; use unsubscribes.{instead}",
        DeprecationWarning,
        stacklevel=3,
    )
