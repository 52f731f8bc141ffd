"""Several calls behind one: exports, waiting, ensuring, overviews; all against the sandbox."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lemlist_async import Call, Lemlist, errors
from lemlist_async.resources._csv import CsvFile
from lemlist_async.sandbox import Cut, Sandbox, lost_response


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def lemlist(sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    async with Lemlist(sandbox.key, base_url=sandbox.url) as client:
        yield client


@pytest.fixture
async def campaign_id(lemlist: Lemlist) -> str:
    campaign_id = (await lemlist.campaigns.create(name="Autumn")).id
    await lemlist.leads.create(
        campaign_id, email="ann@example.com", variables={"Note": 'one "quoted"\r\nsecond, line'}
    )
    return campaign_id


def sizes(folder: pathlib.Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in folder.iterdir()}


async def test_an_export_of_leads_gives_rows_by_their_columns(lemlist: Lemlist, campaign_id: str) -> None:
    """Quirk: cells may hold line breaks, quotes and commas, and columns are those of the variables."""
    rows = [row async for row in lemlist.campaigns.export_leads_csv(campaign_id)]
    assert [(row["email"], row["Note"]) for row in rows] == [
        ("ann@example.com", 'one "quoted"\r\nsecond, line')
    ]


async def test_an_export_of_statistics_is_started_polled_and_fetched(
    lemlist: Lemlist, campaign_id: str, tmp_path: pathlib.Path
) -> None:
    export = await lemlist.campaigns.export_stats(campaign_id, every=0.01)
    size = await export.save(tmp_path / "stats.csv")
    assert sizes(tmp_path) == {"stats.csv": size}
    assert size > 0
    assert [row["email"] async for row in export] == ["ann@example.com"]


async def test_a_file_at_another_origin_is_fetched_without_the_key(
    sandbox: Sandbox, lemlist: Lemlist, campaign_id: str, tmp_path: pathlib.Path
) -> None:
    """Quirk: where the file of an export lies is not documented, so the key must not follow blindly."""
    async with Sandbox() as elsewhere:
        url = f"{elsewhere.url}/team"
        with pytest.raises(errors.AuthenticationError, match="No API key provided"):
            await CsvFile(lemlist, Call("GET", "/files/exports", url=url)).save(tmp_path / "stats.csv")
    assert sizes(tmp_path) == {}


async def test_an_export_that_takes_too_long_is_a_deadline(lemlist: Lemlist, campaign_id: str) -> None:
    with pytest.raises(errors.DeadlineExceededError, match="goes on at lemlist"):
        await lemlist.campaigns.export_stats(campaign_id, timeout=0.01, every=0.02)


async def test_a_campaign_is_paused_and_started_however_often_one_asks(
    lemlist: Lemlist, campaign_id: str
) -> None:
    """Quirk: the document calls a second pause a no-op, lemlist answers it with a 400."""
    campaigns = lemlist.campaigns
    assert [(await campaigns.ensure_paused(campaign_id)).state for _ in range(2)] == ["paused"] * 2
    with pytest.raises(errors.AlreadyDoneError):
        await campaigns.pause(campaign_id)
    assert [(await campaigns.ensure_started(campaign_id)).state for _ in range(2)] == ["running"] * 2


async def test_figures_of_many_campaigns_come_in_batches_with_the_unknown_apart(
    lemlist: Lemlist, campaign_id: str
) -> None:
    ids = [campaign_id, *(f"cam_{number:017d}" for number in range(120))]
    found = await lemlist.campaigns.list_stats(ids, start_date="2026-01-01", end_date="2026-12-31")
    assert [one.campaign_id for one in found.results or []] == [campaign_id]
    assert len(found.errors or []) == 120


async def test_one_address_serves_several_events_and_asking_again_adds_nothing(lemlist: Lemlist) -> None:
    """Quirk: an address takes one hook, whatever its type."""
    url = "https://hooks.example.com/lemlist?team=1"
    hooks = await lemlist.webhooks.ensure(url, {"emailsReplied", "interested"}, secret="s3cret")
    assert [hook.target_url for hook in hooks] == [f"{url}&event=emailsReplied", f"{url}&event=interested"]
    again = await lemlist.webhooks.ensure(url, ["interested", "emailsReplied"])
    assert [hook.id for hook in again] == [hook.id for hook in hooks]
    assert len(await lemlist.webhooks.list().collect()) == 2


async def test_a_single_event_keeps_the_plain_address_and_a_later_one_gets_its_own(lemlist: Lemlist) -> None:
    url = "https://hooks.example.com/lemlist"
    first = await lemlist.webhooks.ensure(url, ["emailsReplied"])
    second = await lemlist.webhooks.ensure(url, ["interested"])
    assert [hook.target_url for hook in (*first, *second)] == [url, f"{url}?event=interested"]


async def test_a_hook_for_all_events_serves_each_of_them(lemlist: Lemlist) -> None:
    url = "https://hooks.example.com/lemlist"
    (everything,) = await lemlist.webhooks.ensure(url)
    (served,) = await lemlist.webhooks.ensure(url, ["emailsReplied"])
    assert served.id == everything.id


async def test_an_enrichment_is_waited_for(lemlist: Lemlist) -> None:
    """Quirk: 202 is progress, and the status word tells when it ends."""
    job = await lemlist.enrichments.start(
        find_email=True, first_name="Ann", last_name="Lee", company_name="Acme", company_domain="acme.example"
    )
    assert (await lemlist.enrichments.get(job.id)).running
    found = await lemlist.enrichments.wait(job.id, every=0.01)
    assert found.enrichment_status == "done"
    assert found.email is not None


async def test_an_unknown_enrichment_is_not_found_though_its_404_has_a_payload(lemlist: Lemlist) -> None:
    """Quirk: the document has a text there, lemlist a JSON body with a status."""
    with pytest.raises(errors.NotFoundError):
        await lemlist.enrichments.wait("enr_unknown", every=0.01)


async def test_the_overview_has_every_member_with_mailboxes(lemlist: Lemlist) -> None:
    """Quirk: mailboxes can be listed through members only."""
    overview = await lemlist.team.get_overview(at_once=2)
    assert [member.id for member in overview.members] == overview.team.user_ids
    assert all(member.mailboxes for member in overview.members)
    assert overview.credits.credits is not None


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_cut_export_raises_and_leaves_no_file(
    sandbox: Sandbox, lemlist: Lemlist, campaign_id: str, tmp_path: pathlib.Path, framing: Any
) -> None:
    for number in range(200):
        sandbox.team().add_lead(campaign_id, f"lead{number}@example.com")
    sandbox.faults.add(
        Cut(keep=0.5, framing=framing), match="/campaigns/{campaignId}/export/leads", times=None
    )
    export = lemlist.campaigns.export_leads_csv(campaign_id)
    with pytest.raises((errors.TransportError, errors.DecodeError)):
        assert [row async for row in export] == []
    if framing != "close":  # where nothing but a row that is too short tells it
        with pytest.raises(errors.TransportError):
            await export.save(tmp_path / "leads.csv")
        assert sizes(tmp_path) == {}


async def test_an_ensured_state_survives_a_lost_response(
    sandbox: Sandbox, lemlist: Lemlist, campaign_id: str
) -> None:
    sandbox.faults.add(lost_response(), match="POST /campaigns/{campaignId}/pause")
    assert (await lemlist.campaigns.ensure_paused(campaign_id)).state == "paused"
    assert [seen.status for seen in sandbox.requests][-2:] == [None, 400]


async def test_a_hook_whose_creation_lost_its_answer_is_found_and_not_made_twice(
    sandbox: Sandbox, lemlist: Lemlist
) -> None:
    sandbox.faults.add(lost_response(), match="POST /hooks")
    (hook,) = await lemlist.webhooks.ensure("https://hooks.example.com/lemlist", ["interested"])
    assert [row.id async for row in lemlist.webhooks.list()] == [hook.id]


async def test_a_lead_whose_creation_lost_its_answer_is_not_added_again_and_can_be_looked_for(
    sandbox: Sandbox, lemlist: Lemlist, campaign_id: str
) -> None:
    sandbox.faults.add(lost_response(), match="POST /campaigns/{campaignId}/leads/")
    with pytest.raises(errors.AmbiguousError) as lost:
        await lemlist.leads.create(campaign_id, email="bob@example.com", find_email=True)
    assert "leads.list_by_email(email)" in (lost.value.verify or "")
    assert [
        copy.campaign.id for copy in await lemlist.leads.list_by_email("bob@example.com") if copy.campaign
    ] == [campaign_id]
