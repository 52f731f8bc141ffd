"""A success that does not say what was promised: a write is done all the same, and is not sent again."""

import asyncio
from typing import Any

import pytest

from lemlist_async import Effect, Retry, errors
from lemlist_async.bulk import State
from tests.contract.operations import ROWS
from tests.contract.recording import Row, call_of
from tests.support.clients import quick
from tests.support.fault_server import answer, fault_server, sends
from tests.support.scripted import says, scripted

CONFIRMATIONS: dict[str, bytes] = {
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "an empty 200": answer(b""),
    "a line end": answer(b"\n"),
    "a sentence": answer(b"Webhook deleted", "200 OK", "text/plain"),
    "a sentence under a JSON type": answer(b"Webhook deleted"),
    "a sentence under an HTML type": answer(b"Webhook deleted", "200 OK", "text/html; charset=utf-8"),
    "a JSON string": answer(b'"OK"'),
    "true": answer(b"true"),
    "a flag": answer(b'{"ok": true}'),
    "an empty list": answer(b"[]"),
    "null": answer(b"null"),
}
MAKERS = {
    "campaigns.create", "campaigns.duplicate", "sequences.create_step", "schedules.create", "leads.create",
    "contacts.create_list", "companies.create_note", "webhooks.create", "enrichments.start",
    "enrichments.start_for_lead", "enrichments.start_many",
    "inbox.create_label", "tasks.create", "database.create_persona",
    "signal_agents.create", "email_accounts.connect", "deliverability.create_alert",
}  # fmt: skip
"""Operations that have to name what they made."""
ANONYMOUS = ("{email}", "{value}")
"""Ends of paths that tell no id of what is changed."""
WRITES = [row for row in ROWS if row.effect is not Effect.READ]


async def run(row: Row, lemlist: Any) -> Any:
    """Send a row's call, by its method."""
    made = row.make(lemlist)
    return await made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("confirmation", CONFIRMATIONS.values(), ids=list(CONFIRMATIONS))
async def test_a_write_that_is_confirmed_in_any_way_is_done_and_sent_once(confirmation: bytes) -> None:
    async with fault_server(sends(confirmation)) as server, quick(server.url) as lemlist:
        for number, row in enumerate(WRITES, 1):
            if row.name in MAKERS:
                with pytest.raises(errors.MissingIdError, match="reported success"):
                    await run(row, lemlist)
            else:
                await run(row, lemlist)
            assert server.requests == number, row.name


async def test_the_id_that_was_given_and_the_sentence_are_kept() -> None:
    async with scripted(says(200, "Webhook deleted")) as server, quick(server.url) as lemlist:
        hook = await lemlist.webhooks.delete("hoo_1")
        task = await lemlist.tasks.update("opp_1", done=True)
        agent = await lemlist.signal_agents.update("wl_1", name="N")
        lead = await lemlist.leads.unsubscribe_email("cam_1", "ann@example.com")
    assert (hook.id, task.id, agent.id, lead.id) == ("hoo_1", "opp_1", "wl_1", "")
    assert hook.extra == {"message": "Webhook deleted"}
    assert hook.to_dict() == {"_id": "hoo_1", "message": "Webhook deleted"}


async def test_an_id_that_comes_is_the_one_that_counts() -> None:
    async with scripted(says(200, {"_id": "hoo_2"})) as server, quick(server.url) as lemlist:
        assert (await lemlist.webhooks.delete("hoo_1")).id == "hoo_2"
        assert not lemlist.unexpected_types


async def test_every_row_that_makes_something_is_known() -> None:
    """A new operation whose answer has an id is one of them, unless its path ends with what it changes."""
    for row in WRITES:
        call = await call_of(row)
        assert call.decode is not None
        try:
            found = call.decode(None, {})
        except ValueError:
            assert row.name in MAKERS
        else:
            assert row.name not in MAKERS - {"enrichments.start_many"}
            assert getattr(found, "id", None) != "" or row.wire.endswith(ANONYMOUS)


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_only_json_that_begins_and_does_not_parse_is_damaged(kind: str) -> None:
    for body, attempts in ((b'{"_id": "hoo', 3), (b" [1, ", 3), (b"Done", 1)):
        async with fault_server(sends(answer(body, "200 OK", kind))) as server:
            lemlist = quick(server.url, retry=Retry(attempts=3, base=0.01, cap=0.01))
            with pytest.raises(errors.DecodeError) as caught:
                await lemlist.team.get_credits()
            assert (server.requests, caught.value.damaged) == (attempts, attempts > 1)
            await lemlist.aclose()


async def test_a_page_is_no_confirmation() -> None:
    page = says(200, b"<!doctype html><p>app", Content_Type="text/html")
    async with scripted(page) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.DecodeError, match="HTML page"):
            await lemlist.webhooks.delete("hoo_1")
        assert len(server.seen) == 1


async def test_a_missing_id_tells_how_to_find_what_was_made() -> None:
    async with scripted(says(200, "Done")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.MissingIdError) as caught:
            await lemlist.campaigns.create(name="C")
    assert caught.value.status == 200
    assert "campaigns.list" in (caught.value.verify or "")
    assert caught.value.verify in str(caught.value)


@pytest.mark.parametrize("found", [True, False])
async def test_a_row_whose_success_has_no_id_is_looked_up_and_never_sent_again(found: bool) -> None:
    posts: list[str] = []

    async def behave(request: Any) -> Any:
        await asyncio.sleep(0)
        if request.method == "POST":
            posts.append(request.path)
            return await says(200, "Done")(request)
        if request.path.startswith("/api/leads"):
            lead = {"_id": "lea_1", "campaign": {"id": "cam_1"}, "email": "ann@example.com"}
            return await says(200, [lead] if found else [])(request)
        return await says(200, {"_id": "cam_1", "name": "C"})(request)

    async with (
        scripted(behave) as server,
        quick(server.url) as lemlist,
        await lemlist.bulk.plan_leads("cam_1", [{"email": "ann@example.com"}]) as plan,
    ):
        rows = [row async for row in lemlist.bulk.run(plan)]
    assert len(posts) == 1
    assert rows[0].outcome.state is (State.DONE if found else State.UNKNOWN)
    assert rows[0].outcome.id == ("lea_1" if found else None)
