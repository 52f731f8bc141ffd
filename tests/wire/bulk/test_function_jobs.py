"""Jobs of the caller's own functions: the same journal, limits and report as the ready-made ones."""

from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, errors
from lemlist_async.bulk import JobStoppedError, Outcome, State
from lemlist_async.sandbox import Reset, Sandbox, Status, lost_response
from tests.support.clients import KEY, quick

NAME = "PATCH /campaigns/{campaignId}"


def box() -> Sandbox:
    """A sandbox without a limit."""
    return Sandbox(limit=None, keys=(KEY,))


def rows_of(sandbox: Sandbox, count: int) -> list[dict[str, Any]]:
    """As many campaigns, as rows."""
    return [{"id": sandbox.team().add_campaign(name=f"C{n}")["_id"], "n": n} for n in range(count)]


async def rename(lemlist: Lemlist, row: dict[str, Any]) -> Any:
    """A repeatable change that a caller might make for a row."""
    return await lemlist.campaigns.update(row["id"], name=f"New {row['n']}")


async def duplicate(lemlist: Lemlist, row: dict[str, Any]) -> Any:
    """A change that must not be made twice."""
    return await lemlist.campaigns.duplicate(row["id"], name=f"Copy {row['n']}")


async def copied(lemlist: Lemlist, row: dict[str, Any]) -> Outcome | None:
    """Whether it was."""
    async for campaign in lemlist.campaigns.list():
        if campaign.name == f"Copy {row['n']}":
            return Outcome(State.DONE, "found", id=campaign.id)
    return None


async def test_results_are_kept_as_json_with_their_rows(tmp_path: Path) -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        rows = rows_of(sandbox, 12)
        run = lemlist.bulk.run_function(
            [*rows, rows[3]], rename, effect=Effect.IDEMPOTENT, journal=tmp_path / "j"
        )
        assert run.progress is None
        with pytest.raises(JobStoppedError, match="not begun"):
            await run.report()
        found = [row async for row in run]
        report = await run.report()
        assert {row.outcome.result["name"] for row in found} == {f"New {n}" for n in range(12)}
        assert (report.done, report.repeated) == ({"done": 12}, 1)
        assert run.progress is not None
        again = lemlist.bulk.run_function(
            [*rows, rows[3]], rename, effect=Effect.IDEMPOTENT, journal=tmp_path / "j"
        )
        assert [row async for row in again] == []
        with pytest.raises(errors.ConfigurationError, match="another job"):
            await anext(
                aiter(lemlist.bulk.run_function([], duplicate, effect=Effect.UNSAFE, journal=tmp_path / "j"))
            )
        with pytest.raises(errors.ConfigurationError, match="only be resumed by its program"):
            await lemlist.bulk.resume(tmp_path / "j")


@pytest.mark.parametrize("verify", [copied, None])
async def test_what_may_not_be_repeated_is_looked_up_or_ends_as_unknown(verify: Any) -> None:
    copy = "POST /campaigns/{campaignId}/duplicate"
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        rows = rows_of(sandbox, 6)
        sandbox.faults.add(lost_response(), match=copy, after=1)
        sandbox.faults.add(Reset(), match=copy, after=3)
        run = lemlist.bulk.run_function(
            rows, duplicate, effect=Effect.UNSAFE, verify=verify, look_up_after=0.05
        )
        words = sorted([row.outcome.what async for row in run])
        made = [one["name"] for one in sandbox.team().campaigns.values() if one["name"].startswith("Copy")]
    # one answer was lost, and one request: which of the two it was shows only where a look-up finds it
    assert len(made) == len(set(made)) == 5
    assert words == (["done"] * 4 + (["found", "unknown"] if verify else ["unknown"] * 2))


async def test_what_may_be_repeated_is_done_again_after_a_crash_without_a_look_up(tmp_path: Path) -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        rows = rows_of(sandbox, 40)
        left = aiter(
            lemlist.bulk.run_function(rows, rename, effect=Effect.IDEMPOTENT, journal=tmp_path / "j")
        )
        await anext(left)
        await left.aclose()  # type: ignore[attr-defined]  # it is a generator
        run = lemlist.bulk.run_function(rows, rename, effect=Effect.IDEMPOTENT, journal=tmp_path / "j")
        _ = [row async for row in run]
        assert (await run.report()).done == {"done": 40}
        assert (await run.report()).complete


async def test_outcomes_refusals_and_errors_of_a_function_are_told_apart() -> None:
    async def each(lemlist: Lemlist, row: dict[str, Any]) -> Any:
        if row["n"] == 0:
            return Outcome(State.FAILED, "unwanted", "not today")
        if row["n"] == 1:
            return await lemlist.leads.create("nonsense", email="a@x.com")
        return await lemlist.campaigns.get("cam_00000000000000000" if row["n"] == 2 else row["id"])

    async with box() as sandbox, quick(sandbox.url) as lemlist:
        run = lemlist.bulk.run_function(
            rows_of(sandbox, 4), each, effect=Effect.READ, key=lambda row: str(row["n"])
        )
        found = {row.payload["n"]: row.outcome async for row in run}
    assert (found[0].what, found[0].reason) == ("unwanted", "not today")
    assert found[1].state is State.REFUSED
    assert found[2].state is State.FAILED
    assert found[3].state is State.DONE


async def test_a_fault_in_the_function_is_raised_and_begins_no_further_row(tmp_path: Path) -> None:
    async def each(_lemlist: Lemlist, row: dict[str, Any]) -> Any:
        return 1 / (row["n"] - 2)

    async with quick("http://127.0.0.1:9/api") as lemlist:
        rows = [{"n": n} for n in range(1000)]
        run = lemlist.bulk.run_function(rows, each, effect=Effect.IDEMPOTENT, journal=tmp_path / "j")
        with pytest.raises(ZeroDivisionError):
            _ = [row async for row in run]
        report = await run.report()
    assert report.left > 500
    assert report.left + report.done["done"] == 1000


async def test_a_run_that_is_stopped_before_it_begins_does_nothing_and_rows_must_be_json() -> None:
    async with quick("http://127.0.0.1:9/api") as lemlist:
        run = lemlist.bulk.run_function([{"n": 1}, {"n": object()}, 5], rename, effect=Effect.READ)  # type: ignore[list-item]  # on purpose
        run.stop()
        assert [row async for row in run] == []
        report = await run.report()
        assert (report.left, report.refused) == (1, 2)


async def test_a_key_that_is_refused_ends_the_job() -> None:
    refused = Status(status=401, body="The authentication you supplied is incorrect")
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        sandbox.faults.add(refused, match=NAME, times=None)
        run = lemlist.bulk.run_function(rows_of(sandbox, 200), rename, effect=Effect.IDEMPOTENT)
        with pytest.raises(JobStoppedError):
            _ = [row async for row in run]
        assert (await run.report()).left == 200
