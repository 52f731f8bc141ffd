"""Responses that differ from lemlist's document: each quirk, with invented data."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest

from lemlist_async import Call, Effect, Lemlist
from lemlist_async.core.json import loads
from lemlist_async.core.wire import ShapeError
from lemlist_async.errors import DeadlineExceededError, InvalidInputError
from lemlist_async.pagination import Page
from lemlist_async.resources._base import Done
from lemlist_async.resources.campaigns_models import Campaign, CampaignStats
from lemlist_async.resources.database import DatabaseCompany, Person
from lemlist_async.resources.enrichments import Enrichment, EnrichmentsResource
from lemlist_async.resources.team import Team
from lemlist_async.resources.webhooks import Webhook
from tests.contract.operations import ROWS
from tests.contract.recording import call_of

T = TypeVar("T")


class Answering(Lemlist):
    """A client that is given its answers, and keeps the calls that they were for."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("a-key", "http://localhost:1")
        self.calls: list[Call[Any]] = []
        self._answers: Iterator[Any] = iter(answers)

    async def send(self, call: Call[T]) -> T:
        self.calls.append(call)
        assert call.decode is not None
        return call.decode(next(self._answers), {})


@pytest.mark.parametrize(
    "name", ["campaigns.list", "activities.list", "leads.get", "leads.list_by_email", "team.get"]
)
async def test_the_second_version_is_asked_for_where_the_first_is_still_the_default(name: str) -> None:
    for row in (row for row in ROWS if row.name == name):
        assert ("version", "v2") in (await call_of(row)).query


@pytest.mark.parametrize("name", ["leads.list", "leads.create", "schedules.list_for_campaign"])
async def test_three_paths_end_with_a_slash_and_are_sent_so(name: str) -> None:
    for row in (row for row in ROWS if row.name == name):
        assert (await call_of(row)).target.partition("?")[0].endswith("/")


@pytest.mark.parametrize("name", ["campaigns.export_leads", "campaigns.export_leads_csv", "leads.list"])
async def test_all_states_are_asked_for_since_none_means_nobody(name: str) -> None:
    for row in (row for row in ROWS if row.name == name):
        assert ("state", "all") in (await call_of(row)).query


async def test_several_states_are_one_text_with_commas() -> None:
    client = Answering([])
    await client.campaigns.export_leads("cam_1", state=["interested", "paused"])
    assert ("state", "interested,paused") in client.calls[0].query


async def test_channels_are_json_text_in_one_route_and_an_array_in_the_other() -> None:
    client = Answering({}, {})
    span: Any = {"start_date": "2026-01-01", "end_date": "2026-02-01"}
    await client.campaigns.get_stats("cam_1", channels=["email"], **span)
    await client.campaigns.list_stats_batch(campaign_ids=["cam_1"], channels=["email"], **span)
    assert ("channels", '["email"]') in client.calls[0].query
    assert client.calls[1].body["channels"] == ["email"]


async def test_filters_of_tasks_are_sent_even_if_there_are_none() -> None:
    client = Answering({"results": [], "page": "0"})
    assert (await client.tasks.list()).items == []
    assert client.calls[0].query == [("filters", "[]"), ("page", "0")]


async def test_several_types_of_signals_are_repeated_and_of_agents_joined() -> None:
    client = Answering({"data": []}, {"data": []})
    await client.signal_agents.list_signals(type=["jobChange", "newHire"])
    await client.signal_agents.list(type=["jobChange", "newHire"])
    assert list(client.calls[0].query)[:2] == [("type[]", "jobChange"), ("type[]", "newHire")]
    assert next(iter(client.calls[1].query)) == ("type", "jobChange,newHire")


async def test_only_the_creation_of_an_agent_may_meet_a_429_of_the_plan() -> None:
    limited = {row.name for row in ROWS if (await call_of(row)).plan_limited}
    assert limited == {"signal_agents.create"}


async def test_a_campaign_id_without_its_prefix_is_refused_before_it_adds_nobody() -> None:
    client = Answering()
    with pytest.raises(InvalidInputError, match="begins with cam_"):
        await client.leads.create("1234567890abcdef", email="ann@example.com")
    assert client.calls == []


@pytest.mark.parametrize("answer", [{}, {"campaignId": "cam_1"}, {"_id": None}, None, [], "created"])
async def test_a_success_that_shows_no_lead_is_no_success(answer: Any) -> None:
    with pytest.raises(ShapeError):
        await Answering(answer).leads.create("cam_1", email="ann@example.com")


@pytest.mark.parametrize(
    ("fields", "effect"),
    [
        ({"email": "ann@example.com"}, Effect.DEDUPABLE),
        ({"email": "ann@example.com", "deduplicate": True, "find_phone": False}, Effect.DEDUPABLE),
        ({"email": "ann@example.com", "find_phone": True}, Effect.UNSAFE),
        ({"email": "", "first_name": "Ann"}, Effect.UNSAFE),
        ({"email": None, "first_name": "Ann"}, Effect.UNSAFE),
        ({"linkedin_url": "https://linkedin.example/in/ann"}, Effect.UNSAFE),
    ],
)
async def test_only_an_address_without_credits_makes_a_lead_safe_to_add_again(
    fields: Any, effect: Effect
) -> None:
    client = Answering({"_id": "lea_1"})
    await client.leads.create("cam_1", **fields)
    assert client.calls[0].effect is effect


async def test_a_change_that_is_answered_with_nothing_has_succeeded() -> None:
    client = Answering(None, None, None, None)
    linkedin = await client.inbox.send_linkedin(send_user_id="u", lead_id="l", contact_id="c", message="Hi")
    assert linkedin == Done()
    assert await client.unsubscribes.remove("ann@example.com") == ""
    assert await client.leads.pause("lea_1") == []
    assert (await client.campaigns.pause("cam_1")).state is None


async def test_a_read_that_is_answered_with_nothing_has_not() -> None:
    with pytest.raises(ShapeError, match="Credits was promised, nothing came"):
        await Answering(None).team.get_credits()


async def test_one_record_in_place_of_a_list_is_a_list_of_one() -> None:
    """Marking answers with an object per campaign and a list for all; the first look-up by address with one lead."""
    lead = {"_id": "lea_1", "email": "ann@example.com"}
    client = Answering(lead, [lead], lead)
    assert [one.id for one in await client.leads.mark_interested_in("cam_1", "lea_1")] == ["lea_1"]
    assert [one.id for one in await client.leads.mark_interested("lea_1")] == ["lea_1"]
    assert [one.id for one in await client.leads.list_by_email("ann@example.com")] == ["lea_1"]


async def test_a_list_in_an_envelope_is_found_where_a_bare_one_is_documented() -> None:
    rows = [{"_id": "ctc_1"}]
    client = Answering({"data": rows, "total": 1}, {"contacts": rows, "total": 1})
    assert [one.id for one in await client.contacts.look_up(["ctc_1"])] == ["ctc_1"]
    assert [one.id async for one in client.contacts.list()] == ["ctc_1"]


async def test_an_envelope_that_is_left_out_is_not_missed() -> None:
    client = Answering({"data": {"_id": "wl_1"}}, {"_id": "wl_1"})
    assert [(await client.signal_agents.update("wl_1", name="a")).id for _ in range(2)] == ["wl_1", "wl_1"]


@pytest.mark.parametrize(
    ("answer", "running"),
    [
        (None, True),
        ({"enrichmentStatus": "in-progress"}, True),
        ({"enrichmentStatus": "done", "data": {}}, False),
        ({"enrichmentStatus": "not-found"}, False),
    ],
)
async def test_an_empty_202_is_progress_and_the_word_decides_else(answer: Any, running: bool) -> None:
    assert (await Answering(answer).enrichments.get("enr_1")).running is running


@pytest.mark.parametrize(
    "data",
    [
        {
            "email": {"email": "a@b.example", "notFound": True},
            "phone": {"phone": "+33"},
            "linkedin": {"a": 1},
        },
        {
            "find_email": {"email": "a@b.example"},
            "find_phone": {"phone": "+33"},
            "linkedin_enrichment": {"a": 1},
        },
    ],
)
def test_results_are_read_in_the_words_of_polls_and_of_webhooks(data: dict[str, Any]) -> None:
    found = Enrichment.from_dict({"data": data})
    assert (found.email, found.phone, found.linkedin, found.empty) == ("a@b.example", "+33", {"a": 1}, False)


def test_what_was_found_follows_from_the_values_and_not_from_flags() -> None:
    found = Enrichment.from_dict(
        {"enrichmentStatus": "done", "data": {"email": {"notFound": False}, "linkedin": {}}}
    )
    assert (found.email, found.linkedin, found.empty) == (None, None, True)


@pytest.mark.parametrize("data", ["soon", [1], {"email": "a@b.example", "phone": 3, "linkedin": None}])
def test_a_result_of_another_shape_is_nothing_found_and_no_crash(data: Any) -> None:
    found = Enrichment.from_dict({"enrichmentStatus": "done", "data": data})
    assert found.empty


def test_results_that_were_posted_are_read_by_their_ids() -> None:
    body = b'{"data": [{"id": "enr_1", "metadata": "3", "data": {"find_email": {"email": "a@b.example"}}}]}'
    for given in (body, body.decode(), loads(body)):
        (found,) = EnrichmentsResource.parse_webhook_results(given)
        assert (found.enrichment_id, found.metadata, found.email) == ("enr_1", "3", "a@b.example")
        assert not found.running


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        "{}",
        b'{"data": {}}',
        b'{"data": [1]}',
        b'{"data": [{"id": 5}]}',
        {"data": None},
        b"x" * 2**21,
    ],
)
def test_a_body_that_holds_no_results_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInputError, match="body"):
        EnrichmentsResource.parse_webhook_results(body)


DONE_EMPTY = {"enrichmentStatus": "done", "data": {}}
DONE = {"enrichmentStatus": "done", "data": {"email": {"email": "a@b.example"}}}


@pytest.mark.parametrize(
    ("answers", "email"),
    [([None, DONE], "a@b.example"), ([DONE_EMPTY, DONE], "a@b.example"), ([DONE_EMPTY, DONE_EMPTY], None)],
)
async def test_an_empty_result_is_asked_for_once_more(answers: list[Any], email: str | None) -> None:
    client = Answering(*answers)
    assert (await client.enrichments.wait("enr_1", every=0.001)).email == email
    assert len(client.calls) == 2


async def test_waiting_ends_in_time_and_at_a_reasonable_pace() -> None:
    client = Answering(*[None] * 100)
    with pytest.raises(DeadlineExceededError, match=r"not ready after 0\.02 s"):
        await client.enrichments.wait("enr_1", every=0.008, timeout=0.02)
    assert 1 <= len(client.calls) <= 3
    with pytest.raises(InvalidInputError, match="positive"):
        await client.enrichments.wait("enr_1", every=0)


async def test_one_member_that_cannot_be_read_is_one_error_and_no_group_of_them() -> None:
    client = Answering({"_id": "tea_1", "userIds": ["usr_1", "usr_2"]}, "not a user", {"_id": "usr_2"})
    with pytest.raises(ShapeError):
        await client.team.get_overview()


async def test_no_more_members_are_asked_for_at_once_than_allowed() -> None:
    busy, most = 0, 0

    class Counting(Answering):
        async def send(self, call: Call[T]) -> T:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            return await super().send(call)

    members = [f"usr_{number}" for number in range(9)]
    client = Counting({"_id": "tea_1", "userIds": members}, *({"_id": member} for member in members), {}, {})
    overview = await client.team.get_overview(at_once=3)
    assert ([member.id for member in overview.members], most) == (members, 3)


def test_status_and_state_of_a_campaign_are_two_things() -> None:
    campaign = Campaign.from_dict({"_id": "cam_1", "status": "draft", "state": "running"})
    assert (campaign.status, campaign.state) == ("draft", "running")


def test_what_statistics_tell_beyond_the_document_is_kept() -> None:
    stats = CampaignStats.from_dict({"nbLeads": 3, "perChannel": {"email": {"sent": 2}}, "brandNew": 1})
    assert (stats.per_channel, stats.extra) == ({"email": {"sent": 2}}, {"brandNew": 1})


def test_numbers_of_database_companies_are_texts_and_are_read_as_numbers() -> None:
    raw = {"company_id": "88945664", "company_employee_count": "31", "company_founded": "n/a"}
    company = DatabaseCompany.from_dict(raw)
    assert (company.company_id, company.company_employee_count, company.company_founded) == (
        88945664,
        31,
        "n/a",
    )
    assert company.to_dict() == raw


def test_people_have_their_experiences_with_keys_in_snake_case() -> None:
    person = Person.from_dict({"_id": "1", "_score": 2.5, "experiences": [{"company_id": 7, "title": "CEO"}]})
    assert (person.score, person.experiences[0].company_id) == (2.5, 7)


def test_a_hook_may_lack_its_type_and_has_a_number_where_a_text_was_sent() -> None:
    hook = Webhook.from_dict({"_id": "hoo_1", "zapId": 37, "isFirst": True})
    assert (hook.type, hook.zap_id, hook.is_first) == (None, 37, True)


def test_secrets_that_lie_in_answers_are_not_shown() -> None:
    team = Team.from_dict(
        {
            "_id": "tea_1",
            "apiKey": "hush-1",
            "billing": {"card": "hush-2"},
            "hooks": [{"_id": "hoo_1", "targetUrl": "https://hush-3.example"}],
            "slackWebhook": {"url": "https://hush-4.example", "failCounter": 0},
        }
    )
    assert "hush" not in repr(team)
    assert team.to_dict()["apiKey"] == "hush-1"


async def test_steps_may_lack_a_type_and_conditional_ones_tell_their_branches() -> None:
    step = {"_id": "stp_1", "conditions": [{"sequenceId": "seq_2"}]}
    sequences = await Answering({"seq_1": {"_id": "seq_1", "steps": [step]}}).sequences.list_for_campaign(
        "cam_1"
    )
    (found,) = sequences["seq_1"].steps or []
    assert (found.type, found.conditions) == (None, [{"sequenceId": "seq_2"}])


async def test_the_page_of_tasks_is_a_text_and_ends_where_it_is_empty() -> None:
    row = {"_id": "opp_1"}
    client = Answering({"results": [row], "page": "0"}, {"results": [], "page": "1"})
    assert [task.id async for task in client.tasks.list()] == ["opp_1"]
    assert [dict(call.query)["page"] for call in client.calls] == ["0", "1"]


async def test_a_page_tells_what_stood_beside_its_rows() -> None:
    client = Answering({"results": [], "total": 0, "limitation": 1999, "search": "lsh_1"})
    page = await client.database.search_people(filters=[])
    assert isinstance(page, Page)
    assert page.extra["limitation"] == 1999


async def test_dropping_variant_a_is_never_repeated_since_b_becomes_a() -> None:
    client = Answering({"ok": True}, {"ok": True})
    await client.sequences.delete_variant("seq_1", "stp_1")
    await client.sequences.delete_variant("seq_1", "stp_1", variant="A")
    assert [call.effect for call in client.calls] == [Effect.IDEMPOTENT, Effect.UNSAFE]
