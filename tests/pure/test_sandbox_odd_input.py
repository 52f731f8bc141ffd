"""No input breaks a route: whatever comes, every operation answers or refuses."""

import json
import re
from collections.abc import Generator
from random import Random
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox, Team
from lemlist_async.sandbox.lifecycle.kinds import KINDS
from lemlist_async.sandbox.outbox import is_here
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import Refusal, RouteResponse, respond
from lemlist_async.sandbox.routes import all_routes
from lemlist_async.sandbox.world import Behaviour, World
from tests.support.long_work import done

ROUNDS = 25
WORDS = """
action activate additionalEmails appendLabels assignedTo autoReview autoReviewConditions campaignIds channelConfig
channels comparisonOperator company companyDomain companyId contact contactId contactIds content crm customFields
delay domain draftOwner dueDate email endDate enrichmentRequests excludes fields filterId filters findEmail format id
ids idsOrDomains idsOrEmails index input labelIds labelName leadId limit linkedinUrl maxDate message metadata metric
minDate mode name note offset page params periodDays periodMode priority recordId scope scopeEntities search
segmentType sendUser sendUserEmail sendUserId sendUserIds sendUserMailboxId severity signalProcessingType size skip
startDate state stepId subject targetUrl threshold type userId value values variant version watchListId weekdays
widget
"""
NAMES = re.findall(r"\w+", WORDS)
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "[",
        "a@b.example",
        "2026-01-01",
        "nan",
        "leads",
        "all",
    ),
    *([], [1], [None], ["x"], [[]], [{}], [{"filterId": 1}], [{"filterId": "country", "in": 5}]),
    *([{"filterId": "email", "value": 3}], {}, {"a": {"b": []}}, {"email": 3}, {"linkedinUrl": 3}),
]


def seeded() -> tuple[Sandbox, World, Team]:
    """A team with one of most things, so that the odd input meets records."""
    sandbox = Sandbox(limit=None)
    team = sandbox.team()
    campaign = team.add_campaign()
    team.add_lead(team.add_campaign(autoReview=True)["_id"], "bob@b.example")
    lead = team.add_lead(campaign["_id"], "ann@b.example", firstName="Ann")
    team.add_message(team.contacts[lead["contactId"]], "email", "emailsReplied", "Yes", lead)
    team.add_company("acme.example", name="Acme")
    team.add_contact_list("Some")
    behaviour = Behaviour(post=lambda url, body: is_here(url) and body())
    return sandbox, World(behaviour, [team], sandbox._engine), team  # pyright: ignore[reportPrivateUsage]


def call_with(world: World, team: Team, random: Random, names: tuple[str, ...]) -> RequestContext:
    ids = [record_id for table in team.tables().values() for record_id in table]

    def value() -> Any:
        return random.choice(ODD) if random.random() < 0.5 else random.choice(ids)

    def text() -> str:
        odd = value()
        return json.dumps(odd) if random.random() < 0.5 else str(odd)

    query = {name: [text()] for name in random.sample(NAMES, 20)}
    body = {name: value() for name in random.sample(NAMES, 40)} if random.random() < 0.9 else value()
    path = {name: random.choice([*ids, "x", "a@b.example"]) for name in names}
    raw = json.dumps(body).encode()
    return RequestContext(
        world, team, path, query, raw, "application/json", lambda: "http://sandbox.example/api"
    )


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_route_answers_or_refuses_whatever_comes(seed: int) -> None:
    sandbox, world, team = seeded()
    random = Random(seed)
    routes = list(all_routes()) * 2
    random.shuffle(routes)
    for route in routes:
        context = call_with(world, team, random, route.names)
        try:
            result = route.handler(context)
            if isinstance(result, Generator):
                result, _ = done(result)
        except Refusal as refusal:
            result = refusal.response
        shown = result if isinstance(result, RouteResponse) else respond(result)
        assert 200 <= shown.status < 600, route
    for kind in sorted(KINDS):
        for lead in list(team.leads.values()):
            sandbox.happen(kind, lead)
    sandbox.advance(days=400)  # what was ordered happens, whatever it is
