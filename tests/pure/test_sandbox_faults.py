"""Choice of the requests that get a fault."""

from random import Random

import attrs
import pytest

from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.fault_kinds import (
    Cut,
    Drip,
    Fault,
    Garbage,
    Hang,
    Reset,
    Rewrite,
    Slow,
    gateway,
    html,
    lost_response,
    rate_limited,
    retyped,
)

CREATE = "POST /campaigns/{campaignId}/leads/"
OPERATIONS = {("GET", "/team"), ("POST", "/campaigns"), ("POST", "/campaigns/{campaignId}/leads/")}
A, B = gateway(502), gateway(503)


def book(seed: int = 0) -> FaultInjector:
    return FaultInjector(OPERATIONS, Random(seed))


def injected(faults: FaultInjector, operation: str, times: int) -> list[Fault | None]:
    method, _, template = operation.partition(" ")
    return [faults.pick(method, template) for _ in range(times)]


def test_a_fault_strikes_once_and_only_what_it_matches() -> None:
    faults = book()
    faults.add(A, CREATE)
    assert injected(faults, "GET /team", 2) == [None, None]
    assert injected(faults, CREATE, 3) == [A, None, None]
    assert not faults.pending


@pytest.mark.parametrize("match", [None, "POST", "/campaigns/{campaignId}/leads/", CREATE])
def test_a_match_may_name_verb_or_template_or_both_or_nothing(match: str | None) -> None:
    faults = book()
    faults.add(A, match, times=None)
    assert injected(faults, CREATE, 2) == [A, A]
    assert injected(faults, "GET /team", 1) == [A if match is None else None]


def test_a_fault_waits_for_its_position() -> None:
    faults = book()
    faults.add(A, CREATE, times=2, after=3)
    assert injected(faults, CREATE, 7) == [None, None, None, A, A, None, None]


def test_the_first_rule_wins_and_the_second_keeps_its_times() -> None:
    faults = book()
    faults.add(A, CREATE)
    faults.add(B, CREATE)
    assert injected(faults, CREATE, 3) == [A, B, None]


def test_a_script_gives_one_step_to_each_request() -> None:
    faults = book()
    faults.script([A, None, B], CREATE)
    assert injected(faults, "POST /campaigns", 1) == [None]
    assert injected(faults, CREATE, 4) == [A, None, B, None]
    assert [fault for _, _, fault in faults.injected] == [A, B]


def test_chance_repeats_with_the_seed() -> None:
    def run(seed: int) -> list[Fault | None]:
        faults = book(seed)
        faults.add(A, times=None, probability=0.3)
        return injected(faults, CREATE, 1000)

    assert run(1) == run(1) != run(2)
    assert 250 < run(1).count(A) < 350


def test_cleared_faults_do_not_strike() -> None:
    faults = book()
    faults.add(A)
    faults.script([B])
    faults.clear()
    assert injected(faults, CREATE, 2) == [None, None]


@pytest.mark.parametrize("match", ["GET /campaign", "PUT /team", "/nowhere", "GRAB"])
def test_a_match_for_nothing_is_an_error_at_once(match: str) -> None:
    with pytest.raises(ValueError, match="no operation"):
        book().add(A, match)


@pytest.mark.parametrize("numbers", [{"times": 0}, {"after": -1}, {"probability": 0}, {"probability": 1.1}])
def test_numbers_out_of_range_are_an_error_at_once(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="after must be"):
        book().add(A, **numbers)


def test_faults_are_values_that_say_whether_the_request_is_carried_out() -> None:
    without = [gateway(), html(), rate_limited(), rate_limited(None), Reset(), Hang(seconds=1), Garbage()]
    with_it = [
        lost_response(),
        Slow(seconds=1),
        Drip(seconds=1),
        Cut(),
        Rewrite(),
        retyped("text/css"),
        gateway(effect=True),
    ]
    assert [fault.effect for fault in without] == [False] * 7
    assert [fault.effect for fault in with_it] == [True] * 7
    assert gateway(502) == gateway(502) != gateway(503)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        A.status = 200
