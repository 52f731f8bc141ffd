"""Leads against the sandbox: what a caller meets, quirks included."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lemlist_async import Lemlist, errors
from lemlist_async.sandbox import Sandbox


@pytest.fixture
async def lemlist() -> AsyncIterator[Lemlist]:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as client:
        yield client


@pytest.fixture
async def campaign_id(lemlist: Lemlist) -> str:
    return (await lemlist.campaigns.create(name="Autumn")).id


async def test_a_created_lead_keeps_custom_variables_under_their_own_names(
    lemlist: Lemlist, campaign_id: str
) -> None:
    """Quirk: lead keys are free text, so `Company name` stands beside `companyName`."""
    lead = await lemlist.leads.create(
        campaign_id, email="ann@example.com", company_name="Acme", variables={"Company name": "ACME Ltd"}
    )
    assert lead.company_name == "Acme"
    assert lead.extra == {"Company name": "ACME Ltd"}


async def test_a_person_is_found_in_every_campaign_and_a_stranger_in_none(
    lemlist: Lemlist, campaign_id: str
) -> None:
    other = (await lemlist.campaigns.create(name="Winter")).id
    for campaign in (campaign_id, other):
        await lemlist.leads.create(campaign, email="ann@example.com")
    copies = await lemlist.leads.by_email("ann@example.com")
    assert {copy.campaign.id for copy in copies if copy.campaign} == {campaign_id, other}
    assert await lemlist.leads.by_email("nobody@example.com") == []


async def test_a_second_copy_is_a_duplicate_whatever_status_says_so(
    lemlist: Lemlist, campaign_id: str
) -> None:
    """Quirk: the same refusal moved from 400 to 500 to 409."""
    other = (await lemlist.campaigns.create(name="Winter")).id
    await lemlist.leads.create(campaign_id, email="ann@example.com")
    with pytest.raises(errors.LeadAlreadyExistsError) as here:
        await lemlist.leads.create(campaign_id, email="ann@example.com")
    with pytest.raises(errors.LeadAlreadyExistsError) as elsewhere:
        await lemlist.leads.create(other, email="ann@example.com", deduplicate=True)
    assert (here.value.scope, elsewhere.value.scope) == ("campaign", "other")


async def test_variables_are_set_whether_the_lead_has_them_or_not(lemlist: Lemlist, campaign_id: str) -> None:
    """Quirk: POST refuses variables that exist, PATCH those that do not."""
    lead = await lemlist.leads.create(campaign_id, email="ann@example.com", variables={"plan": "free"})
    await lemlist.leads.set_variables(lead.id, {"plan": "paid", "Team size": 7})
    found = await lemlist.leads.get(lead.id)
    assert found.extra == {"plan": "paid", "Team size": "7"}


async def test_removing_deletes_and_unsubscribing_does_not(lemlist: Lemlist, campaign_id: str) -> None:
    """Quirk: one URL does both, told apart by `action=remove` alone."""
    gone = await lemlist.leads.create(campaign_id, email="ann@example.com")
    quiet = await lemlist.leads.create(campaign_id, email="bob@example.com")
    await lemlist.leads.remove(campaign_id, gone.id)
    await lemlist.leads.unsubscribe_email(campaign_id, "bob@example.com")
    assert [row.id async for row in lemlist.leads.list(campaign_id)] == [quiet.id]
    with pytest.raises(errors.LeadInGraveyardError):
        await lemlist.leads.update(campaign_id, quiet.id, first_name="Bob")


async def test_a_list_that_does_not_page_ends_instead_of_going_round(
    lemlist: Lemlist, campaign_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Quirk: the lead list of a campaign may ignore `offset`."""
    for name in ("ann", "bob", "cyd"):
        await lemlist.leads.create(campaign_id, email=f"{name}@example.com")
    rows = await lemlist.leads.list(campaign_id, page_size=2).collect()
    assert len(rows) == len({row.id for row in rows}) == 2
    assert "repeats" in caplog.text


async def test_a_voice_note_is_uploaded(lemlist: Lemlist, campaign_id: str) -> None:
    lead = await lemlist.leads.create(campaign_id, email="ann@example.com")
    answer = await lemlist.leads.upload_audio(lead.id, "stp_1", b"sound", filename="hello.m4a")
    assert answer.status is not None
    assert answer.status.file_name == "hello.m4a"
