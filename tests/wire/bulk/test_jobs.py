"""The ready-made jobs against the sandbox: each row's own outcome, in batches too."""

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest

from lemlist_async import Lemlist, errors
from lemlist_async.bulk import (
    BlockValues,
    EnrichPeople,
    Job,
    JobStoppedError,
    ListContacts,
    ReadStats,
    Report,
    RowResult,
    State,
    StopLeads,
    UnblockValues,
    UpdateLeads,
    UpsertContacts,
)
from lemlist_async.bulk.source.rows import Source
from lemlist_async.sandbox import Reset, Sandbox, Status, gateway, lost_response
from tests.support.clients import quick

SPAN = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-31T00:00:00Z"}
BULK_ENRICH = "POST /v2/enrichments/bulk"


def client(sandbox: Sandbox) -> Lemlist:
    """A client without a limit of its own, which hardly waits."""
    return quick(sandbox.url)


def box(**options: Any) -> Sandbox:
    """A sandbox without a limit, whose enrichments are ready at once."""
    return Sandbox(limit=None, keys=("canary-key/of+tests",), **{"polls": 0, **options})


async def run_job(
    lemlist: Lemlist, job: Job, rows: Source, journal: Path | None = None
) -> tuple[dict[int, RowResult], Report]:
    """A job from plan to report; the rows by their line."""
    async with await lemlist.bulk.plan(job, rows, journal=journal) as plan:
        run = lemlist.bulk.run(plan, poll_every=0)
        found = {row.line: row async for row in run}
        return found, await run.report()


def sent(sandbox: Sandbox, operation: str) -> int:
    """Count the requests of an operation that reached the sandbox."""
    return sum(f"{seen.method} {seen.template}" == operation for seen in sandbox.requests)


def words(found: dict[int, RowResult]) -> dict[int, str]:
    """Return the outcome of each line, in a word."""
    return {line: row.outcome.what for line, row in sorted(found.items())}


async def test_leads_are_changed_by_address_or_id_and_those_who_are_not_there_fail_alone() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        campaign, other = (team.add_campaign(name=name)["_id"] for name in ("A", "B"))
        one = team.add_lead(campaign, "a@x.com", firstName="Old")
        two = team.add_lead(campaign, "b@x.com")
        team.add_lead(other, "c@x.com")
        gone = team.add_lead(campaign, "d@x.com")
        gone["status"] = "unsubscribed"
        rows = [
            {"email": "A@x.com", "First Name": "New", "phone": "+331", "colour": "red"},
            {"id": two["_id"], "jobTitle": "CTO", "First Name": ""},
            {"email": "c@x.com", "colour": "blue"},
            {"email": "d@x.com", "colour": "blue"},
            {"email": "a@x.com"},
        ]
        found, report = await run_job(lemlist, UpdateLeads(campaign_id=campaign), rows)
    assert words(found) == {1: "updated", 2: "updated", 3: "missing", 4: "failed"}
    assert (report.done, report.failed, report.refused) == ({"updated": 2}, 2, 1)
    assert "graveyard" in (found[4].outcome.reason or "")
    assert one["variables"] == {"email": "a@x.com", "firstName": "New", "phone": "+331", "colour": "red"}
    assert two["variables"] == {"email": "b@x.com", "jobTitle": "CTO"}


async def test_a_new_address_beside_the_id_of_a_lead_is_told_since_lemlist_changes_none() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        campaign = team.add_campaign(name="A")["_id"]
        ids = [team.add_lead(campaign, f"{name}@x.com")["_id"] for name in "abcd"]
        rows = [
            {"id": ids[0], "email": "new@x.com", "First Name": "Ann"},
            {"id": ids[1], "email": "B@x.com", "First Name": "Bob"},
            {"id": ids[2], "email": "new@x.com", "private": "c@x.com", "First Name": "Cid"},
            {"id": ids[3], "email": "new@x.com"},
        ]
        found, _ = await run_job(lemlist, UpdateLeads(campaign_id=campaign), rows)
        async with await lemlist.bulk.plan(UpdateLeads(campaign_id=campaign), rows) as plan:
            (refused,) = [row async for row in plan.refused()]
    assert words(found) == {1: "address kept", 2: "updated", 3: "updated"}
    assert "keeps the address a@x.com" in (found[1].outcome.reason or "")
    assert "keeps the address c@x.com" in (found[3].outcome.reason or "")
    assert (
        refused.outcome.reason
        == "nothing to change: lemlist changes no address, and every other cell is empty"
    )


@pytest.mark.parametrize(
    ("action", "word"), [("remove", "removed"), ("unsubscribe", "unsubscribed"), ("pause", "paused")]
)
async def test_leads_are_stopped_and_those_who_are_gone_count_as_done(action: Any, word: str) -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        campaign = team.add_campaign(name="A")["_id"]
        lead = team.add_lead(campaign, "a@x.com")
        sandbox.faults.add(lost_response(), match="DELETE /campaigns/{campaignId}/leads/{leadId}")
        found, report = await run_job(
            lemlist, StopLeads(campaign_id=campaign, action=action), [{"email": "a@x.com"}, "b@x.com"]
        )
        refused, _ = await run_job(
            lemlist, StopLeads(campaign_id=campaign, action=action), [{"lead_id": "lea_00000000000000000"}]
        )
    # a plain text has the column `value`, which says no address
    assert words(found) == {1: word}
    assert report.refused == 1
    assert words(refused) == {1: "absent"}
    held = team.leads.get(lead["_id"])
    assert (held is None) is (action == "remove")
    assert held is None or (held["isPaused"], held["status"] == "unsubscribed") == (
        action == "pause",
        action != "pause",
    )


async def test_contacts_are_made_or_changed_and_a_second_run_changes_nothing() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        team.add_contact("a@x.com", firstName="Old")
        sandbox.faults.add(lost_response(), match="POST /contacts", after=1)
        rows = [
            {"E-Mail Address": "a@x.com", "First Name": "New", "tier": "gold"},
            {"email": "b@x.com", "companyDomain": "unknown.example"},
            {"linkedin": "https://www.linkedin.com/in/c"},
            {"email": "broken"},
            {"First Name": "Nobody"},
        ]
        found, report = await run_job(lemlist, UpsertContacts(), rows)
        again, _ = await run_job(lemlist, UpsertContacts(), rows)
    assert report.refused == 2
    assert Counter(words(found).values()) == {"updated": 2, "created": 1}  # one creation's answer was lost
    assert set(words(again).values()) == {"updated"}
    assert "No company" in (again[2].outcome.reason or "")
    assert len(team.contacts) == 3
    assert team.contacts.by_email("a@x.com")["fields"] == {"firstName": "New", "tier": "gold"}  # type: ignore[index]  # it is there


async def test_list_members_go_a_thousand_a_call_and_strangers_fail_alone() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        target = team.add_contact_list("L")
        ids = [team.add_contact(f"p{n}@x.com")["_id"] for n in range(1200)]
        rows = [*({"email": f"P{n}@x.com"} for n in range(600)), *({"contact_id": one} for one in ids[600:])]
        rows += [{"email": "stranger@x.com"}, {"contact_id": "ctc_unknown"}, {"contact_id": "nonsense"}]
        found, report = await run_job(lemlist, ListContacts(list_id=target["_id"]), rows)
        assert sent(sandbox, "POST /contacts/lists/{listId}/entities") == 2
        assert set(target["contactIds"]) == set(ids)
        assert (report.done, report.failed, report.refused) == ({"added": 1200}, 2, 1)
        assert {found[1201].outcome.what, found[1202].outcome.what} == {"missing"}
        made, _ = await run_job(
            lemlist, ListContacts(list_id=target["_id"], create=True), [{"email": "stranger@x.com"}]
        )
        assert words(made) == {1: "added"}
        await run_job(lemlist, ListContacts(list_id=target["_id"], action="remove"), ids)
        assert len(target["contactIds"]) == 1


async def test_a_list_that_cannot_be_changed_shows_before_the_first_row() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        dynamic = sandbox.team().add_contact_list("D", dynamic=True)["_id"]
        for list_id in (dynamic, "clt_none"):
            with pytest.raises(errors.InvalidInputError):
                await run_job(lemlist, ListContacts(list_id=list_id), [{"contact_id": "ctc_1"}])
        assert not [seen for seen in sandbox.requests if seen.method == "POST"]


async def test_values_are_blocked_ten_thousand_a_call_and_unblocked_one_by_one() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        team = sandbox.team()
        values = [f"p{n}@x.com" for n in range(10_500)]
        rows = [*values, "@spam.example", "P1@x.com", "no@address@at.all", ""]
        _, report = await run_job(lemlist, BlockValues(), rows)
        assert len(team.unsubscribes) == 10_501
        assert (report.done, report.repeated, report.refused) == ({"blocked": 10_501}, 1, 2)
        assert report.calls == 2
        team.block("abuse@x.com", "abuse")
        found, _ = await run_job(
            lemlist,
            UnblockValues(),
            [{"email": "p1@x.com"}, {"value": "abuse@x.com"}, {"domain": "@never.example"}],
        )
    assert words(found) == {1: "unblocked", 2: "protected", 3: "absent"}
    assert len(team.unsubscribes) == 10_501


async def test_a_value_whose_unblocking_lost_its_answer_is_unblocked_and_not_absent() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        sandbox.team().block("a@x.com", "api")
        sandbox.faults.add(lost_response(), match="DELETE /v2/unsubscribes/variables/{value}")
        found, report = await run_job(lemlist, UnblockValues(), ["a@x.com"])
    assert words(found) == {1: "unblocked"}
    assert report.retries == 1


async def test_a_row_in_doubt_when_its_job_stopped_counts_as_done_for_the_next_run(tmp_path: Path) -> None:
    operation = "DELETE /v2/unsubscribes/variables/{value}"
    refused = Status(status=401, body="The authentication you supplied is incorrect")
    async with box() as sandbox:
        sandbox.team().block("a@x.com", "api")
        sandbox.faults.add(lost_response(), match=operation)
        sandbox.faults.add(refused, match=operation, times=None)
        async with client(sandbox) as lemlist:
            plan = await lemlist.bulk.plan(UnblockValues(), ["a@x.com"], journal=tmp_path / "j")
            async with plan:
                run = lemlist.bulk.run(plan)
                with pytest.raises(JobStoppedError):
                    _ = [row async for row in run]
                assert ((await run.report()).unknown, len(sandbox.team().unsubscribes)) == (1, 0)
        sandbox.faults.clear()
        async with client(sandbox) as lemlist, await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert [row.outcome.what async for row in lemlist.bulk.run(plan)] == ["unblocked"]


async def test_figures_come_a_hundred_campaigns_a_call_and_unknown_campaigns_fail_alone() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        ids = [sandbox.team().add_campaign(name=f"C{n}")["_id"] for n in range(120)]
        sandbox.team().add_lead(ids[3], "a@x.com")
        rows = [*ids, "cam_00000000000000000", "seq_1"]
        found, report = await run_job(lemlist, ReadStats(**SPAN), rows)
    assert (report.done, report.failed, report.refused) == ({"read": 120}, 1, 1)
    assert found[121].outcome.reason == "Campaign not found"
    assert found[4].outcome.result["nbLeads"] == 1
    assert report.calls == 2


async def test_one_bad_row_does_not_take_its_batch_along() -> None:
    bad = Status(status=400, body="Bad params: values must be valid")

    async with box() as sandbox, client(sandbox) as lemlist:
        # the whole batch and then its first half are refused, as lemlist does when one value is bad
        sandbox.faults.add(bad, match="POST /v2/unsubscribes/variables", times=2)
        _, report = await run_job(lemlist, BlockValues(), [f"p{n}@x.com" for n in range(64)])
        assert report.complete
        assert len(sandbox.team().unsubscribes) == 64
        sandbox.faults.add(bad, match="POST /v2/unsubscribes/variables", times=None)
        _, report = await run_job(lemlist, BlockValues(), [f"q{n}@x.com" for n in range(512)])
        assert report.failed == 512
        assert report.calls <= 2 * 64 + 1


async def test_a_batch_whose_answer_was_lost_is_sent_again_where_that_does_no_harm(tmp_path: Path) -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        sandbox.faults.add(lost_response(), match="POST /v2/unsubscribes/variables", times=7)
        _, report = await run_job(lemlist, BlockValues(), ["a@x.com", "b@x.com"], tmp_path / "j")
        assert report.complete
        assert len(sandbox.team().unsubscribes) == 2
        sandbox.faults.add(Reset(), match="POST /v2/unsubscribes/variables", times=None)
        _, report = await run_job(lemlist, BlockValues(), ["c@x.com"], tmp_path / "k")
        assert report.unknown == 1
        sandbox.faults.clear()
        async with await lemlist.bulk.resume(tmp_path / "k") as plan:
            assert (plan.forecast.to_send, plan.forecast.ambiguous) == (1, 0)
            assert [row.outcome.what async for row in lemlist.bulk.run(plan)] == ["blocked"]


# Enrichment -------------------------------------------------------------------------------------------


def people(count: int) -> list[dict[str, str]]:
    """Rows of people with a LinkedIn page; the sandbox finds no result for every fourth one."""
    return [
        {
            "linkedin": f"https://www.linkedin.com/in/p{n}",
            "First Name": "P" if n % 4 else "Nobody",
            "crm id": f"{n}",
        }
        for n in range(count)
    ]


async def test_people_are_submitted_once_and_their_results_come_with_their_rows() -> None:
    async with box(polls=2) as sandbox, client(sandbox) as lemlist:
        sandbox.team().credits["paid"] = 100_000
        rows = [*people(600), {"First Name": "Only"}]
        found, report = await run_job(lemlist, EnrichPeople(find=["find_email"]), rows)
        jobs = sandbox.team().enrichments
        assert sent(sandbox, BULK_ENRICH) == 2
    assert (report.done, report.refused) == ({"found": 450, "not found": 150}, 1)
    assert len(jobs) == 600
    row = found[2]
    assert row.payload["other"] == {"crm id": "1"}
    assert jobs[row.outcome.id or ""]["input"]["linkedinUrl"] == "https://www.linkedin.com/in/p1"
    assert row.outcome.result["email"] == "p.last@found.example"


async def test_a_price_above_the_bound_or_the_balance_submits_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    async with box() as sandbox, client(sandbox) as lemlist:
        for most, said in (
            (99, "20 people may cost 100 credits, more than max_credits = 99"),
            (None, "has 30"),
        ):
            sandbox.team().credits.update(freemium=0, subscription=0, gifted=0, paid=30)
            with pytest.raises(errors.ConfigurationError, match=said):
                await run_job(
                    lemlist, EnrichPeople(find=["find_email"], max_credits=most), people(20), journal
                )
        assert not sandbox.team().enrichments
        sandbox.team().credits["paid"] = 100
        job = EnrichPeople(find=["find_email"], max_credits=100)  # the bound may change for the same journal
        _, report = await run_job(lemlist, job, people(20), journal)
        assert report.complete


async def test_what_a_row_has_already_is_not_paid_for_unless_told() -> None:
    def page(name: str) -> dict[str, str]:
        return {"linkedin": f"https://linkedin.com/in/{name}", "First Name": "P"}

    rows = [
        page("a") | {"E-Mail": "a@x.io", "Mobile": "+33 1"},
        page("b") | {"E-Mail": "b@x.io"},
        page("c"),
        page("c") | {"job": "CEO"},  # its answer would be the same
        page("d") | {"E-Mail": "d@x.io", "result.email_status": "deliverable", "Mobile": "+33 4"},
    ]
    job = EnrichPeople(find=["find_email", "find_phone"])
    async with box(polls=0) as sandbox, client(sandbox) as lemlist:
        sandbox.team().credits["paid"] = 1_000
        async with await lemlist.bulk.plan(job, rows) as plan:
            assert (plan.forecast.to_send, plan.forecast.credits) == (2, 20 + 25)
            assert (plan.forecast.skipped, plan.forecast.repeated, plan.forecast.refused) == (2, 1, 0)
            told = [row.outcome.reason async for row in plan.refused()]
        found, report = await run_job(lemlist, job, rows)
        asked = [one["requests"] for one in sandbox.team().enrichments.values()]
        verify = EnrichPeople(find=["verify"])
        async with await lemlist.bulk.plan(verify, rows) as plan:
            assert (plan.forecast.to_send, plan.forecast.skipped, plan.forecast.refused) == (2, 1, 2)
        async with await lemlist.bulk.plan(attrs.evolve(job, again=True), rows) as plan:
            assert (plan.forecast.to_send, plan.forecast.skipped) == (4, 0)
    assert told == [
        "the row has it already: a@x.io, +33 1",
        "the same as line 3",
        "the row has it already: d@x.io, +33 4",
    ]
    assert (report.skipped, report.refused, sorted(found)) == (2, 0, [2, 3])
    assert asked == [["find_phone"], ["find_email", "find_phone"]]


@pytest.mark.parametrize("fault", [lost_response(), gateway(502, effect=True), Reset()])
async def test_a_submission_whose_answer_is_lost_is_never_repeated(fault: Any, tmp_path: Path) -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        sandbox.faults.add(fault, match=BULK_ENRICH)
        _, report = await run_job(lemlist, EnrichPeople(find=["find_email"]), people(3), tmp_path / "j")
        assert (report.unknown, report.left) == (3, 0)
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            reasons = [row.outcome.reason or "" async for row in lemlist.bulk.run(plan)]
        assert all("cannot be looked up" in reason for reason in reasons)
        assert sent(sandbox, BULK_ENRICH) == 1


async def test_a_run_that_was_stopped_leaves_results_to_the_next_which_only_asks(tmp_path: Path) -> None:
    async with box(polls=50) as sandbox, client(sandbox) as lemlist:
        async with await lemlist.bulk.plan(
            EnrichPeople(find=["find_email"]), people(5), journal=tmp_path / "j"
        ) as plan:
            run = lemlist.bulk.run(plan, poll_every=0, patience=0)
            assert [row async for row in run] == []
            report = await run.report()
            assert [(step.name, step.total, step.done) for step in run.progress.steps] == [
                ("send", 5, 5),
                ("results", 5, 0),
            ]
        assert report.left == 5
        for job in sandbox.team().enrichments.values():
            job["polls"] = 50
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert (plan.forecast.to_send, plan.forecast.pending) == (0, 5)
            run = lemlist.bulk.run(plan, poll_every=0)
            done = [row.outcome.what async for row in run]
            assert (await run.report()).complete
    assert sorted(done) == ["found"] * 3 + ["not found"] * 2
    assert sent(sandbox, BULK_ENRICH) == 1


async def test_a_result_that_is_gone_is_unknown_and_not_paid_for_again(tmp_path: Path) -> None:
    async with box(polls=9) as sandbox, client(sandbox) as lemlist:
        async with await lemlist.bulk.plan(
            EnrichPeople(find=["find_email"]), people(2), journal=tmp_path / "j"
        ) as plan:
            _ = [row async for row in lemlist.bulk.run(plan, poll_every=0, patience=0)]
        sandbox.team().enrichments.clear()
        for retry in (False, True):
            async with await lemlist.bulk.resume(tmp_path / "j", retry_failed=retry) as plan:
                found = [row.outcome async for row in lemlist.bulk.run(plan, poll_every=0)]
            assert {outcome.state for outcome in found} == {State.UNKNOWN}
            assert all(outcome.id for outcome in found)
        assert sent(sandbox, BULK_ENRICH) == 1


async def test_an_empty_result_is_asked_for_once_more() -> None:
    async with box() as sandbox, client(sandbox) as lemlist:
        _, report = await run_job(lemlist, EnrichPeople(find=["find_email"]), people(1))
        assert sent(sandbox, "GET /enrich/{enrichId}") == 2
    assert report.done == {"not found": 1}


async def test_a_key_that_is_refused_while_results_are_fetched_stops_and_keeps_them(tmp_path: Path) -> None:
    refused = Status(status=401, body="The authentication you supplied is incorrect")
    async with box() as sandbox, client(sandbox) as lemlist:
        sandbox.faults.add(refused, match="GET /enrich/{enrichId}", times=None)
        async with await lemlist.bulk.plan(
            EnrichPeople(find=["find_email"]), people(3), journal=tmp_path / "j"
        ) as plan:
            run = lemlist.bulk.run(plan, poll_every=0)
            with pytest.raises(JobStoppedError):
                [row async for row in run]
            assert (await run.report()).left == 3


async def test_jobs_that_cannot_work_are_refused_where_they_are_made() -> None:
    wrong: list[tuple[Any, dict[str, Any]]] = [
        (EnrichPeople, {"find": []}),
        (EnrichPeople, {"find": ["age"]}),
        (StopLeads, {"campaign_id": "cam_1", "action": "delete"}),
        (StopLeads, {"campaign_id": "1", "action": "pause"}),
        (UpdateLeads, {"campaign_id": "1"}),
        (ListContacts, {"list_id": "clt_1", "action": "drop"}),
        (ListContacts, {"list_id": "clt_1", "action": "remove", "create": True}),
    ]
    for kind, options in wrong:
        with pytest.raises((errors.ConfigurationError, errors.InvalidInputError)):
            kind(**options)


async def test_a_person_is_stopped_under_any_address_of_the_row_and_despite_an_id_of_elsewhere() -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        team = sandbox.team()
        campaign, other = (team.add_campaign(name=name)["_id"] for name in "AB")
        foreign = team.add_lead(other, "n7@x.com")["_id"]
        for email in ("n7@x.com", "n8@x.com"):
            team.add_lead(campaign, email)
        rows = [
            {"lead_id": foreign, "email": "n7@x.com"},
            {"Work Email": "away@x.com", "Email": "n8@x.com"},
        ]
        job = StopLeads(campaign_id=campaign, action="remove")
        found, _ = await run_job(lemlist, job, rows)
        left = {lead["campaignId"] for lead in team.leads.values()}
    assert words(found) == {1: "removed", 2: "removed"}
    assert left == {other}
