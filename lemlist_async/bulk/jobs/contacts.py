"""Jobs that create or change contacts, and add them to lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import attrs

from lemlist_async.bulk.jobs.column_job import ColumnJob
from lemlist_async.bulk.jobs.job import Job, Outcome, Payload, done, failed
from lemlist_async.bulk.source.cells import checked_email, single, value_key
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.mapping import Sorted
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.errors import ConfigurationError, InvalidInputError
from lemlist_async.resources.contacts import ContactFields

if TYPE_CHECKING:
    from lemlist_async.bulk.forecast import Forecast
    from lemlist_async.client import Lemlist

ListAction = Literal["add", "remove"]

_WHO = ("contact_id", "email", "linkedin_url", "linkedin_url_sales_nav")
_LOOKED_UP = 100
"""Most contacts in one look-up."""
_DONE = {"add": "added", "remove": "removed"}


@attrs.frozen(kw_only=True)
class UpsertContacts(ColumnJob):
    """Create each row's contact, or change the one with its id, address or LinkedIn page: one call per row.

    Columns that are not a field of lemlist become custom fields. lemlist ignores those that the team does not have;
    the outcome's reason names them. Empty cells change nothing.
    """

    KINDS_OF_COLUMNS: ClassVar[Columns] = Columns(ContactFields, without=("additional_emails",))
    NEEDED: ClassVar[Sequence[str]] = _WHO

    kind = "contacts.upsert"
    takes_notes: ClassVar[bool] = True

    def payload(self, row: Sorted) -> Payload:
        """Require something that identifies the contact."""
        if not row.fields.keys() & set(_WHO):
            raise RowRefusedError("neither an e-mail address nor a LinkedIn page nor an id of a contact")
        return {"fields": row.fields, "custom": row.beside} | row.noted

    def key(self, payload: Payload) -> str:
        """Return the identity of the contact."""
        fields = payload["fields"]
        who = next(name for name in _WHO if name in fields)
        # ids are case-sensitive, addresses and pages are not
        return str(fields[who]) if who == "contact_id" else value_key(fields[who])

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Upsert the contact."""
        (payload,) = payloads
        fields = cast("ContactFields", payload["fields"])
        response = await lemlist.contacts.upsert(custom=payload["custom"], **fields)
        said = [warning.message or warning.code or "" for warning in response.warnings or ()]
        warnings = "; ".join([*([payload["note"]] if "note" in payload else []), *said])
        contact = response.data
        what = "created" if contact is not None and contact.created and not again else "updated"
        return [done(what, None if contact is None else contact.id, warnings or None)]


@attrs.frozen(kw_only=True)
class ListContacts(Job):
    """Add each row's contact to a static list, or remove it: 1,000 contacts per call.

    A row names its contact by ``contact_id`` or ``email``. All are looked up first, 100 a call, so that a row whose
    contact does not exist fails by itself; with `create` a missing address becomes a contact instead.
    """

    kind = "contacts.list"
    takes_texts: ClassVar[bool] = True
    batch = 1_000
    calls = 11

    list_id: str
    action: ListAction = "add"
    create: bool = False

    def __attrs_post_init__(self) -> None:
        if self.action not in _DONE:
            raise ConfigurationError(f"action is 'add' or 'remove', not {self.action!r}")
        if self.create and self.action == "remove":
            raise ConfigurationError("create goes with action 'add' only")

    def options(self) -> dict[str, Any]:
        """Return the options from which the job can be made again."""
        return attrs.asdict(self)

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Keep the id or the address only."""
        contact = single(values, "contact_id", "id", "email")
        if "@" in contact:
            contact = checked_email(contact)
        elif not contact.startswith("ctc_"):
            raise RowRefusedError(f"{contact!r} is neither an address nor the id of a contact (ctc_…)")
        return {"contact": contact}

    def key(self, payload: Payload) -> str:
        """Return the id, or one spelling of the address."""
        return _contact_key(payload["contact"])

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:
        """Read the lists: one that is missing, or made by a filter, is an error before the first row."""
        found = next((one for one in await lemlist.contacts.list_lists() if one.id == self.list_id), None)
        if found is None:
            raise InvalidInputError(f"the team of this key has no list {self.list_id}")
        if found.dynamic:
            raise InvalidInputError(
                f"the list {self.list_id} follows from a filter: its members cannot be set"
            )

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Look the contacts up, and change the list by those that are there."""
        wanted = [str(payload["contact"]) for payload in payloads]
        ids = await self._ids(lemlist, wanted)
        if members := list(dict.fromkeys(contact_id for contact_id in ids if contact_id)):
            change = (
                lemlist.contacts.add_to_list if self.action == "add" else lemlist.contacts.remove_from_list
            )
            await change(self.list_id, members)
        missing = failed("there is no such contact", "missing")
        return [done(_DONE[self.action], contact_id) if contact_id else missing for contact_id in ids]

    async def _ids(self, lemlist: Lemlist, wanted: Sequence[str]) -> list[str | None]:
        """Return the id of each contact, in order; None where there is none."""
        known: dict[str, str] = {}
        for start in range(0, len(wanted), _LOOKED_UP):
            for contact in await lemlist.contacts.look_up(wanted[start : start + _LOOKED_UP]):
                addresses = [contact.main_email, *(entry.value for entry in contact.emails or ())]
                known |= {value_key(address): contact.id for address in addresses if address}
                known[contact.id] = contact.id
        ids = [known.get(_contact_key(value)) for value in wanted]
        if not self.create:
            return ids
        return [
            found or (await self._made(lemlist, value) if "@" in value else None)
            for found, value in zip(ids, wanted, strict=True)
        ]

    async def _made(self, lemlist: Lemlist, email: str) -> str | None:
        response = await lemlist.contacts.upsert(email=email)
        return None if response.data is None else response.data.id


def _contact_key(contact: str) -> str:
    # ids are case-sensitive, addresses are not
    return value_key(contact) if "@" in contact else contact
