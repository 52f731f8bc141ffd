"""Job that finds and verifies people for credits: each is submitted once, then polled for its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

import attrs

from lemlist_async.bulk.jobs.column_job import ColumnJob
from lemlist_async.bulk.jobs.job import (
    CannotVerifyError,
    Outcome,
    Payload,
    RowSkippedError,
    State,
    done,
    failed,
)
from lemlist_async.bulk.source.cells import value_key
from lemlist_async.bulk.source.column_names import FULL_NAME
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.mapping import Sorted
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.json import dumps
from lemlist_async.core.validation import is_web_address
from lemlist_async.core.wire import Effect
from lemlist_async.errors import ConfigurationError
from lemlist_async.resources.enrichments import (
    BULK,
    BulkEnrichment,
    Enrichment,
    EnrichmentInput,
    EnrichmentKind,
    EnrichmentRequest,
    EnrichmentsResource,
)

if TYPE_CHECKING:
    from lemlist_async.bulk.forecast import Forecast
    from lemlist_async.client import Lemlist

PRICES: dict[EnrichmentKind, int] = {"find_email": 5, "verify": 1, "find_phone": 20, "linkedin_enrichment": 1}
"""Credits for each kind that finds something, as the help centre listed them in September 2026; a miss is free."""

_NAMED = ("first_name", "last_name")
# What each kind can start from: one of these sets must be there. Source: lemlist's help centre.
_NEEDS: dict[EnrichmentKind, tuple[tuple[str, ...], ...]] = {
    "find_email": (("linkedin_url",), (*_NAMED, "company_name", "company_domain")),
    "verify": (("email",),),
    "find_phone": (("linkedin_url",),),
    "linkedin_enrichment": (
        ("linkedin_url",),
        ("email",),
        (*_NAMED, "company_name"),
        (*_NAMED, "company_domain"),
    ),
}


_VERDICT = "result_email_status"
"""Column of this job's report; other tools have verdicts of their own, on which lemlist's does not depend."""
_SHOWN = {"phone": "phone", "resultemailstatus": _VERDICT}
"""Columns that lemlist cannot start from, and that show what a row has already."""
_BROUGHT: dict[EnrichmentKind, str] = {"find_email": "email", "verify": _VERDICT, "find_phone": "phone"}
"""Field that each kind brings."""


def _kinds(given: Iterable[EnrichmentKind]) -> tuple[EnrichmentKind, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class EnrichPeople(ColumnJob):
    """Enrich each row's person: 500 per call, then one call or more for each result.

    Submitting spends credits and is never repeated: where its response is lost, the rows end as unknown. Once
    lemlist has accepted a row, its id is in the journal, and another run only asks for the result.
    """

    KINDS_OF_COLUMNS: ClassVar[Columns] = Columns(EnrichmentInput, more=_SHOWN)
    NEEDED: ClassVar[Sequence[str]] = ("linkedin_url", "email", "last_name", FULL_NAME)

    kind = "enrich"
    effect = Effect.UNSAFE
    single_request: ClassVar[bool] = True
    batch = BULK
    follows = True
    adjustable: ClassVar[frozenset[str]] = frozenset({"max_credits"})

    find: Sequence[EnrichmentKind] = attrs.field(converter=_kinds)
    """Enrichments to make: ``find_email``, ``verify``, ``find_phone``, ``linkedin_enrichment``."""
    max_credits: int | None = None
    """Credits that the rows to send may cost together; the job does not start above it. None: no bound but the
    team's balance."""
    again: bool = False
    """Whether to pay also for what a row has already: an address, a number, a verdict on the address."""
    webhook_url: str | None = attrs.field(default=None, repr=False)
    """Address to which lemlist posts results too; pass the bodies to `Run.receive`. Results that were not posted are
    asked for from `poll_every` seconds on. Not written to the journal, since such addresses are often secret."""

    def __attrs_post_init__(self) -> None:
        known = get_args(EnrichmentKind)
        if not self.find or not set(self.find) <= set(known):
            raise ConfigurationError(
                f"find takes some of {', '.join(known)}, not {', '.join(map(repr, self.find)) or 'nothing'}"
            )
        if self.webhook_url is not None and not is_web_address(self.webhook_url):
            raise ConfigurationError("webhook_url must be an http or https address")

    @property
    def posts(self) -> bool:
        """Whether there is an address to post to."""
        return self.webhook_url is not None

    @property
    def verifiable(self) -> bool:
        """False: lemlist lists no enrichments, so there is no look-up."""
        return False

    def options(self) -> dict[str, Any]:
        """Return the options from which the job can be made again."""
        left_out = {"webhook_url", *([] if self.again else ["again"])}
        return {name: value for name, value in super().options().items() if name not in left_out}

    def payload(self, row: Sorted) -> Payload:
        """Keep the columns that lemlist can start from. All others stay in the journal, beside them."""
        has = {} if self.again else row.fields
        find: list[EnrichmentKind] = [kind for kind in self.find if _BROUGHT.get(kind) not in has]
        if not find:
            had = [
                text for kind, name in _BROUGHT.items() if kind in self.find for text in (row.fields[name],)
            ]
            raise RowSkippedError(f"the row has it already: {', '.join(had)}")
        shown = {name: row.fields.pop(name) for name in _SHOWN.values() if name in row.fields}
        fields, beside = row.fields, row.beside | shown
        for kind in find:
            if not any(fields.keys() >= set(needed) for needed in _NEEDS[kind]):
                ways = " or ".join(" + ".join(needed) for needed in _NEEDS[kind])
                raise RowRefusedError(f"{kind} needs {ways}")
        return {"input": fields, "other": beside} | ({} if len(find) == len(self.find) else {"find": find})

    def _finds(self, payload: Payload) -> Sequence[EnrichmentKind]:
        return cast("Sequence[EnrichmentKind]", payload.get("find", self.find))

    def key(self, payload: Payload) -> str:
        """Return all that lemlist starts from for each kind, in one spelling: a second answer would be the same."""
        given = payload["input"]
        known: dict[str, dict[str, str]] = {}
        for kind in self._finds(payload):
            start = next(needed for needed in _NEEDS[kind] if given.keys() >= set(needed))
            known[kind] = {name: value_key(given[name]) for name in start}
        return dumps(known, sort_keys=True).decode()

    def credits(self, payload: Payload) -> int:
        """Return the credits for the case that everything is found."""
        return sum(PRICES[kind] for kind in self._finds(payload))

    def check_forecast(self, forecast: Forecast) -> None:
        """Compare the price with the bound.

        Raises:
            ConfigurationError: the price is above it.
        """
        if self.max_credits is not None and forecast.credits > self.max_credits:
            raise ConfigurationError(
                f"{_cost(forecast)}, more than max_credits = {self.max_credits}; nothing was submitted"
            )

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:
        """Compare the price with the team's balance.

        Raises:
            ConfigurationError: the price is above it. Nothing was submitted.
        """
        if not forecast.to_send:
            return
        balance = (await lemlist.team.get_credits()).credits
        if balance is not None and forecast.credits > balance:
            raise ConfigurationError(f"{_cost(forecast)}, and the team has {balance}; nothing was submitted")

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Submit the people; each has an id or an error in the response."""
        requests = [
            EnrichmentRequest(
                input=cast("EnrichmentInput", payload["input"]),
                enrichment_requests=self._finds(payload),
                metadata=str(place),  # lemlist accepts strings only
            )
            for place, payload in enumerate(payloads)
        ]
        responses = await lemlist.enrichments.start_many(requests, webhook_url=self.webhook_url)
        by_place = {str(response.metadata): response for response in responses}
        return [_submitted(by_place.get(str(place))) for place in range(len(payloads))]

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Raise CannotVerifyError, since lemlist lists no enrichments."""
        raise CannotVerifyError("whether it was submitted cannot be looked up; compare the team's credits")

    async def follow(self, lemlist: Lemlist, payload: Payload, so_far: Outcome) -> Outcome:
        """Ask for the result. An empty one is asked for once more, since lemlist sometimes says done too early."""
        found = await lemlist.enrichments.get(so_far.id or "")
        return so_far if found.running else self.conclude(found, so_far)

    def read_posted(self, body: bytes | str | Mapping[str, Any]) -> Mapping[str, Enrichment]:
        """Return the results in lemlist's own body, by their ids."""
        return {found.enrichment_id or "": found for found in EnrichmentsResource.parse_webhook_results(body)}

    def conclude(self, result: Enrichment, so_far: Outcome) -> Outcome:
        """Return the outcome of a result. An empty result counts once it came twice."""
        if not result.empty:
            return done("found", so_far.id, result=_result(result))
        if so_far.what != "empty":
            return attrs.evolve(so_far, what="empty")
        return done("not found", so_far.id)


def _cost(forecast: Forecast) -> str:
    return f"{forecast.to_send} people may cost {forecast.credits} credits"


def _submitted(response: BulkEnrichment | None) -> Outcome:
    if response is None:
        return Outcome(State.UNKNOWN, "unknown", "lemlist's response does not mention the row")
    if response.id is None:
        return failed(response.error or "lemlist gave neither an id nor an error", "not taken")
    return Outcome(State.PENDING, "submitted", id=response.id)


def _result(found: Enrichment) -> dict[str, Any]:
    """Return the findings as scalars beside the LinkedIn profile."""
    data = found.data
    checked = None if data is None else data.email or data.verify or data.find_email
    status = None if checked is None else checked.status
    return {
        "email": found.email,
        "email_status": status,
        "phone": found.phone,
        "linkedin": found.linkedin,
    }
