"""The rule for rows in doubt, on the virtual clock: when they are looked up, and when they are sent again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.bulk import Journal, Plan, RowResult, State
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.bulk.run.run import LOOK_UP_AFTER
from tests.support.clients import KEY

Row = dict[str, Any]


def lost(why: str = "the answer was lost") -> errors.LemlistError:
    """The error of a call that may have happened."""
    return errors.LostResponseError(why, kind="reset")


class Fake:
    """Stand-in for lemlist that does rows, and tells what it did; `fates` are those of its tries in their order."""

    def __init__(self, *fates: str, appears_after: float = 0.0) -> None:
        self.fates = list(fates)
        self.tries: list[float] = []
        self.looks: list[float] = []
        self.held: list[tuple[float, str]] = []
        self.appears_after = appears_after

    async def each(self, _lemlist: Lemlist, row: Row) -> None:
        """Do a row: well, or (`lost`) without doing it, or (`late`) so that only the answer is lost."""
        fate = self.fates.pop(0) if self.fates else "well"
        now = asyncio.get_running_loop().time()
        self.tries.append(now)
        if fate != "lost":
            self.held.append((now + (self.appears_after if fate == "late" else 0.0), row["name"]))
        if fate != "well":
            raise lost(f"{fate} answer")

    async def verify(self, _lemlist: Lemlist, row: Row) -> Row | None:
        """Tell whether it is there."""
        now = asyncio.get_running_loop().time()
        self.looks.append(now)
        return {"there": True} if any(at <= now and name == row["name"] for at, name in self.held) else None


@asynccontextmanager
async def planned(
    fake: Fake, effect: Effect, journal: Path | None = None, rows: Sequence[str] = ("A",), **options: Any
) -> AsyncIterator[tuple[Lemlist, Plan]]:
    """A plan of these rows."""
    throttle = Throttle(ThrottleOptions(pacer=None), clock=asyncio.get_running_loop().time)
    async with Lemlist(KEY, "http://127.0.0.1:9/api", throttle=throttle) as lemlist:
        job = FunctionJob(each=fake.each, effect=effect, look_up=fake.verify, name="fake")
        async with await lemlist.bulk.plan(
            job, [{"name": name} for name in rows], journal=journal, **options
        ) as plan:
            yield lemlist, plan


async def run_all(lemlist: Lemlist, plan: Plan, **options: Any) -> list[RowResult]:
    """All results of a run."""
    return [row async for row in lemlist.bulk.run(plan, **options)]


async def test_a_lost_row_is_looked_up_half_a_minute_later_and_not_at_once() -> None:
    fake = Fake("late", appears_after=20)  # the origin is still at work behind a gateway that has given up
    async with planned(fake, Effect.UNSAFE) as (lemlist, plan):
        (row,) = await run_all(lemlist, plan)
    assert (row.outcome.state, row.outcome.result) == (State.DONE, {"there": True})
    assert len(fake.tries) == len(fake.looks) == 1
    assert fake.looks[0] - fake.tries[0] == pytest.approx(LOOK_UP_AFTER, abs=1)


@pytest.mark.parametrize("effect", [Effect.UNSAFE, Effect.DEDUPABLE])
async def test_absence_is_believed_after_two_looks_and_only_what_lemlist_dedupes_is_sent_again(
    effect: Effect,
) -> None:
    fake = Fake("lost")
    async with planned(fake, effect) as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        (row,) = [one async for one in run]
        report = await run.report()
    assert [look - fake.tries[0] for look in fake.looks] == pytest.approx(
        [LOOK_UP_AFTER, 2 * LOOK_UP_AFTER], abs=1
    )
    if effect is Effect.DEDUPABLE:
        assert (row.outcome.state, len(fake.held), report.retries) == (State.DONE, 1, 1)
    else:
        assert (row.outcome.state, len(fake.held), len(fake.tries)) == (State.UNKNOWN, 0, 1)
        assert "two look-ups did not find it" in (row.outcome.reason or "")


@pytest.mark.parametrize("last", ["lost", "late"])
async def test_the_last_lost_try_ends_as_done_or_unknown_and_never_as_failed(
    tmp_path: Path, last: str
) -> None:
    fake = Fake("lost", "lost", "lost", last)
    async with planned(fake, Effect.DEDUPABLE, tmp_path / "j") as (lemlist, plan):
        (row,) = await run_all(lemlist, plan)
    if row.outcome.state is State.DONE:
        assert len(fake.held) == 1
    assert row.outcome.state is not State.FAILED
    assert row.outcome.state in {State.DONE, State.UNKNOWN}
    # and trying again what failed begins with a look-up
    looks = len(fake.looks)
    async with planned(fake, Effect.DEDUPABLE, tmp_path / "j", retry_failed=True) as (lemlist, plan):
        await run_all(lemlist, plan)
    assert len(fake.held) <= 1 or len(fake.looks) > looks
    assert Counter(name for _, name in fake.held) == {"A": 1}


async def test_a_row_that_was_lost_before_lemlist_refused_it_is_looked_up_before_it_is_tried_again(
    tmp_path: Path,
) -> None:
    fake = Fake("well")
    async with planned(fake, Effect.DEDUPABLE, tmp_path / "j"):
        pass
    journal = await Journal.open(tmp_path / "j")
    # two tries, of which the first one was lost and had worked, and the second one was refused
    await journal.in_thread(
        journal.storage.db.execute, "UPDATE rows SET state='failed', what='failed', tries=2"
    )
    await journal.close()
    fake.held.append((0.0, "A"))
    async with planned(fake, Effect.DEDUPABLE, tmp_path / "j", retry_failed=True) as (lemlist, plan):
        (row,) = await run_all(lemlist, plan)
    assert (row.outcome.state, fake.tries, len(fake.looks)) == (State.DONE, [], 1)


async def test_a_row_that_lemlist_refuses_each_time_is_tried_again_as_often_as_asked(tmp_path: Path) -> None:
    class Refusing(Fake):
        async def each(self, _lemlist: Lemlist, _row: Row) -> None:
            self.tries.append(0.0)
            raise errors.BadRequestError("no", status=400)

    fake = Refusing()
    for _ in range(4):
        async with planned(fake, Effect.DEDUPABLE, tmp_path / "j", retry_failed=True) as (lemlist, plan):
            (row,) = await run_all(lemlist, plan)
        assert row.outcome.state is State.FAILED
    assert (len(fake.tries), fake.looks) == (4, [])


async def test_rows_of_a_run_that_was_killed_are_looked_up_by_the_same_rule(tmp_path: Path) -> None:
    fake = Fake()
    async with planned(fake, Effect.UNSAFE, tmp_path / "j", ["there", "absent"]):
        pass
    journal = await Journal.open(tmp_path / "j")
    await journal.write(sent=[1, 2])
    await journal.close()
    fake.held.append((0.0, "there"))
    async with planned(fake, Effect.UNSAFE, tmp_path / "j", ["there", "absent"]) as (lemlist, plan):
        began = asyncio.get_running_loop().time()
        # two look-ups for each of them, and one call to prepare
        assert (plan.forecast.ambiguous, plan.forecast.requests) == (2, 5)
        found = {row.payload["name"]: row.outcome.state for row in await run_all(lemlist, plan)}
    assert found == {"there": State.DONE, "absent": State.UNKNOWN}
    assert [look - began for look in fake.looks] == pytest.approx([30, 30, 60], abs=1)
    assert fake.tries == []


async def test_other_rows_are_sent_while_one_in_doubt_waits() -> None:
    fake = Fake("lost")
    async with planned(fake, Effect.UNSAFE, rows=[f"r{n}" for n in range(200)]) as (lemlist, plan):
        began = asyncio.get_running_loop().time()
        states = Counter([row.outcome.state async for row in lemlist.bulk.run(plan)])
    assert states == {State.DONE: 199, State.UNKNOWN: 1}
    assert max(fake.tries) - began < LOOK_UP_AFTER / 2


async def test_a_run_that_is_stopped_while_it_waits_for_a_look_up_leaves_the_row_unknown() -> None:
    class Stopping(Fake):
        async def each(self, lemlist: Lemlist, row: Row) -> None:
            # not from outside: while the journal's thread works, this clock jumps to the next timer
            asyncio.get_running_loop().call_later(5, run.stop)
            await super().each(lemlist, row)

    fake = Stopping("late")
    async with planned(fake, Effect.UNSAFE) as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        (row,) = [one async for one in run]
        assert (row.outcome.state, row.outcome.reason) == (State.UNKNOWN, "late answer")
        assert fake.looks == []
        (row,) = await run_all(lemlist, plan)
        assert row.outcome.state is State.DONE


async def test_a_row_without_a_look_up_is_unknown_at_once_and_its_reason_does_not_grow(
    tmp_path: Path,
) -> None:
    async def each(_lemlist: Lemlist, _row: Row) -> None:
        raise lost()

    reasons = []
    for _ in range(3):
        throttle = Throttle(ThrottleOptions(pacer=None), clock=asyncio.get_running_loop().time)
        async with Lemlist(KEY, "http://127.0.0.1:9/api", throttle=throttle) as lemlist:
            began = asyncio.get_running_loop().time()
            run = lemlist.bulk.run_function([{"n": 1}], each, effect=Effect.UNSAFE, journal=tmp_path / "j")
            reasons += [row.outcome.reason async for row in run]
            assert asyncio.get_running_loop().time() - began < 1
    assert len(reasons) == 3
    assert len(set(reasons)) == 1


async def test_a_deadline_or_a_bound_of_the_queue_is_no_matter_of_rows() -> None:
    seen: list[tuple[float | None, float | None, str]] = []

    async def each(lemlist: Lemlist, _row: Row) -> None:
        options = lemlist.options
        seen.append((options.deadline, options.max_wait, options.lane))

    throttle = Throttle(ThrottleOptions(pacer=None), clock=asyncio.get_running_loop().time)
    async with Lemlist(KEY, "http://127.0.0.1:9/api", throttle=throttle) as client:
        impatient = client.with_options(deadline=1.0, max_wait=0.1)
        report = await impatient.bulk.run_function([{"n": 1}], each, effect=Effect.READ).finish()
    assert report.complete
    assert seen == [(None, None, "bulk")]
