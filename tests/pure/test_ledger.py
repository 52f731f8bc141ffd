"""The rules of the ledger, with the clock as a plain number."""

from __future__ import annotations

import heapq
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemlist_async.throttle.ledger import TRUSTED, Ledger, Mode
from tests.support.limits_seen import most_in_a_window, worst_estimate

delays = st.one_of(
    st.just(0.0),
    st.floats(0, 0.05),
    st.floats(0, 1),
    st.sampled_from([0.5, 0.999999, 1.0, 1.000001, 3.0]),
)
"""Seconds on the way, for windows of a second; the adversary's favourites among them."""
journeys = st.lists(st.tuples(delays, delays, delays), min_size=1, max_size=60)
"""For each request: idle time before it is wanted, way to the server, way back."""


def drive(ledger: Ledger, requests: list[tuple[float, float, float]]) -> list[float]:
    """Grant each request as soon as the ledger allows; the instants at which the server checked them."""
    now, answers, checks = 0.0, list[tuple[float, int]](), list[float]()
    for idle, out, back in requests:
        now += idle
        while True:
            opens = ledger.next_grant()
            until = min(max(now, opens), answers[0][0] if answers else math.inf)
            if opens <= now and (not answers or answers[0][0] > now):
                break
            now = max(now, until)
            while answers and answers[0][0] <= now:
                at, trial = heapq.heappop(answers)
                ledger.stamp(at, trial=trial)
        trial = ledger.grant(now)
        checks.append(now + out)
        heapq.heappush(answers, (now + out + back, trial))
    return sorted(checks)


def answered(ledger: Ledger, *instants: float) -> Ledger:
    for at in instants:
        ledger.stamp(at, trial=ledger.grant(at))
    return ledger


@settings(deadline=None)
@given(journeys, st.integers(1, 6))
def test_whatever_the_delays_no_window_holds_more_checks_than_the_limit(
    requests: list[tuple[float, float, float]], limit: int
) -> None:
    checks = drive(Ledger(limit, 1.0, 1e-6), requests)
    assert len(checks) == len(requests)
    assert most_in_a_window(checks, 1.0) <= limit


@settings(deadline=None)
@given(journeys, st.integers(1, 6))
def test_whatever_the_delays_the_sliding_rule_keeps_every_sliding_counter_within_the_limit(
    requests: list[tuple[float, float, float]], limit: int
) -> None:
    checks = drive(Ledger(limit, 1.0, 1e-6, "sliding"), requests)
    assert worst_estimate(checks, 1.0) <= limit + 1e-6
    assert most_in_a_window(checks, 1.0) <= limit


def estimate_by_definition(stamps: list[float], in_flight: int, now: float, window: float) -> float:
    """max over e in [0, W] of C(e) + (1 - e/W) (C(e+W) - C(e)), at each break point and on a grid."""
    ages = [now - stamp for stamp in stamps]
    phases = [window * step / 50 for step in range(51)]
    phases += [phase for age in ages for phase in (age, age - window) if 0 <= phase <= window]

    def count(age: float) -> int:
        return in_flight + sum(a <= age for a in ages)

    return max(count(e) + (1 - e / window) * (count(e + window) - count(e)) for e in phases)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 220), max_size=14).map(sorted),
    st.integers(0, 4),
    st.integers(1, 8),
)
def test_the_sliding_rule_opens_exactly_when_its_definition_has_room(
    ticks: list[int], in_flight: int, limit: int
) -> None:
    stamps = [tick / 100 for tick in ticks]
    ledger = answered(Ledger(limit, 1.0, mode="sliding"), *stamps)
    for _ in range(in_flight):
        ledger.grant(2.2)
    opens = ledger.next_grant()
    for now in (2.2 + step / 37 for step in range(0, 120, 3)):
        room = estimate_by_definition(stamps, in_flight, now, 1.0) + 1 <= limit + 1e-9
        assert room == (opens <= now) or abs(opens - now) < 1e-6


def test_a_stamp_a_window_before_the_server_s_window_began_counts_too() -> None:
    """The second set of break points, age - W: with only the first set, requests go here that are refused.

    Of all windows, the one that begins right after the first seven have left the window before is not the worst;
    it is the one that begins at the last instant that still has them there, which is no answer's own instant.
    """
    ledger = answered(Ledger(10, 1.0, mode="sliding"), *[0.0] * 7, *[0.6] * 4)
    # at 1.1 the ledger rule sees 4 of 10; the server, with windows that begin at 0 and 1, counts 0 + 0.9 * 11
    assert Ledger(10, 1.0).next_grant() < 1.1 < ledger.next_grant()
    assert worst_estimate([0.0] * 7 + [0.6] * 4 + [1.1], 1.0) > 10
    assert ledger.next_grant() == pytest.approx(1.0 + 1 - 9 / 11)


@pytest.mark.parametrize(("mode", "opens"), [("ledger", 12.505), ("sliding", 14.505)])
def test_a_full_quota_in_flight_opens_only_by_an_answer(mode: Mode, opens: float) -> None:
    ledger = Ledger(3, 2.0, 0.005, mode)
    for _ in range(3):
        ledger.grant(10.0)
    assert ledger.next_grant() == math.inf
    ledger.stamp(10.5, trial=0)
    # two in flight and the new one fill a counter: the answered one must have left the previous window too
    assert ledger.next_grant() == pytest.approx(opens)


def test_a_slot_is_held_from_the_grant_until_a_window_and_the_margin_after_the_answer() -> None:
    ledger = Ledger(1, 2.0, 0.005)
    trial = ledger.grant(0.0)
    ledger.stamp(7.0, trial=trial)
    assert ledger.next_grant() == pytest.approx(9.005)


def test_a_slot_given_back_is_free_at_once() -> None:
    ledger = Ledger(1, 2.0)
    ledger.give_back(trial=ledger.grant(0.0))
    assert ledger.next_grant() == -math.inf


def test_stamps_that_come_out_of_order_are_freed_in_order() -> None:
    ledger = Ledger(2, 2.0)
    for _ in range(2):
        ledger.grant(0.0)
    ledger.stamp(1.0, trial=0)
    ledger.stamp(0.4, trial=0)
    assert ledger.next_grant() == pytest.approx(2.4)
    assert ledger.releases(1.0, 0.0) == [pytest.approx(2.4), pytest.approx(3.0)]


def tried(windows: int) -> int:
    """Trials in flight at once after one has passed in each of so many windows."""
    ledger = answered(Ledger(20, 2.0), *(i / 10 for i in range(20)))
    ledger.trust = windows
    now = 2.0
    for flying in itertools.count():
        now = max(now, ledger.next_grant())
        if now > 3.9 or not ledger.grant(now):
            return flying
    raise AssertionError


def test_trials_of_an_unknown_server_start_with_one_and_grow_by_one_a_window() -> None:
    assert [tried(windows) for windows in (0, 1, 2)] == [1, 2, 3]


def test_trust_grows_once_a_window_however_many_trials_pass() -> None:
    ledger = Ledger(20, 2.0)
    for tenth in range(100):
        ledger.passed(tenth / 10)
    assert ledger.trust == 4
    for second in range(10, 100):
        ledger.passed(second)
    assert ledger.trust >= TRUSTED
    assert not ledger.in_doubt
    ledger.distrust()
    assert ledger.in_doubt


def test_the_credit_frees_every_held_slot_sooner_and_its_loss_holds_them_longer() -> None:
    ledger = answered(Ledger(1, 2.0, 0.005), 10.0)
    assert [ledger.next_grant(credit) for credit in (0.3, 0.0)] == [
        pytest.approx(11.705),
        pytest.approx(12.005),
    ]


def test_a_request_that_the_sliding_rule_would_allow_is_no_trial() -> None:
    ledger = Ledger(20, 2.0)
    assert not ledger.grant(0.0)
    assert ledger.trials == 0


def test_a_trial_given_back_makes_room_for_another() -> None:
    ledger = answered(Ledger(5, 1.0), *(i / 5 for i in range(5)))
    assert ledger.grant(1.01)
    assert ledger.trials == 1
    ledger.give_back(trial=1)
    assert ledger.trials == 0


def test_the_load_of_a_log_is_what_was_answered_in_the_last_window_or_is_in_flight() -> None:
    ledger = answered(Ledger(20, 2.0), 0.0, 1.0, 2.5)
    ledger.grant(2.6)
    assert ledger.load(2.6, "ledger") == 3


def test_the_load_of_a_sliding_counter_is_its_worst_estimate() -> None:
    ledger = answered(Ledger(20, 2.0), *[0.0] * 10, *[2.5] * 4)
    # windows that begin at 2.0 hold ten before and four now: 10 * (1 - 0.5/2) + 4
    assert ledger.load(2.5, "sliding") == pytest.approx(11.5)


@settings(deadline=None)
@given(st.lists(st.floats(0, 4), max_size=25).map(sorted), st.floats(4, 7))
def test_the_load_is_never_below_what_a_server_can_have_counted(stamps: list[float], at: float) -> None:
    ledger = answered(Ledger(100, 1.0), *stamps)
    assert ledger.load(at, "sliding") >= ledger.load(at, "ledger")
    recent = [stamp for stamp in stamps if stamp > 2.0]
    assert ledger.load(at, "sliding") >= estimate_by_definition(recent, 0, at, 1.0) - 1e-6


def test_a_smaller_limit_holds_back_and_a_larger_one_lets_go() -> None:
    ledger = answered(Ledger(4, 2.0), 0.0, 0.5)
    ledger.resize(2)
    assert ledger.next_grant() == pytest.approx(2.0)
    ledger.resize(4)
    assert ledger.next_grant() == -math.inf


def test_the_sliding_rule_reckons_with_the_limit_of_now() -> None:
    ledger = answered(Ledger(4, 2.0, mode="sliding"), 0.0, 0.5, 1.0, 1.5)
    before = ledger.next_grant()
    ledger.resize(8)
    assert ledger.next_grant() == -math.inf < before


def test_it_is_idle_when_two_windows_have_passed_since_the_last_answer() -> None:
    ledger = answered(Ledger(4, 2.0), 0.0)
    assert [ledger.idle(now) for now in (0.0, 3.9, 4.0)] == [False, False, True]
    ledger.grant(9.0)
    assert not ledger.idle(99.0)


def test_memory_stays_bounded_over_a_long_time() -> None:
    ledger = Ledger(20, 2.0)
    for second in range(5000):
        ledger.stamp(second / 2, trial=ledger.grant(second / 2))
    assert len(ledger.releases(-math.inf, 0.0)) <= 9
