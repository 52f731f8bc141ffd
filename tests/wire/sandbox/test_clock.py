"""The sandbox's clock: its speed, and actions that happen at their own times."""

import asyncio
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox
from lemlist_async.sandbox.clock import Agenda, SandboxClock
from tests.support.sandbox_api import Api


def test_a_clock_passes_at_its_speed_and_goes_on_from_where_it_is() -> None:
    below = [100.0]
    clock = SandboxClock(lambda: below[0])
    clock.set_speed(60.0)
    below[0] += 2
    assert clock() == 220.0
    clock.set_speed(0)
    below[0] += 50
    assert clock() == 220.0
    clock.set(1000.0)
    clock.set_speed(1)
    below[0] += 1
    assert clock() == 1001.0
    clock.reset()
    assert clock() == 153.0


def test_actions_see_their_own_times_and_time_never_goes_back() -> None:
    below = [0.0]
    clock = SandboxClock(lambda: below[0])
    agenda, seen = Agenda(clock), list[float]()
    for when in (5.0, 3.0):
        agenda.at(when, lambda: seen.append(clock()))
    below[0] = 10.0
    agenda.run_due()
    agenda.at(4.0, lambda: seen.append(clock()))
    agenda.run_due()
    agenda.advance(5.0)
    assert (seen, clock()) == ([3.0, 5.0, 10.0], 15.0)


def test_an_action_that_fails_leaves_the_clock_at_its_time() -> None:
    clock = SandboxClock(lambda: 0.0)
    agenda = Agenda(clock)

    def fail() -> None:
        raise KeyError("x")

    agenda.at(7.0, fail)
    with pytest.raises(KeyError):
        agenda.advance(10.0)
    assert clock() == 7.0


@pytest.mark.parametrize("speed", [-1, float("inf"), float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Sandbox(speed=speed)
    with pytest.raises(ValueError, match="speed"):
        Sandbox().set_speed(speed)


async def test_a_campaign_runs_by_itself_at_a_speed_that_is_ordered(api: Api, sandbox: Sandbox) -> None:
    team = sandbox.team()
    campaign = team.add_campaign(autoReview=True)
    campaign["scheduleIds"] = []
    steps: list[dict[str, Any]] = team.sequences[campaign["sequenceId"]]["steps"]
    steps += [{"_id": f"stp_{number}", "type": "api", "delay": 30} for number in range(3)]
    lead = team.add_lead(campaign["_id"], "ann@b.example")
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    assert (await order.ok("POST /clock", json={"speed": 864_000_000}))["speed"] == 864_000_000
    while lead["status"] != "done":  # noqa: ASYNC110 - the sandbox sets no event
        await asyncio.sleep(0.005)
    days = [row["createdAt"] for row in team.activities.values()]
    assert days == sorted(days)
    assert (await order("POST /clock", json={"speed": -1}))[0] == 400
