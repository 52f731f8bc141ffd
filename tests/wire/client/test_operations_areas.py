"""A walk through each area of the API against the sandbox: what is written is read back, nothing surprises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from lemlist_async import Lemlist, errors
from lemlist_async.resources.tasks import TaskFilter
from lemlist_async.sandbox import Sandbox
from tests.support.clients import Looking


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None) as running:
        yield running


@pytest.fixture
async def lemlist(sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    async with Looking(sandbox.key, base_url=sandbox.url) as client:
        yield client
        assert client.unexpected_types == {}


@pytest.fixture
async def user_id(lemlist: Lemlist) -> str:
    return ((await lemlist.team.get()).user_ids or [""])[0]


@pytest.fixture
async def contact_id(lemlist: Lemlist) -> str:
    found = await lemlist.contacts.upsert(email="ann@example.com", first_name="Ann")
    assert found.data is not None
    return found.data.id


async def test_a_contact_is_made_once_and_then_changed(lemlist: Lemlist) -> None:
    """Quirk: reads have `email`, upserts `emails[].value`."""
    first = await lemlist.contacts.upsert(email="ann@example.com", first_name="Ann")
    second = await lemlist.contacts.upsert(email="ann@example.com", first_name="Anne")
    assert first.data is not None
    assert second.data is not None
    assert (first.data.created, second.data.created) == (True, False)
    read = await lemlist.contacts.get(first.data.id)
    assert read.main_email == first.data.main_email == "ann@example.com"
    assert (read.fields or {})["firstName"] == "Anne"
    assert (await lemlist.contacts.delete(read.id)).deleted_contact_id == read.id


async def test_contacts_go_into_lists_and_out_again(lemlist: Lemlist, contact_id: str) -> None:
    """Quirk: members leave a list by POST with action=remove; DELETE is refused there."""
    made = await lemlist.contacts.create_list("Nurture")
    assert (await lemlist.contacts.add_to_list(made.id, [contact_id])).added_count == 1
    assert (await lemlist.contacts.add_to_list(made.id, [contact_id])).already_in_list == 1
    assert [row.id async for row in lemlist.contacts.list(list_id=made.id)] == [contact_id]
    assert [row["email"] async for row in lemlist.contacts.export(made.id)] == ["ann@example.com"]
    assert (await lemlist.contacts.remove_from_list(made.id, [contact_id])).removed_count == 1
    assert made.id in {one.id for one in await lemlist.contacts.list_lists(search="nurt")}


@pytest.mark.parametrize("word", ["lists", "export"])
async def test_a_route_is_not_taken_for_a_contact(lemlist: Lemlist, sandbox: Sandbox, word: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="another route"):
        await lemlist.contacts.delete(word)
    assert not sandbox.requests


async def test_a_company_has_notes_and_is_kept_while_it_has_contacts(lemlist: Lemlist) -> None:
    made = await lemlist.companies.upsert(name="Acme", domain="acme.example")
    assert made.data is not None
    await lemlist.contacts.upsert(email="ann@acme.example", company_id=made.data.id)
    note = await lemlist.companies.create_note(made.data.id, "Met at a fair")
    assert [row.id async for row in lemlist.companies.list_notes(made.data.id)] == [note.id]
    assert [row.id for row in await lemlist.companies.look_up(["acme.example"])] == [made.data.id]
    with pytest.raises(errors.BadRequestError) as refused:
        await lemlist.companies.delete(made.data.id)
    assert refused.value.code == "COMPANY_HAS_CONTACTS"
    assert (await lemlist.companies.delete(made.data.id, force=True)).unlinked_contacts == 1


async def test_steps_are_added_changed_tested_and_taken_out(lemlist: Lemlist) -> None:
    campaign = await lemlist.campaigns.create(name="Autumn")
    sequence_id = campaign.sequence_id or ""
    step = await lemlist.sequences.create_step(
        sequence_id, type="email", subject="Hi", message="<p>Hi</p>", delay=0
    )
    await lemlist.sequences.update_step(sequence_id, step.id, type="email", subject="Hello")
    sequences = await lemlist.sequences.list_for_campaign(campaign.id)
    assert [(one.id, one.subject) for one in sequences[sequence_id].steps or []] == [(step.id, "Hello")]
    assert (await lemlist.sequences.create_variant(sequence_id, step.id)).ab_test is True
    assert (await lemlist.sequences.update_variant(sequence_id, step.id, subject="B")).subject == "B"
    assert (await lemlist.sequences.select_winner(sequence_id, step.id, "B")).ab_test == "B"
    with pytest.raises(errors.AlreadyDoneError):
        await lemlist.sequences.select_winner(sequence_id, step.id, "B")
    assert (await lemlist.sequences.delete_step(sequence_id, step.id)).ok


async def test_a_schedule_is_attached_to_a_campaign(lemlist: Lemlist) -> None:
    campaign = await lemlist.campaigns.create(name="Autumn")
    made = await lemlist.schedules.create(
        name="Mornings", timezone="Europe/Paris", start="08:00", end="12:00", weekdays=[1, 2, 3]
    )
    await lemlist.schedules.update(made.id, weekdays=[1, 7])
    assert (await lemlist.schedules.get(made.id)).weekdays == [1, 7]
    assert (await lemlist.schedules.attach(campaign.id, made.id)).schedule_id == made.id
    assert made.id in {one.id for one in await lemlist.schedules.list_for_campaign(campaign.id)}
    assert (await lemlist.schedules.delete(made.id)).id == made.id


async def test_values_are_blocked_and_unblocked_with_sentences_for_answers(lemlist: Lemlist) -> None:
    """Quirk: 200, a JSON content type, and bare text."""
    values = ["ann@example.com", "@example.org", "https://linkedin.com/in/ann", "+33 6 12"]
    assert isinstance(await lemlist.unsubscribes.add_many(values), str)
    assert [(await lemlist.unsubscribes.get(value)).value for value in values] == values
    assert (await lemlist.unsubscribes.add("@example.org")).value == "@example.org"
    assert isinstance(await lemlist.unsubscribes.remove("@example.org"), str)
    assert [row["value"] async for row in lemlist.unsubscribes.export()] == [values[0], *values[2:]]


async def test_unblocking_what_is_not_blocked_is_a_400_and_what_is_protected_a_409(
    lemlist: Lemlist, sandbox: Sandbox
) -> None:
    """Quirk: not a 404, as one would think."""
    sandbox.team().block("abuse@example.com", source="abuse")
    with pytest.raises(errors.BadRequestError, match="not found in unsubscribe list"):
        await lemlist.unsubscribes.remove("nobody@example.com")
    with pytest.raises(errors.ConflictError):
        await lemlist.unsubscribes.remove("abuse@example.com")


async def test_the_flag_of_a_contact_is_set_and_cleared(lemlist: Lemlist, contact_id: str) -> None:
    await lemlist.unsubscribes.add_contact(contact_id)
    assert (await lemlist.unsubscribes.get_contact(contact_id)).do_not_contact
    await lemlist.unsubscribes.remove_contact(contact_id)
    assert not (await lemlist.unsubscribes.get_contact(contact_id)).do_not_contact


async def test_tasks_take_one_name_in_and_give_another_back(
    lemlist: Lemlist, user_id: str, contact_id: str
) -> None:
    """Quirk: `message` becomes `content`, `assignedTo` `userId`, and a priority text becomes a number."""
    made = await lemlist.tasks.create(
        record_id=contact_id, type="manual", assigned_to=user_id, message="Call her", priority=2,
        due_date=datetime(2026, 3, 4, tzinfo=UTC),
    )  # fmt: skip
    assert (made.content, made.user_id, made.priority) == ("Call her", user_id, 2)
    since: TaskFilter = {"filter_id": "dueDate", "since": date(2026, 3, 1), "until": "2026-03-31"}
    assert [task.id async for task in lemlist.tasks.list(filters=[since])] == [made.id]
    await lemlist.tasks.update(made.id, title="Phone")
    assert [task.title async for task in lemlist.tasks.list()] == ["Phone"]
    await lemlist.tasks.ignore([made.id])
    assert await lemlist.tasks.list().collect() == []


async def test_mail_is_sent_and_read_in_the_inbox(
    lemlist: Lemlist, sandbox: Sandbox, user_id: str, contact_id: str
) -> None:
    user = await lemlist.users.get(user_id)
    mailbox = (user.mailboxes or [])[0]
    sent = await lemlist.inbox.send_email(
        send_user_id=user.id, send_user_email=user.email or "", send_user_mailbox_id=mailbox.id,
        contact_id=contact_id, subject="Hi", message="<p>Hi</p>",
    )  # fmt: skip
    assert (sent.ok, len(sandbox.team().sent)) == (True, 1)
    assert [(row.subject, row.message) async for row in lemlist.inbox.list_messages(contact_id)] == [
        ("Hi", "<p>Hi</p>")
    ]
    with pytest.raises(errors.InvalidInputError, match="either contact_id or lead_id"):
        await lemlist.inbox.send_email(
            send_user_id="u", send_user_email="e", send_user_mailbox_id="m", message="nobody"
        )


async def test_an_empty_answer_to_whatsapp_is_no_error(
    lemlist: Lemlist, sandbox: Sandbox, user_id: str, contact_id: str
) -> None:
    """Quirk: the document has no body there."""
    campaign = await lemlist.campaigns.create(name="Autumn")
    lead = await lemlist.leads.create(campaign.id, email="ann@example.com")
    accounts = (await lemlist.users.get_channels()).whatsapp
    account = (accounts.accounts or [])[0].id if accounts and accounts.accounts else "wha_1"
    await lemlist.inbox.send_whatsapp(
        send_user_id=user_id, send_user_whatsapp_account_id=account or "", lead_id=lead.id,
        contact_id=contact_id, message="Hi",
    )  # fmt: skip
    assert len(sandbox.team().sent) == 1


async def test_labels_go_on_a_conversation_and_off_it(
    lemlist: Lemlist, sandbox: Sandbox, contact_id: str
) -> None:
    """Quirk: labels are taken off by a DELETE that has a body."""
    sandbox.team().add_message(sandbox.team().contacts[contact_id], "email", "emailsReplied", "Yes")
    label = await lemlist.inbox.create_label("Hot")
    assert (await lemlist.inbox.get_label(label.id)).name == "Hot"
    with pytest.raises(errors.ConflictError):
        await lemlist.inbox.create_label("Hot")
    assert (await lemlist.inbox.set_labels(contact_id, [label.id])).ok
    assert (await lemlist.inbox.remove_labels(contact_id, [label.id])).ok
    assert label.id in {one.id for one in await lemlist.inbox.list_labels()}


async def test_drafts_are_written_changed_and_deleted(
    lemlist: Lemlist, user_id: str, contact_id: str
) -> None:
    made = await lemlist.inbox.create_draft(contact_id, user_id, channel="email", content="<p>Hi</p>")
    draft_id = made.draft_id or ""
    await lemlist.inbox.update_draft(contact_id, draft_id, user_id, subject="Later")
    draft = await lemlist.inbox.get_draft(contact_id, draft_id, user_id)
    assert (draft.subject, draft.content) == ("Later", "<p>Hi</p>")
    assert [row.id async for row in lemlist.inbox.list_drafts(contact_id, user_id)] == [draft_id]
    assert (await lemlist.inbox.delete_draft(contact_id, draft_id, user_id)).success


async def test_people_are_enriched_in_bulk_with_an_answer_for_each(lemlist: Lemlist) -> None:
    """Quirk: values of metadata must be texts, and what cannot be looked for is an item and no error."""
    answers = await lemlist.enrichments.start_many(
        [
            {
                "input": {"linkedin_url": "https://linkedin.com/in/ann"},
                "enrichment_requests": ["find_email", "find_phone"],
                "metadata": {"row": 1},
            },
            {"input": {}, "enrichment_requests": ["verify"], "metadata": "2"},
        ]
    )
    assert [answer.metadata for answer in answers] == [{"row": "1"}, "2"]
    assert (answers[0].error, answers[1].id, answers[1].error) == (None, None, "MISSING_EMAIL")


async def test_a_lead_is_enriched_once_unless_it_is_forced(lemlist: Lemlist) -> None:
    campaign = await lemlist.campaigns.create(name="Autumn")
    lead = await lemlist.leads.create(
        campaign.id, email="ann@example.com", linkedin_url="https://linkedin.com/in/ann"
    )
    await lemlist.enrichments.start_for_lead(lead.id, verify_email=True)
    with pytest.raises(errors.ConflictError):
        await lemlist.enrichments.start_for_lead(lead.id, verify_email=True)


async def test_a_signal_agent_is_made_fed_changed_and_deleted(lemlist: Lemlist) -> None:
    """Quirk: its id stands in the path, the body or the query, and all four settings are needed."""
    await lemlist.contacts.upsert(linkedin_url="https://linkedin.com/in/ann")
    agent = await lemlist.signal_agents.create(
        name="Ours", type="externalSignalContact", filters=[], segment_type="all",
        signal_processing_type="manual", activate=True,
    )  # fmt: skip
    pushed = await lemlist.signal_agents.push_signal(
        agent.id, contact={"linkedin_url": "https://linkedin.com/in/ann"}, custom_fields={"source": "fair"}
    )
    assert (pushed.status, pushed.reason) == ("processed", None)
    assert (await lemlist.signal_agents.update(agent.id, name="Theirs")).name == "Theirs"
    assert [one.name async for one in lemlist.signal_agents.list(status=["active", "inactive"])] == ["Theirs"]
    signals = lemlist.signal_agents.list_signals(watch_list_id=agent.id, status=["new"])
    assert [signal.id async for signal in signals] == [pushed.signal_id]
    assert [entry.name async for entry in lemlist.signal_agents.list_history(agent.id)] == ["Ours"]
    assert (await lemlist.signal_agents.delete(agent.id)).deleted


async def test_what_agents_can_watch_for_is_told(lemlist: Lemlist) -> None:
    kinds = {kind.type for kind in await lemlist.signal_agents.list_types()}
    assert "jobChange" in kinds
    assert await lemlist.signal_agents.list_filters(type="jobChange")
    assert (await lemlist.signal_agents.list_filter_values("seniority")).filter_id == "seniority"


async def test_personas_are_saved_listed_and_deleted(lemlist: Lemlist) -> None:
    made = await lemlist.database.create_persona(
        name="Founders", mode="leads", filters=[{"filter_id": "currentTitle", "include": ["Founder"]}]
    )
    (listed,) = await lemlist.database.list_personas(mode="leads").collect()
    assert (listed.id, (listed.filters or [])[0].include) == (made.id, ["Founder"])
    assert (await lemlist.database.delete_persona(made.id)).deleted


async def test_lemwarm_is_started_set_and_paused(lemlist: Lemlist, user_id: str) -> None:
    """Quirk: the settings in the document are not those of the answers."""
    mailbox = ((await lemlist.users.get(user_id)).mailboxes or [])[0].id
    assert (await lemlist.lemwarm.start(mailbox)).ok
    assert (await lemlist.lemwarm.update_settings(mailbox, warm_email_max=20)).ok
    assert (await lemlist.lemwarm.get_settings(mailbox)).warm_email_max == 20
    assert (await lemlist.lemwarm.pause(mailbox)).ok


async def test_an_account_is_connected_tested_and_disconnected(lemlist: Lemlist) -> None:
    account = await lemlist.email_accounts.connect(
        sender_name="Ann", sender_email="ann@acme.example", smtp_host="smtp.acme.example", smtp_port=465,
        smtp_login="ann", smtp_password="hush", imap_host="imap.acme.example", imap_port=993,
        imap_login="ann", imap_password="hush",
    )  # fmt: skip
    assert (await lemlist.email_accounts.test(account.id)).smtp is not None
    assert (await lemlist.email_accounts.disconnect(account.id)).ok


async def test_an_alert_is_set_up_suspended_and_deleted(lemlist: Lemlist) -> None:
    alert = await lemlist.deliverability.create_alert(
        widget="outreach", metric="bounceRate", severity="critical", scope="global", threshold=5,
        comparison_operator="above", period_days=1, period_mode="rolling",
        channel_config={"email": {"enabled": True, "addresses": ["ops@example.com"]}},
    )  # fmt: skip
    assert not (await lemlist.deliverability.update_alert(alert.id, enabled=False)).enabled
    assert [one.id async for one in lemlist.deliverability.list_alerts()] == [alert.id]
    assert (await lemlist.deliverability.get_alert(alert.id)).channel_config is not None
    assert (await lemlist.deliverability.delete_alert(alert.id)).deleted


async def test_fields_are_told_apart_by_what_has_them(lemlist: Lemlist) -> None:
    fields = await lemlist.fields.get(source="default")
    assert {field.name for field in fields.contact or []} >= {"email", "firstName"}
    assert fields.company


async def test_an_import_from_the_crm_brings_its_people(
    lemlist: Lemlist, sandbox: Sandbox, user_id: str
) -> None:
    sandbox.team().add_crm_filter("Hot", [{"email": "cyd@example.com"}])
    (segment,) = await lemlist.crm.list_filters(crm="hubspot", user_id=user_id)
    campaign = await lemlist.campaigns.create(name="Autumn")
    await lemlist.crm.import_leads(
        campaign.id, crm="hubspot", user_id=user_id, filter_id=str(segment.filter_id), deduplicate=True
    )
    assert len(await lemlist.leads.list_by_email("cyd@example.com")) == 1
