"""Types of calls as an editor sees them; read by the type checkers only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_type

from lemlist_async import Effect, Lemlist, Page, Pages
from lemlist_async.resources._base import Done
from lemlist_async.resources._csv import CsvFile
from lemlist_async.resources.activities import Activity
from lemlist_async.resources.campaigns_models import Campaign, CampaignState, ExportedLead, StatsBatch
from lemlist_async.resources.contacts import Contact, ContactUpsert
from lemlist_async.resources.database import Person
from lemlist_async.resources.enrichments import Enrichment
from lemlist_async.resources.leads import Lead, LeadCopy
from lemlist_async.resources.sequences import CampaignSequence
from lemlist_async.resources.team import TeamOverview
from lemlist_async.resources.unsubscribes import UnsubscribedVariable
from lemlist_async.resources.webhooks import Webhook
from lemlist_async.webhooks import ClickEvent, Event, ReplyEvent, Stored, WebhookReceiver, parse


async def results_are_models(lemlist: Lemlist) -> None:
    assert_type(await lemlist.campaigns.get("cam_1"), Campaign)
    assert_type(await lemlist.campaigns.ensure_paused("cam_1"), CampaignState)
    assert_type(await lemlist.campaigns.export_leads("cam_1"), list[ExportedLead])
    assert_type(await lemlist.campaigns.export_stats("cam_1"), CsvFile)
    assert_type(await lemlist.campaigns.list_stats(["cam_1"], start_date="", end_date=""), StatsBatch)
    assert_type(await lemlist.contacts.upsert(email="ann@example.com"), ContactUpsert)
    assert_type(await lemlist.enrichments.wait("enr_1"), Enrichment)
    assert_type(await lemlist.leads.list_by_email("ann@example.com"), list[LeadCopy])
    assert_type(await lemlist.leads.create("cam_1", email="ann@example.com", deduplicate=True), Lead)
    assert_type(await lemlist.leads.launch("lea_1"), Done)
    assert_type(await lemlist.sequences.list_for_campaign("cam_1"), dict[str, CampaignSequence])
    assert_type(await lemlist.team.get_overview(), TeamOverview)
    assert_type(await lemlist.unsubscribes.add_many(["@example.com"]), str)
    assert_type(await lemlist.webhooks.ensure("https://hooks.example", {"emailsReplied"}), list[Webhook])
    assert_type(await lemlist.request("GET", "/brand-new", effect=Effect.READ), Any)


async def lists_are_pages(lemlist: Lemlist) -> None:
    assert_type(lemlist.activities.list(min_date=datetime.now(UTC)), Pages[Activity])
    assert_type(await lemlist.contacts.list(search="ann"), Page[Contact])
    assert_type(await lemlist.unsubscribes.list().collect(), list[UnsubscribedVariable])
    async for person in lemlist.database.search_people(
        filters=[{"filter_id": "country", "include": ["France"]}]
    ):
        assert_type(person, Person)
    async for row in lemlist.contacts.export():
        assert_type(row, dict[str, str])


async def fields_are_open_where_lemlist_adds_to_them(campaign: Campaign, lead: Lead) -> None:
    assert_type(campaign.created_at, datetime | None)
    assert_type(campaign.id, str)
    assert_type(lead.extra, dict[str, Any])


async def what_may_be_missing_is_optional(lemlist: Lemlist, skip: bool) -> None:
    assert_type(await lemlist.contacts.get("ctc_1"), Contact)
    assert_type(await lemlist.contacts.get("ctc_1", missing_ok=True), Contact | None)
    assert_type(await lemlist.contacts.get("ctc_1", missing_ok=skip), Contact | None)
    assert_type(await lemlist.leads.create("cam_1", email="a@b.c", on_duplicate="skip"), Lead | None)
    assert_type(await lemlist.leads.create("cam_1", email="a@b.c", on_duplicate="raise"), Lead)
    assert_type(await lemlist.leads.create_by_email("cam_1", "a@b.c"), Lead)
    assert_type(await lemlist.leads.create_by_email("cam_1", "a@b.c", on_duplicate="skip"), Lead | None)


async def a_model_that_is_read_has_its_own_type() -> None:
    assert_type(Lead.from_dict({"_id": "lea_1"}), Lead)
    assert_type(Webhook.from_dict({"_id": "hoo_1"}), Webhook)


async def a_list_tells_whether_it_is_whole(lemlist: Lemlist) -> None:
    pages = lemlist.contacts.list()
    assert_type(pages.complete, bool | None)
    assert_type(pages.incomplete_reason, str | None)
    assert_type(pages.strict(), Pages[Contact])


async def none_is_taken_where_it_is_null(lemlist: Lemlist, first_name: str | None) -> None:
    await lemlist.leads.create("cam_1", email="a@b.c", first_name=first_name)
    await lemlist.leads.update("cam_1", "lea_1", first_name=first_name, last_name=None)
    await lemlist.contacts.upsert(email="a@b.c", first_name=first_name, additional_emails=None)
    await lemlist.companies.upsert(name=first_name, domain=None)


async def values_newer_than_this_version_are_sent(lemlist: Lemlist) -> None:
    lemlist.activities.list(type="somethingNew")
    await lemlist.webhooks.create(target_url="https://hooks.example", type="somethingNew")
    await lemlist.webhooks.ensure("https://hooks.example", ["somethingNew"])
    await lemlist.crm.list_filters(crm="zoho", user_id="usr_1", type="list")
    lemlist.signal_agents.list(type="somethingNew", status=["somethingNew"])
    lemlist.signal_agents.list_signals(type=["somethingNew", "jobChange"])
    await lemlist.sequences.create_step("seq_1", type="somethingNew", condition_key="somethingNew")


async def options_and_flags_are_named(lemlist: Lemlist) -> None:
    assert_type(lemlist.with_options(lane="bulk", deadline=5, max_wait=None), Lemlist)
    lemlist.with_options(dedaline=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    lemlist.with_options(lane="batch")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lemlist.with_options(deadline="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await lemlist.bulk.plan_leads("cam_1", [], deduplicate=True, find_email=False)
    await lemlist.bulk.plan_leads("cam_1", [], dedupe=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await lemlist.bulk.plan_leads("cam_1", [], find_email="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def mistakes_are_found(lemlist: Lemlist) -> None:
    await lemlist.leads.create("cam_1", email="a@b.c", on_duplicate="ignore")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await lemlist.contacts.look_up(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await lemlist.tasks.update("opp_1", priority=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await lemlist.leads.create("cam_1", emial="a@b.c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await lemlist.campaigns.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await lemlist.leads.create("cam_1", email=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lemlist.campaigns.list(status="runing")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await lemlist.campaigns.get(campaign_id=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def handlers_take_the_events_that_they_are_registered_for(
    receiver: WebhookReceiver, lemlist: Lemlist
) -> None:
    @receiver.on(ReplyEvent)
    async def replied(reply: ReplyEvent) -> None:
        assert_type(reply.from_email, str | None)

    @receiver.on("emailsReplied", "somethingNew")
    async def named(event: Event) -> None:
        assert_type(event.is_third_party_reply, bool | None)

    @receiver.on(ReplyEvent)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def clicked(click: ClickEvent) -> None: ...

    assert_type(parse(b"{}", secret=None), Event)
    assert_type(await receiver.dead_letters(), list[Stored])
    assert_type(await receiver.ensure(lemlist, "https://hooks.example", ["emailsReplied"]), list[Webhook])
    print(replied, named, clicked)
