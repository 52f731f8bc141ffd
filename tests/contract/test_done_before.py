"""Every operation whose repeat lemlist refuses tells of it by AlreadyDoneError, and of nothing else."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from lemlist_async import Call, Effect, errors
from lemlist_async.core.classify import refusal
from lemlist_async.core.json import dumps
from lemlist_async.core.wire import Response
from tests.contract.operations import ROWS, UNDOCUMENTED
from tests.contract.recording import call_of

DONE, EXISTS, LEAD = errors.AlreadyDoneError, errors.AlreadyExistsError, errors.LeadAlreadyExistsError

REPEATS: list[tuple[str, int, Any, type[errors.APIStatusError]]] = [
    ("campaigns.start", 400, "You can't start campaigns that are already running.", DONE),
    ("campaigns.pause", 400, "You can't pause campaigns that are not running.", DONE),
    ("sequences.create_variant", 400, "A/B test already exists on this step", EXISTS),
    ("sequences.select_winner", 400, "A winning variant has already been selected for this step", DONE),
    ("leads.create", 400, "Lead already in the campaign", LEAD),
    ("leads.create", 409, "Lead already in other campaign", LEAD),
    ("leads.create", 500, "Lead already in other campaign", LEAD),
    ("leads.create_by_email", 409, "Lead already in other campaign", LEAD),
    ("leads.launch", 400, {"error": "CAMPAIGN_LEAD_REVIEW_LEAD_ALREADY_LAUNCHED",
                           "message": "Lead is already launched"}, DONE),
    ("leads.launch", 400, {"error": "CAMPAIGN_LEAD_REVIEW_LEAD_ALREADY_LAUNCHED"}, DONE),
    ("leads.add_variables", 400, "Variables plan, tier already exist", EXISTS),
    ("crm.import_leads", 409, "", EXISTS),
    ("webhooks.create", 409, "A hook has this address", EXISTS),
    ("enrichments.start_for_lead", 409, {"error": "lead is already being enriched"}, EXISTS),
    ("enrichments.start_for_lead", 409, {"error": "Enrichment skipped: contact already has the requested data or was"
                                     " recently enriched", "code": "ALREADY_ENRICHED"}, EXISTS),
    ("inbox.create_label", 409, "Label with this name already exists", EXISTS),
    ("database.create_persona", 409, {"error": "A persona with this name already exists for the team",
                                      "code": "PEOPLE_DATABASE_PERSONA_NAME_ALREADY_EXISTS"}, EXISTS),
    ("email_accounts.connect", 400, "This SMTP mailbox already exists", EXISTS),
    ("deliverability.create_alert", 409, "", EXISTS),
]  # fmt: skip
OTHERS: list[tuple[str, int, Any]] = [
    ("campaigns.start", 404, "Campaign not found"),
    ("sequences.create_variant", 404, "Sequence not found"),
    ("sequences.create_variant", 402, "route is available starting emailPro plan"),
    ("leads.create", 400, "Bad team"),
    ("leads.launch", 400, {"error": "CAMPAIGN_LEAD_REVIEW_LEAD_PAUSED", "message": "Lead is paused"}),
    ("enrichments.start_for_lead", 404, {"error": "Lead not found", "code": "LEAD_NOT_FOUND"}),
    ("email_accounts.connect", 400, "Missing required fields"),
    ("sequences.update_step", 400, "You cannot edit this step because the campaign is running"),
    ("contacts.delete", 409, {"success": False, "error": {"code": "CONTACT_DELETE_BLOCKED", "message": "Blocked"}}),
    ("deliverability.update_alert", 409, "An alert with the same widget already exists"),
    ("signal_agents.update", 409, "Watch list type cannot be changed after creation"),
]  # fmt: skip
LABELS = ("text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json", "")
"""Types under which a bare sentence comes; Node's frameworks call it HTML."""


async def call_for(name: str) -> Call[Any]:
    """The call of a method; of several, the one whose repeat lemlist refuses."""
    calls = [await call_of(row) for row in ROWS if row.name == name]
    return next((call for call in calls if call.effect is Effect.DEDUPABLE), calls[0])


def answers(status: int, body: Any) -> Iterator[Response]:
    """A refusal, under every type that it may come with."""
    if isinstance(body, str):
        for label in LABELS:
            yield Response(status, {"Content-Type": label}, body.encode())
    else:
        yield Response(status, {"Content-Type": "application/json"}, dumps(body))


@pytest.mark.parametrize(("name", "status", "body", "kind"), REPEATS)
async def test_a_refused_repeat_is_already_done(
    name: str, status: int, body: Any, kind: type[errors.APIStatusError]
) -> None:
    call = await call_for(name)
    for response in answers(status, body):
        found = refusal(call, response)
        assert type(found) is kind
        assert isinstance(found, errors.AlreadyDoneError)
        assert found.status == status
        if isinstance(body, str) and body:
            assert found.message == body


@pytest.mark.parametrize(("name", "status", "body"), OTHERS)
async def test_another_refusal_is_not_taken_for_done(name: str, status: int, body: Any) -> None:
    for response in answers(status, body):
        assert not isinstance(refusal(await call_for(name), response), errors.AlreadyDoneError)


async def test_no_operation_whose_repeat_is_refused_is_left_out() -> None:
    dedupable = {row.name for row in ROWS if (await call_of(row)).effect is Effect.DEDUPABLE}
    assert dedupable == {name for name, *_ in REPEATS}


async def test_a_repeat_that_spends_credits_is_told_by_its_words() -> None:
    """`force` makes an enrichment unsafe, so its 409 is read by the sentence alone."""
    (call,) = [
        call
        for row in ROWS
        if row.name == "enrichments.start_for_lead" and (call := await call_of(row)).effect is Effect.UNSAFE
    ]
    busy = Response(409, {}, b'{"error": "lead is already being enriched"}')
    assert type(refusal(call, busy)) is errors.AlreadyExistsError
    assert type(refusal(call, Response(409, {}, b"no"))) is errors.ConflictError


@pytest.mark.skipif("LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI names no document")
async def test_every_documented_refusal_of_a_repeat_is_read_as_one() -> None:
    paths = _document()["paths"]
    seen = 0
    for row in ROWS:
        call = await call_of(row)
        if call.effect is not Effect.DEDUPABLE or row.wire in UNDOCUMENTED:
            continue
        verb, _, path = row.wire.partition(" ")
        for status, response in _documented(paths[path][verb.lower()]["responses"]):
            told = b"already" in response.body.lower()
            seen += told
            assert isinstance(refusal(call, response), errors.AlreadyDoneError) == (told or status == 409)
    assert seen > 6


def _document() -> Any:
    return json.loads(pathlib.Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())


def _documented(responses: Any) -> Iterator[tuple[int, Response]]:
    """Status and answer of each documented refusal."""
    for status, response in responses.items():
        if status[0] != "4" or status == "429":
            continue
        contents = response.get("content") or {"": {"example": ""}}
        for label, media in contents.items():
            named = [one["value"] for one in media.get("examples", {}).values()]
            for said in named or [media.get("example", "")]:
                body = said.encode() if isinstance(said, str) else dumps(said)
                yield int(status), Response(int(status), {"Content-Type": label}, body)
