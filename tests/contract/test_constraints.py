"""Constraints of the vendor's document: each is checked before sending, or left alone for a reason."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, get_args, get_type_hints

import pytest

from lemlist_async import Lemlist, Pages
from lemlist_async.core.payload import _shape, encode
from lemlist_async.errors import InvalidInputError
from tests.contract.document import Constraint, constraints
from tests.contract.operations import ROWS
from tests.contract.recording import RecordedError, Recorder
from tests.contract.samples import sample
from tests.contract.test_document import NOT_OFFERED
from tests.contract.test_lists_of_values import METHODS, parts

pytestmark = pytest.mark.skipif(
    "LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI names no document"
)
ALL = constraints() if "LEMLIST_OPENAPI" in os.environ else []

CATALOGUE = "lemlist adds to this list without notice: the type names what is known, any text is sent"
OPAQUE = "ids are opaque: lemlist's own examples show other beginnings"
FIXED = "the library sends it itself"
UNCHECKED: dict[str, str] = {
    "POST /hooks body type enum": CATALOGUE,
    "POST /watchlist body type enum": CATALOGUE,
    "POST /watchlist body filters[].filterId enum": CATALOGUE,
    "PATCH /watchlist body filters[].filterId enum": CATALOGUE,
    "GET /watchlist/filters query type enum": CATALOGUE,
    "GET /watchlist/filter-values query filterId enum": CATALOGUE,
    "GET /crm/filters query type enum": CATALOGUE,
    "POST /sequences/{sequenceId}/steps body type enum": CATALOGUE,
    "PATCH /sequences/{sequenceId}/steps/{stepId} body type enum": CATALOGUE,
    "POST /sequences/{sequenceId}/steps body conditionKey enum": CATALOGUE,
    "PATCH /sequences/{sequenceId}/steps/{stepId} body conditionKey enum": CATALOGUE,
    "GET /contacts query fieldRejectionReason enum": CATALOGUE,
    "GET /companies query fieldRejectionReason enum": CATALOGUE,
    "GET /companies query crmSyncStatus enum": CATALOGUE,
    "GET /campaigns/{campaignId}/export/leads query state enum": CATALOGUE,
    "GET /contacts query listId pattern": OPAQUE,
    "GET /contacts query companyId pattern": OPAQUE,
    "POST /contacts/lists/{listId}/entities path listId pattern": OPAQUE,
    "POST /contacts/lists/{listId}/entities body contactIds[] pattern": OPAQUE,
    "DELETE /companies/{companyId} path companyId pattern": OPAQUE,
    "GET /unsubscribes/{email} path email format": "it takes @domain as well",
    "POST /unsubscribes/{email} path email format": "it takes @domain as well",
    "DELETE /unsubscribes/{email} path email format": "it takes @domain as well",
    "GET /campaigns/{campaignId}/leads/ query limit maximum": "the live host takes 1000",
    "POST /tasks body leadId required": "not defined, and refused: recordId is what the API wants",
    "POST /tasks/ignore body ids required": FIXED,
    "GET /campaigns/reports query campaignIds required": FIXED,
    "POST /leads/audio query leadId required": FIXED,
    "POST /leads/audio query stepId required": FIXED,
    "PATCH /tasks body id required": FIXED,
    "POST /contacts/lists body name required": FIXED,
    "POST /contacts/lists/{listId}/entities body contactIds required": FIXED,
    "POST /contacts/lists/{listId}/entities query action enum": FIXED,
    "POST /companies/{companyId}/notes body note required": FIXED,
    "POST /inbox/labels body labelName required": FIXED,
    "POST /inbox/conversations/labels/{contactId} body labelIds required": FIXED,
    "POST /inbox/conversations/labels/{contactId} body appendLabels required": FIXED,
    "DELETE /inbox/conversations/labels/{contactId} body labelIds required": FIXED,
    "POST /v2/unsubscribes/variables body values required": FIXED,
    "PATCH /watchlist body watchListId required": FIXED,
    "POST /sequences/{sequenceId}/steps/{stepId}/ab-test/winner body variant required": FIXED,
    "GET /campaigns/{campaignId}/export/leads query format enum": FIXED,
    "GET /contacts query offset minimum": FIXED,
    "GET /companies query offset minimum": FIXED,
}
UNCHECKED.update(
    {
        str(one): FIXED
        for one in ALL
        if one.place in {"query version", "query page", "body page"}
        or (one.kind == "required" and one.place.startswith("query ") and "{" in one.wire)
        or (one.kind == "required" and one.place in {"query userId", "query watchListId", "query listId"})
    }
)

Use = Callable[[Lemlist], Any]
BY_PARAMETER: dict[str, Use] = {
    "GET /team/senders query state enum": lambda c: c.team.list_senders(state="nothing"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "PUT /campaigns/{campaignId}/export/{exportId}/email/{email} path email format": lambda c: (
        c.campaigns.set_export_email("cam_1", "axp_1", "nothing")
    ),
    "GET /leads/{email} path email format": lambda c: c.leads.list_by_email("nothing"),
    "GET /campaigns/{campaignId}/leads/ query limit minimum": lambda c: c.leads.list("cam_1", page_size=0),
    "POST /database/people body size minimum": lambda c: c.database.search_people(filters=[], page_size=0),
    "POST /database/people body size maximum": lambda c: c.database.search_people(filters=[], page_size=101),
    "GET /database/personas query mode enum": lambda c: c.database.list_personas(mode="nothing"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "DELETE /database/personas/{personaId} path personaId minLength": lambda c: c.database.delete_persona(""),
    "GET /contacts query limit minimum": lambda c: c.contacts.list(page_size=0),
    "GET /contacts query limit maximum": lambda c: c.contacts.list(page_size=501),
    "POST /contacts/lists body name maxLength": lambda c: c.contacts.create_list("a" * 201),
    "POST /contacts/lists/{listId}/entities body contactIds minItems": lambda c: c.contacts.add_to_list(
        "clt_1", []
    ),
    "POST /contacts/lists/{listId}/entities body contactIds maxItems": lambda c: c.contacts.remove_from_list(
        "clt_1", ["ctc_1"] * 1001
    ),
    "GET /contacts/export query entity enum": lambda c: c.contacts.export(entity="nothing"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "PATCH /lemwarm/{userMailboxId}/settings body minProperties": lambda c: c.lemwarm.update_settings(
        "usm_1"
    ),
    "GET /companies query limit minimum": lambda c: c.companies.list(page_size=0),
    "GET /companies query limit maximum": lambda c: c.companies.list(page_size=501),
    "GET /v2/unsubscribes/variables query limit maximum": lambda c: c.unsubscribes.list(page_size=101),
    "POST /v2/unsubscribes/variables body values maxItems": lambda c: c.unsubscribes.add_many(["a"] * 10_001),
    "POST /v2/enrichments/bulk body maxItems": lambda c: c.enrichments.start_many([PERSON] * 501),
    "POST /v2/enrichments/bulk body [].enrichmentRequests required": lambda c: c.enrichments.start_many(
        [{"input": {}}]
    ),  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    "POST /v2/enrichments/bulk body [].enrichmentRequests[] enum": lambda c: c.enrichments.start_many(
        [{"input": {}, "enrichment_requests": ["nothing"]}]
    ),  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    "GET /watchlist/signals query limit minimum": lambda c: c.signal_agents.list_signals(page_size=0),
    "GET /watchlist/signals query limit maximum": lambda c: c.signal_agents.list_signals(page_size=101),
    "GET /watchlist query limit minimum": lambda c: c.signal_agents.list(page_size=0),
    "GET /watchlist query limit maximum": lambda c: c.signal_agents.list(page_size=101),
    "DELETE /watchlist query watchListId minLength": lambda c: c.signal_agents.delete(""),
    "GET /watchlist/history query watchListId minLength": lambda c: c.signal_agents.list_history(""),
    "GET /watchlist/history query limit minimum": lambda c: c.signal_agents.list_history("wl_1", page_size=0),
    "GET /watchlist/history query limit maximum": lambda c: c.signal_agents.list_history(
        "wl_1", page_size=101
    ),
    "GET /watchlist/filter-values query query minLength": lambda c: c.signal_agents.list_filter_values(
        "title", query=""
    ),
    "GET /watchlist/filter-values query query maxLength": lambda c: c.signal_agents.list_filter_values(
        "title", query="a" * 101
    ),
    "GET /watchlist/filter-values query filterId required": lambda c: c.signal_agents.list_filter_values(""),
    "DELETE /sequences/{sequenceId}/steps/{stepId}/ab-test query variant enum": lambda c: (
        c.sequences.delete_variant("seq_1", "stp_1", variant="C")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ),
    "POST /sequences/{sequenceId}/steps/{stepId}/ab-test/winner body variant enum": lambda c: (
        c.sequences.select_winner("seq_1", "stp_1", "C")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ),
}
"""Constraints on no field of a TypedDict, with a call that breaks each."""
PERSON: Any = {"input": {"email": "a@b.example"}, "enrichment_requests": ["verify"]}


def specs(wire: str) -> Iterator[type]:
    """The TypedDicts that the methods of an operation take."""
    for row in ROWS:
        if row.wire == wire:
            method = METHODS[row.name]
            for parameter in inspect.signature(method).parameters.values():
                if parameter.kind is parameter.VAR_KEYWORD:
                    yield get_args(get_type_hints(method, include_extras=True)[parameter.name])[0]


def field_of(spec: type, path: list[str]) -> list[tuple[type, str, bool]] | None:
    """(TypedDict, field, whether it is a list) from the outside in, of what travels at a path."""
    hints = get_type_hints(spec, include_extras=True)
    name = path[0].removesuffix("[]")
    found = next(
        (field for field, place in _shape(spec).places.items() if place.wire.removesuffix("[]") == name), None
    )
    if found is None:
        return None
    here = (spec, found, path[0].endswith("[]"))
    if len(path) == 1:
        return [here]
    inner = parts(hints[found])[0]
    within = field_of(get_args(inner)[0] if here[2] else inner, path[1:])
    return None if within is None else [here, *within]


def broken(one: Constraint) -> Any:
    """A value that breaks a constraint."""
    if one.kind == "enum":
        return 99 if isinstance(one.value[0], int) else "nothing"
    if one.kind in {"minimum", "maximum"}:
        return one.value - 1 if one.kind == "minimum" else one.value + 1
    if one.kind in {"minLength", "maxLength"}:
        return "a" * (one.value - 1 if one.kind == "minLength" else one.value + 1)
    if one.kind in {"minItems", "maxItems"}:
        return ["a"] * (one.value - 1 if one.kind == "minItems" else one.value + 1)
    return "nothing of the kind"


def breaking(one: Constraint) -> list[tuple[type, dict[str, Any]]]:
    """Arguments that break a constraint, for each TypedDict that has the field."""
    made: list[tuple[type, dict[str, Any]]] = []
    for spec in specs(one.wire):
        chain = field_of(spec, one.place.partition(" ")[2].split("."))
        if chain is None:
            continue
        value: Any = broken(one)
        for place, (inner, name, is_list) in enumerate(reversed(chain)):
            if place == 0 and one.kind == "required":
                value = {key: other for key, other in sample(inner).items() if key != name}
            else:
                value = {**sample(inner), name: [value] if is_list else value}
        made.append((spec, value))
    return made


CHECKED = [one for one in ALL if str(one) not in UNCHECKED and one.wire not in NOT_OFFERED]


@pytest.mark.parametrize("one", CHECKED, ids=map(str, CHECKED))
async def test_what_the_document_calls_invalid_is_refused_before_sending(one: Constraint) -> None:
    if (use := BY_PARAMETER.get(str(one))) is not None:
        with pytest.raises((InvalidInputError, TypeError)):
            await run(use)
        return
    cases = breaking(one)
    assert cases, f"no method takes {one}"
    for spec, fields in cases:
        with pytest.raises((InvalidInputError, TypeError)):
            encode(spec, fields)


async def run(use: Use) -> None:
    made: Any = use(Recorder("a-key", "http://localhost:1"))
    if isinstance(made, Pages | Awaitable):
        try:
            await made
        except RecordedError as recorded:
            _ = recorded.call.target  # ids are looked at where the address is made


def test_what_is_left_unchecked_is_in_the_document() -> None:
    known = {str(one) for one in ALL}
    assert set(UNCHECKED) - known == set()
    assert set(BY_PARAMETER) - known == set()
    assert set(UNCHECKED) & set(BY_PARAMETER) == set()


def test_there_is_something_to_hold() -> None:
    assert len(CHECKED) > 100
