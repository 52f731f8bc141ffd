"""Enrichments: find and check addresses, phone numbers and LinkedIn profiles, for credits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core import json
from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Wire
from lemlist_async.core.payload import InQuery, encode, query_value
from lemlist_async.core.validation import Length, many
from lemlist_async.core.wire import Call, UnexpectedTypes
from lemlist_async.errors import InvalidInputError, MissingIdError
from lemlist_async.resources._base import DEDUPABLE, READ, UNSAFE, Resource, query_of, reader, some_of
from lemlist_async.resources._waiting import poll
from lemlist_async.resources.leads import EmailStatus

EnrichmentKind = Literal["find_email", "find_phone", "verify", "linkedin_enrichment"]
"""Kind of enrichment, as bulk requests and webhooks spell it."""
EnrichmentStatus = Literal["in-progress", "done", "not-found"]
BULK = 500
"""People in one bulk request at most."""
_FLAGS = ("find_email", "verify_email", "linkedin_enrichment", "find_phone")
POSTED = 1024 * 1024
"""Bytes of a posted body that are read at most."""
_BULK = "/v2/enrichments/bulk"
_VERIFY_BULK = "compare team.get_credits() with the balance before"


@model
class FoundEmail(Model):
    """An address that was found or checked."""

    email: str | None = None
    status: EmailStatus | str | None = None
    not_found: bool | None = None
    """Not to be relied on: look at `email`."""


@model
class FoundPhone(Model):
    """A phone number that was found."""

    phone: str | None = None
    not_found: bool | None = None
    """Not to be relied on: look at `phone`."""


@model
class EnrichmentData(Model):
    """Result of an enrichment. A poll has the first three keys, a webhook the others; see `Enrichment`."""

    email: FoundEmail | None = None
    phone: FoundPhone | None = None
    linkedin: dict[str, Any] | None = None
    find_email: Annotated[FoundEmail | None, Wire("find_email")] = None
    verify: FoundEmail | None = None
    find_phone: Annotated[FoundPhone | None, Wire("find_phone")] = None
    linkedin_enrichment: Annotated[dict[str, Any] | None, Wire("linkedin_enrichment")] = None


@model
class Enrichment(Model):
    """An enrichment, under way or done.

    lemlist says ``done`` too early now and then, with nothing found yet: `enrichments.wait` looks once more.
    """

    enrichment_id: str | None = None
    enrichment_status: EnrichmentStatus | str | None = None
    """None where lemlist answered with an empty body, which means that it is under way."""
    input: dict[str, Any] | None = None
    """Input, under the names of the API."""
    data: EnrichmentData | None = None

    metadata: Any = None
    """Value given at the start; only in a posted result."""

    @property
    def running(self) -> bool:
        """Whether there is more to wait for."""
        return self.enrichment_status in {None, "in-progress", "pending"}

    @property
    def email(self) -> str | None:
        """The address that was found or checked."""
        data = self._found
        return _first("email", data.email, data.find_email, data.verify)

    @property
    def phone(self) -> str | None:
        """The phone number that was found."""
        return _first("phone", self._found.phone, self._found.find_phone)

    @property
    def linkedin(self) -> dict[str, Any] | None:
        """The LinkedIn profile that was read."""
        return self._found.linkedin or self._found.linkedin_enrichment or None

    @property
    def empty(self) -> bool:
        """Whether nothing was found, or nothing yet."""
        return self.email is None and self.phone is None and self.linkedin is None

    @property
    def _found(self) -> EnrichmentData:
        # what came may be of any type, and is then kept as it came
        return self.data if isinstance(self.data, EnrichmentData) else EnrichmentData()


@model
class _PostedEnrichment(Model):
    id: str | None = None
    data: EnrichmentData | None = None
    metadata: Any = None


@model
class _PostedEnrichments(Model):
    data: list[_PostedEnrichment] | None = None


@model
class EnrichmentJob(Model):
    """An enrichment that was accepted."""

    id: Annotated[str, Wire("id")]


@model
class BulkEnrichment(Model):
    """Result for one person of a bulk request: an id, or the reason why there is none."""

    id: str | None = None
    error: Literal["MISSING_INPUTS", "MISSING_EMAIL", "MISSING_LINKEDIN_URL"] | str | None = None
    metadata: Any = None
    """Input of the request."""


class NewEnrichment(TypedDict, total=False):
    """Person to look for, and data to find; sent in the query."""

    find_email: Annotated[bool, InQuery()]
    """Needs `linkedin_url`, or both names with `company_name` and `company_domain`."""
    verify_email: Annotated[bool, InQuery()]
    """Needs `email`."""
    linkedin_enrichment: Annotated[bool, InQuery()]
    """Needs `linkedin_url`, or `email`, or both names with a company."""
    find_phone: Annotated[bool, InQuery()]
    """Needs `linkedin_url`."""
    email: Annotated[str, InQuery()]
    linkedin_url: Annotated[str, InQuery()]
    first_name: Annotated[str, InQuery()]
    last_name: Annotated[str, InQuery()]
    company_name: Annotated[str, InQuery()]
    company_domain: Annotated[str, InQuery()]
    job_title: Annotated[str, InQuery()]
    """A hint that raises the rate of hits."""
    phone: Annotated[str, InQuery()]
    """Undocumented; another client sends it."""
    webhook_url: Annotated[str, InQuery()]
    """Address to which the result is posted as well."""


class LeadEnrichmentRequest(TypedDict, total=False):
    """Data to find about a lead."""

    find_email: Annotated[bool, InQuery()]
    verify_email: Annotated[bool, InQuery()]
    linkedin_enrichment: Annotated[bool, InQuery()]
    find_phone: Annotated[bool, InQuery()]
    webhook_url: Annotated[str, InQuery()]
    """Address to which the result is posted as well."""
    force: Annotated[bool, InQuery()]
    """Again, although it is known or was tried; charges again."""


class EnrichmentInput(TypedDict, total=False):
    """Known data of a person."""

    email: str
    linkedin_url: str
    first_name: str
    last_name: str
    company_name: str
    company_domain: str
    job_title: str
    """A hint that raises the rate of hits."""


class EnrichmentRequest(TypedDict, total=False):
    """One person of a bulk request."""

    input: Required[EnrichmentInput]
    enrichment_requests: Required[Annotated[Sequence[EnrichmentKind], Length(1)]]
    metadata: str | Mapping[str, str | int | float | bool]
    """Returned with the response and the result. lemlist accepts only texts: other values are sent as texts."""


class EnrichmentsResource(Resource):
    """`lemlist.enrichments`. Starting one spends credits, so no start is ever repeated by itself."""

    async def start(self, **fields: Unpack[NewEnrichment]) -> EnrichmentJob:
        """Look for one person.

        Raises:
            InvalidInputError: nothing is asked for: none of the first four is True.

        POST /enrich
        """
        some_of(fields, *_FLAGS)
        return await self._call(
            "POST",
            EnrichmentJob,
            "/enrich",
            effect=UNSAFE,
            payload=encode(NewEnrichment, fields),
            verify="compare team.get_credits() with the balance before",
        )

    async def get(self, enrichment_id: str) -> Enrichment:
        """Status and result of an enrichment; polling costs no credit.

        Raises:
            NotFoundError: there is no such enrichment.

        GET /enrich/{enrichId}
        """
        return await self._sender.send(
            Call("GET", "/enrich/{enrichId}", (enrichment_id,), READ, decode=_progress)
        )

    async def wait(self, enrichment_id: str, *, timeout: float = 300, every: float = 5) -> Enrichment:
        """The result of an enrichment, once it is there.

        Calls `get` every `every` seconds for `timeout` seconds at most, and once more if the result is empty:
        lemlist says ``done`` too early now and then.

        Raises:
            DeadlineExceededError: it is still under way.
            NotFoundError: there is no such enrichment.
        """
        found = await poll(
            lambda: self.get(enrichment_id), lambda seen: not seen.running, every=every, timeout=timeout
        )
        if not found.empty:
            return found
        await asyncio.sleep(every)
        return await self.get(enrichment_id)

    async def start_many(
        self, people: Iterable[EnrichmentRequest], *, webhook_url: str | None = None
    ) -> list[BulkEnrichment]:
        """Look for 1 to 500 people; the results come in the same order.

        Raises:
            MissingIdError: lemlist took them, and gave no ids to ask for the results with.

        POST /v2/enrichments/bulk
        """
        body = [_bulk_item(person) for person in many("people", people, 1, BULK)]
        results = await self._call(
            "POST",
            list[BulkEnrichment],
            _BULK,
            effect=UNSAFE,
            payload=query_of(webhookUrl=webhook_url),
            body=body,
            verify=_VERIFY_BULK,
        )
        if not results:
            raise MissingIdError(
                f"lemlist reported success, without the ids of the enrichments; {_VERIFY_BULK}",
                status=200,
                operation=f"POST {_BULK}",
            )
        return results

    @staticmethod
    def parse_webhook_results(body: bytes | str | Mapping[str, Any]) -> list[Enrichment]:
        """Parse the body that lemlist posted to a `webhook_url`, of at most 1 MiB, without any call.

        lemlist does not sign these requests: put an unguessable part into the URL.

        Raises:
            InvalidInputError: the body holds no results.
        """
        return [
            Enrichment(enrichment_id=one.id, enrichment_status="done", data=one.data, metadata=one.metadata)
            for one in _posted(body)
        ]

    async def start_for_lead(self, lead_id: str, **fields: Unpack[LeadEnrichmentRequest]) -> EnrichmentJob:
        """Enrich a lead where it is; with `force` again, and for the same price again.

        Raises:
            ConflictError: it is being enriched, or was already (code ``ALREADY_ENRICHED``).

        POST /leads/{leadId}/enrich
        """
        some_of(fields, *_FLAGS)
        return await self._call(
            "POST",
            EnrichmentJob,
            "/leads/{leadId}/enrich",
            lead_id,
            effect=UNSAFE if fields.get("force") else DEDUPABLE,
            payload=encode(LeadEnrichmentRequest, fields),
            verify="starting it again without force answers 409 if it runs or is done",
        )


def _posted(body: bytes | str | Mapping[str, Any]) -> list[_PostedEnrichment]:
    if not isinstance(body, Mapping) and len(body) > POSTED:
        raise InvalidInputError(f"the body is larger than {POSTED} bytes")
    try:
        raw: Any = dict(body) if isinstance(body, Mapping) else json.read(body)
        found: _PostedEnrichments = reader(_PostedEnrichments)(raw, {})
    except ValueError:  # also that of another shape
        raise InvalidInputError("the body is not what lemlist posts when an enrichment is done") from None
    results = [one for one in found.data or () if isinstance(getattr(one, "id", None), str)]
    if not results or len(results) < len(found.data or ()):
        raise InvalidInputError("the body is not what lemlist posts when an enrichment is done: no results")
    return results


def _progress(raw: Any, unexpected_types: UnexpectedTypes) -> Enrichment:
    found: Enrichment = reader(Enrichment)({} if raw is None else raw, unexpected_types)
    return found


def _first(name: str, *found: Model | None) -> str | None:
    values = (getattr(one, name, None) for one in found)
    return next((value for value in values if value), None)


def _bulk_item(person: EnrichmentRequest) -> dict[str, Any]:
    body = encode(EnrichmentRequest, person).body or {}
    metadata = person.get("metadata")
    if metadata is not None and not isinstance(metadata, str):
        # lemlist documents any object here, and refuses one whose values are no texts
        body["metadata"] = {name: query_value(value) for name, value in metadata.items()}
    return body
