"""Leads against the sandbox: what a caller meets, quirks included."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lemlist_async import Lemlist, errors
from lemlist_async.sandbox import Sandbox
from tests.support.clients import quick
from tests.support.scripted import says, scripted


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
    copies = await lemlist.leads.list_by_email("ann@example.com")
    assert {copy.campaign.id for copy in copies if copy.campaign} == {campaign_id, other}
    assert await lemlist.leads.list_by_email("nobody@example.com") == []


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


async def test_a_duplicate_may_be_skipped(lemlist: Lemlist, campaign_id: str) -> None:
    first = await lemlist.leads.create(campaign_id, email="ann@example.com", on_duplicate="skip")
    assert first is not None
    assert await lemlist.leads.create(campaign_id, email="ann@example.com", on_duplicate="skip") is None
    other = (await lemlist.campaigns.create(name="Winter")).id
    again = await lemlist.leads.create(other, email="ann@example.com", deduplicate=True, on_duplicate="skip")
    assert again is None
    with pytest.raises(errors.InvalidInputError, match="on_duplicate must be one of 'raise', 'skip'"):
        await lemlist.leads.create(campaign_id, email="b@example.com", on_duplicate="no")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


async def test_the_older_route_adds_a_lead_as_the_newer_one_does(lemlist: Lemlist, campaign_id: str) -> None:
    lead = await lemlist.leads.create_by_email(
        campaign_id, "ann+1@example.com", first_name="Ann", variables={"Company name": "ACME Ltd"}
    )
    assert (lead.email, lead.first_name, lead.campaign_id) == ("ann+1@example.com", "Ann", campaign_id)
    assert lead.extra == {"Company name": "ACME Ltd"}
    with pytest.raises(errors.LeadAlreadyExistsError):
        await lemlist.leads.create_by_email(campaign_id, "ann+1@example.com")
    assert await lemlist.leads.create_by_email(campaign_id, "ann+1@example.com", on_duplicate="skip") is None
    with pytest.raises(errors.InvalidInputError, match="email must be an e-mail address"):
        await lemlist.leads.create_by_email(campaign_id, "ann")


async def test_a_contact_that_is_missing_may_be_none(lemlist: Lemlist, campaign_id: str) -> None:
    lead = await lemlist.leads.create(campaign_id, email="ann@example.com")
    found = await lemlist.contacts.get(lead.contact_id or "", missing_ok=True)
    assert found is not None
    assert await lemlist.contacts.get("nobody@example.com", missing_ok=True) is None
    with pytest.raises(errors.BadTeamError):
        await lemlist.contacts.get("nobody@example.com")


@pytest.mark.parametrize(("status", "said"), [(400, "Bad team"), (404, "Contact not found")])
async def test_both_ways_to_say_that_a_contact_is_missing_give_none(status: int, said: str) -> None:
    async with scripted(says(status, said)) as server, quick(server.url) as lemlist:
        assert await lemlist.contacts.get("nobody@example.com", missing_ok=True) is None
    async with scripted(says(400, "Bad params")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.BadParamsError):
            await lemlist.contacts.get("nobody@example.com", missing_ok=True)
