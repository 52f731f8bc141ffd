"""One odd value in a body that is right otherwise: every depth of every field is answered, never a fault."""

from collections.abc import Iterator
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "a|b",
    [],
    [1],
    [None],
    [{}],
    {},
    {"a": {"b": []}},
)
BODIES: dict[str, dict[str, Any]] = {
    "POST /deliverability/alerts": {
        "widget": "warmup",
        "metric": "score",
        "severity": "warning",
        "scope": "mailbox",
        "scopeEntities": ["usr_1|a@b.example|usm_1"],
        "comparisonOperator": "below",
        "threshold": 5,
        "periodDays": 1,
        "periodMode": "rolling",
        "channelConfig": {"email": {"enabled": True, "addresses": ["a@b.example"]}},
    },
    "POST /v2/campaigns/stats/batch": {
        "campaignIds": ["{campaign}"],
        "startDate": "2026-01-01",
        "endDate": "2026-02-01",
        "channels": ["email"],
        "ABSelected": "A",
        "sendUser": "{user}|robin@sandbox.example",
    },
    "POST /database/personas": {
        "name": "Founders",
        "mode": "leads",
        "filters": [{"filterId": "country", "in": ["France"]}],
    },
    "POST /user/email-accounts": {
        "sender_name": "Ann",
        "sender_email": "ann@b.example",
        **{
            f"{kind}_{part}": "mail.b.example"
            for kind in ("smtp", "imap")
            for part in ("host", "login", "password")
        },
        "smtp_port": 25,
        "imap_port": 143,
        "userId": "{user}",
    },
    "POST /watchlist": {
        "name": "New hires",
        "type": "newHire",
        "segmentType": "filters",
        "signalProcessingType": "manual",
        "activate": True,
        "filters": [{"filterId": "country", "in": ["France"], "out": []}],
    },
    "POST /v2/enrichments/bulk": [  # type: ignore[dict-item]  # the one body that is a list
        {
            "input": {"email": "a@b.example", "firstName": "Ann"},
            "enrichmentRequests": ["verify"],
            "metadata": {"row": "1"},
        }
    ],
    "POST /schedules": {
        "name": "Mornings",
        "timezone": "Europe/Paris",
        "start": "09:00",
        "end": "12:00",
        "weekdays": [1, 2],
        "secondsToWait": 60,
    },
    "POST /sequences/{sequence}/steps": {
        "type": "email",
        "subject": "Hi",
        "message": "Hello",
        "delay": 1,
        "index": 0,
    },
    "POST /campaigns/{campaign}/leads/": {"email": "a@b.example", "firstName": "Ann", "tags": {"a": ["b"]}},
    "PATCH /campaigns/{campaign}": {
        "name": "Autumn",
        "sendUserIds": ["{user}"],
        "autoReview": True,
        "archived": False,
        "onReplied": {"campaignProgress": "stop", "specificLinks": ["x"]},
    },
    "POST /contacts": {
        "email": "a@b.example",
        "firstName": "Ann",
        "companyDomain": "b.example",
        "companyId": "cpn_1",
    },
    "POST /tasks": {
        "recordId": "{contact}",
        "type": "manual",
        "assignedTo": "{user}",
        "dueDate": "2026-01-01T00:00:00Z",
        "priority": "1",
        "title": "Call",
        "message": "Now",
    },
    "POST /hooks": {"targetUrl": "http://127.0.0.1:9/", "type": "emailsSent", "secret": "s", "isFirst": True},
    "POST /inbox/email": {
        "sendUserId": "{user}",
        "sendUserEmail": "robin@sandbox.example",
        "sendUserMailboxId": "usm_1",
        "contactId": "{contact}",
        "leadId": "lea_1",
        "subject": "Hi",
        "message": "Hello",
        "cc": ["c@b.example"],
    },
}


def variants(right: Any) -> Iterator[Any]:
    """Yield a value with one odd value at each place, itself included."""
    yield from ODD
    if isinstance(right, dict):
        for name, value in right.items():
            for odd in variants(value):
                yield {**right, name: odd}
    if isinstance(right, list):
        for index, value in enumerate(right):
            for odd in variants(value):
                yield [*right[:index], odd, *right[index + 1 :]]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """Return a value in which the names of records are replaced by their ids."""
    if isinstance(value, dict):
        return {name: filled(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    return value.format_map(ids) if isinstance(value, str) else value


@pytest.mark.parametrize("operation", BODIES)
async def test_one_odd_value_is_answered(api: Api, sandbox: Sandbox, team: Team, operation: str) -> None:
    campaign = team.add_campaign()
    contact = team.add_contact("known@b.example")
    ids = {
        "campaign": campaign["_id"],
        "sequence": campaign["sequenceId"],
        "user": team.user_id,
        "contact": contact["_id"],
    }
    right = filled(BODIES[operation], ids)
    path = operation.format_map(ids)
    for body in (right, *variants(right)):
        status, answer = await api(path, json=body)
        assert not sandbox.errors, (body, answer, sandbox.errors[-1].trace)
        assert status < 500, (body, answer)
    sandbox.advance(days=3)  # what was accepted has to work later, too
    assert not sandbox.errors
