"""Handling of events: order, retries, dead letters, leases, shutdown."""

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Retry
from lemlist_async.errors import ConfigurationError, RateLimitError
from lemlist_async.webhooks import (
    ClickEvent,
    EmailEvent,
    EnrichmentEvent,
    Event,
    LinkedinEvent,
    ReceiverOptions,
    ReplyEvent,
    StoreError,
    WebhookReceiver,
)
from tests.support.posted import PRIVATE, posted, results
from tests.support.receivers import QUICK, collect, receiver, settled, until


async def test_events_go_to_the_handlers_that_want_them(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    named = collect(made, "emailsSent", "interested")
    replies, mails, network = (
        collect(made, ReplyEvent),
        collect(made, EmailEvent),
        collect(made, LinkedinEvent),
    )
    everything = collect(made)
    kinds = ["emailsReplied", "emailsSent", "linkedinSent", "interested", "emailsClicked", "somethingNew"]
    async with made:
        for number, kind in enumerate(kinds):
            await made.receive(posted(number, kind))
        assert await settled(made) == {"waiting": 0, "done": 6, "dead": 0}
    assert [one.type for one in everything] == kinds
    assert [one.type for one in named] == ["emailsSent", "interested"]
    assert [one.type for one in mails] == ["emailsReplied", "emailsSent", "emailsClicked"]
    assert isinstance(mails[2], ClickEvent)
    assert [type(one) for one in replies] == [ReplyEvent]
    assert [one.type for one in network] == ["linkedinSent"]


async def test_a_handler_gets_events_under_the_retired_name_of_its_type(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    found, mails, old = (
        collect(made, "emailsFailed"),
        collect(made, EmailEvent),
        collect(made, "emailsSendFailed"),
    )
    async with made:
        await made.receive(posted(1, "emailsSendFailed"))
        await made.receive(posted(2, "emailsFailed"))
        await settled(made)
    assert [one.id for one in found] == [one.id for one in mails] == ["act_1", "act_2"]
    assert [one.id for one in old] == ["act_1"]


async def test_events_wait_while_there_is_no_handler(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with made:
        await made.receive(posted(1))
        await asyncio.sleep(0.1)
        assert (await made.counts())["waiting"] == 1
        found = collect(made)
        await until(lambda: found)


async def test_a_handler_that_fails_is_called_again(tmp_path: Path) -> None:
    made, calls = receiver(tmp_path), []

    @made.on("emailsReplied")
    async def fail_once(event: Event) -> None:
        calls.append(event.id)
        if len(calls) == 1:
            raise RuntimeError(event.lead_email)

    async with made:
        await made.receive(posted(1))
        assert await settled(made) == {"waiting": 0, "done": 1, "dead": 0}
    assert calls == ["act_1", "act_1"]


async def test_of_several_handlers_only_the_failed_one_is_called_again(tmp_path: Path) -> None:
    made, calls = receiver(tmp_path), []

    async def call(name: str, fails: int, event: Event) -> None:
        calls.append(name)
        if calls.count(name) <= fails:
            raise RuntimeError

    for name, fails in (("first", 0), ("second", 2), ("third", 0)):
        made.on()(functools.partial(call, name, fails))
    async with made:
        await made.receive(posted(1))
        await settled(made)
    assert calls == ["first", "second", "second", "second", "third"]


async def test_an_event_that_fails_at_every_attempt_is_a_dead_letter_until_it_is_put_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, broken, calls = receiver(tmp_path), True, []

    @made.on()
    async def handle(event: Event) -> None:
        calls.append(event.id)
        if broken:
            raise ValueError(f"{event.lead_email} is not in the CRM")

    async with made:
        await made.receive(posted(1))
        await made.receive(posted(2))
        assert await settled(made) == {"waiting": 0, "done": 0, "dead": 2}
        assert len(calls) == 2 * QUICK.attempts
        first, second = await made.dead_letters()
        assert (first.type, first.attempts, first.n, second.n) == ("emailsReplied", 3, 1, 2)
        assert first.error is not None
        assert first.error.startswith("ValueError at ")
        assert PRIVATE not in first.error
        broken = False
        assert await made.requeue([second.n]) == 1
        assert await settled(made) == {"waiting": 0, "done": 1, "dead": 1}
        await made.receive(posted(1))  # a dead letter is known again too
        assert await made.requeue() == 1
        assert await settled(made) == {"waiting": 0, "done": 2, "dead": 0}
    assert "is a dead letter: 3 attempts were made" in caplog.text


async def test_a_handler_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    made = receiver(tmp_path, handler_timeout=0.01)

    @made.on()
    async def hang(_: Event) -> None:
        await asyncio.sleep(60)

    async with made:
        await made.receive(posted(1))
        assert (await settled(made))["dead"] == 1
        (letter,) = await made.dead_letters()
        assert letter.error is not None
        assert letter.error.startswith("TimeoutError")


async def test_a_cancellation_of_the_handlers_own_making_is_a_failure(tmp_path: Path) -> None:
    made = receiver(tmp_path)

    @made.on()
    async def handle(_: Event) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    async with made:
        await made.receive(posted(1))
        assert (await settled(made))["dead"] == 1


async def test_a_handler_waits_for_as_long_as_lemlist_asks_it_to(tmp_path: Path) -> None:
    made = receiver(tmp_path, retry=Retry(attempts=3, base=0.01, cap=0.02, max_retry_after=3600))

    @made.on()
    async def handle(_: Event) -> None:
        raise RateLimitError("slow down", status=429, retry_after=100)

    async with made:
        await made.receive(posted(1))
        worker = made._worker
        assert worker is not None
        await until(lambda: not worker._busy)
        disk = made._open_disk()
        loop_due: list[float] = []
        while not loop_due:
            rows = disk.store.quick.execute(
                "SELECT due_at - received_at FROM work JOIN events USING (n) WHERE owner IS NULL AND attempts = 1"
            )
            loop_due = [due for (due,) in rows]
            await asyncio.sleep(0.01)
    assert 100 <= loop_due[0] < 102


@pytest.mark.parametrize("places", [1, 4])
async def test_as_many_events_at_a_time_as_are_asked_for_and_a_single_one_in_the_order_of_arrival(
    tmp_path: Path, places: int
) -> None:
    made, going, peak, order = receiver(tmp_path, concurrency=places), 0, 0, []
    together = asyncio.Barrier(places)

    @made.on()
    async def handle(event: Event) -> None:
        nonlocal going, peak
        going, peak = going + 1, max(peak, going + 1)
        order.append(event.id)
        await together.wait()
        going -= 1

    async with made:
        for number in range(12):
            await made.receive(posted(number))
        await settled(made)
    assert peak == places
    assert order == [f"act_{number}" for number in range(12)] or places > 1


async def test_a_lease_is_renewed_while_its_handler_runs(tmp_path: Path) -> None:
    made, other = receiver(tmp_path, lease=0.15), receiver(tmp_path, lease=0.15)
    begun: list[str] = []

    async def slow(event: Event) -> None:
        begun.append(event.id)
        await asyncio.sleep(0.6)

    made.on()(slow)
    other.on()(slow)
    async with made, other:
        await made.receive(posted(1))
        assert await settled(made) == {"waiting": 0, "done": 1, "dead": 0}
    assert begun == ["act_1"]


async def test_an_event_whose_lease_was_lost_is_not_written_by_its_former_holder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = receiver(tmp_path, lease=100)
    free = asyncio.Event()

    @made.on()
    async def handle(_: Event) -> None:
        await free.wait()

    async with made:
        await made.receive(posted(1))
        await until(lambda: made._worker and made._worker._busy)
        made._open_disk().store.quick.execute("UPDATE work SET owner = 'another', attempts = 2")
        free.set()
        await until(lambda: "outlived its lease" in caplog.text)
        assert (await made.counts())["waiting"] == 1


async def test_an_event_in_the_midst_of_which_its_process_died_is_picked_up_and_at_last_dead(
    tmp_path: Path,
) -> None:
    made = receiver(tmp_path)
    found = collect(made)
    async with made:
        await made.receive(posted(1))
        await settled(made)
        db = made._open_disk().store.quick
        db.execute("UPDATE work SET state = 'waiting', owner = 'the dead', attempts = 1, due_at = 0")
        await until(lambda: len(found) == 2)
        await settled(made)
        db.execute("UPDATE work SET state = 'waiting', owner = 'the dead', attempts = 3, due_at = 0")
        assert (await settled(made))["dead"] == 1
        (letter,) = await made.dead_letters()
    assert len(found) == 2
    assert letter.error == "the process ended while it was handled"


async def test_closing_lets_handlers_finish_and_gives_back_those_that_do_not(tmp_path: Path) -> None:
    made, ended = receiver(tmp_path, concurrency=2, shutdown_timeout=0.2), []

    @made.on()
    async def handle(event: Event) -> None:
        await asyncio.sleep(0.05 if event.id == "act_1" else 60)
        ended.append(event.id)

    async with made:
        await made.receive(posted(1))
        await made.receive(posted(2))
        await until(lambda: made._worker and made._worker._busy == 2)
    assert ended == ["act_1"]
    again = receiver(tmp_path)
    async with again:
        assert await again.counts() == {"waiting": 1, "done": 1, "dead": 0}
        found = collect(again)
        await until(lambda: found)  # at once, and not after the lease
        rows = again._open_disk().store.quick.execute("SELECT attempts FROM work ORDER BY n").fetchall()
    assert rows == [(1,), (1,)]


async def test_a_damaged_row_does_not_end_the_work_on_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lemlist_async.webhooks.worker._REST", 0.01)
    made = receiver(tmp_path, lease=60)
    async with made:
        for number in (1, 2):
            await made.receive(posted(number))
        made._open_disk().store.quick.execute("UPDATE work SET handled = 'no JSON' WHERE n = 1")
        found = collect(made)
        await until(lambda: found)
    assert [one.id for one in found] == ["act_2"]
    assert "begins anew after" in caplog.text


async def test_a_receiver_that_is_opened_twice_at_once_is_open_for_both(tmp_path: Path) -> None:
    made = receiver(tmp_path)

    async def use(number: int) -> None:
        async with made:
            await made.receive(posted(number))

    await asyncio.gather(*(use(number) for number in range(5)))
    async with made:
        assert (await made.counts())["waiting"] == 5


async def test_the_same_body_without_an_id_is_another_event_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = receiver(tmp_path)
    found = collect(made)
    body = posted(_id=None, type="sendLimitReached")
    async with made:
        await made.receive(body)
        await made.receive(body)
        await settled(made)
        assert len(found) == 1
        monkeypatch.setattr("lemlist_async.webhooks.store.AGAIN_AFTER", -1.0)
        await made.receive(posted(1))
        await made.receive(body)
        await settled(made)
        await made.receive(posted(1))
        assert len(found) == 3


async def test_results_are_fed_to_a_run(tmp_path: Path) -> None:
    class Run:
        def __init__(self) -> None:
            self.bodies: list[Any] = []

        def receive(self, body: Any) -> int:
            self.bodies.append(body)
            return 1

    made, run = receiver(tmp_path), Run()
    end = made.feed(run)
    found = collect(made, EnrichmentEvent)
    query = made.results_url("x").partition("?")[2]
    async with made:
        for body in (results("enr_1"), results("enr_2")):
            await made.receive(json.dumps(body).encode(), query=query)
            await settled(made)
            end()
    assert run.bodies == [results("enr_1") | {"type": "enrichmentDone"}]
    assert len(found) == 2


def test_a_handler_is_an_async_function_for_types_or_models(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = receiver(tmp_path)
    with pytest.raises(ConfigurationError, match="async function"):
        made.on()(print)
    with pytest.raises(ConfigurationError, match="names of types"):
        made.on(7)(_nothing)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="names of types"):
        made.on(int)(_nothing)  # type: ignore[arg-type]
    made.on("emailReplied")(_nothing)
    assert "'emailReplied', which is no type known" in caplog.text
    made.on(ReplyEvent)(_Callable())


async def _nothing(_: Event) -> None: ...


class _Callable:
    async def __call__(self, event: Event) -> None: ...


@pytest.mark.parametrize(
    "values",
    [
        {"max_body": 10},
        {"max_body": 3000.5},
        {"concurrency": 0},
        {"lease": 0},
        {"poll_every": -1},
        {"retry": 3},
        {"handler_timeout": 0},
        {"keep_keys": 1},
        {"shutdown_timeout": "5"},
        {"keep_bodies": None},
    ],
)
def test_options_are_checked_where_they_are_built(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        ReceiverOptions(**values)


async def test_what_needs_an_open_receiver_says_so(tmp_path: Path) -> None:
    made = WebhookReceiver(tmp_path / "hooks.db", secret=None)
    for call in (made.counts(), made.dead_letters(), made.requeue(), made.receive(posted(1))):
        with pytest.raises(StoreError, match="not open"):
            await call
