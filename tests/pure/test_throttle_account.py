"""What the account of a key decides, with the clock as a plain number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.throttle.account import Account, Grant, RateState
from lemlist_async.throttle.forecast import forecast
from lemlist_async.throttle.foreign import Foreign
from lemlist_async.throttle.lookback import Largest
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.round_trips import RoundTrips


def account(**options: Any) -> Account:
    return Account(ThrottleOptions(**options), lambda: 0.5)


def served(account: Account, *calls: tuple[float, float], rate: RateState | None = None) -> Account:
    """Let each call, an instant of grant and one of answer, pass."""
    for granted, answered in calls:
        account.answered(account.grant(granted), answered, rate)
    return account


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(-9, 9)), max_size=40))
def test_the_look_back_finds_what_a_search_of_all_values_finds(steps: list[tuple[float, int]]) -> None:
    largest, seen, now = Largest(5.0), list[tuple[float, int]](), 0.0
    for idle, value in steps:
        now += idle
        seen.append((now, value))
        largest.see(now, value)
        recent = [(at, value) for at, value in seen if at > now - 5.0]
        best = max(value for _, value in recent)
        assert largest.at(now) == best
        assert largest.until() == max(at for at, value in recent if value == best) + 5.0


def test_no_round_trip_is_relied_upon_before_the_tenth() -> None:
    trips = RoundTrips()
    for second in range(9):
        trips.see(second, 0.1 + second / 100)
        assert trips.smallest(second) is None
    trips.see(9, 0.5)
    assert trips.smallest(9) == pytest.approx(0.1)


def test_a_round_trip_is_forgotten_after_a_minute() -> None:
    trips = RoundTrips()
    trips.see(0, 0.01)
    for second in range(50, 60):
        trips.see(second, 0.3)
    assert trips.smallest(59.9) == pytest.approx(0.01)
    assert trips.smallest(60.1) == pytest.approx(0.3)
    assert trips.smallest(115) is None


def test_the_credit_frees_a_slot_by_part_of_the_smallest_round_trip_sooner() -> None:
    known = served(account(margin=0.0, limit=1, pacer=None), *((3.0 * i, 3.0 * i + 0.5) for i in range(10)))
    assert known.credit(28.0) == pytest.approx(0.4)
    assert known.ledger.next_grant() == pytest.approx(27.5 - 0.4 + 2)


def test_the_credit_never_counts_an_answer_before_its_grant() -> None:
    known = served(account(margin=0.0, limit=1), *((3.0 * i, 3.0 * i + 0.5) for i in range(10)))
    # only a grant and an answer at once could be there: the sample itself makes the credit smaller
    served(known, (40.0, 40.0))
    assert known.ledger.next_grant() == pytest.approx(42.0)


def test_strict_gives_no_credit_and_starts_with_the_kernel_rule() -> None:
    strict = served(account(strict=True), *((3.0 * i, 3.0 * i + 0.5) for i in range(12)))
    assert (strict.credit(36.0), strict.ledger.mode) == (0.0, "kernel")


@pytest.mark.parametrize(("abort", "free"), [(40.001, 42.5), (41.0, 43.0)])
def test_an_abort_is_held_from_when_the_server_may_have_checked_it_and_is_no_round_trip(
    abort: float, free: float
) -> None:
    known = served(account(margin=0.0, limit=1), *((3.0 * i, 3.0 * i + 0.5) for i in range(10)))
    known.aborted(known.grant(40.0), abort)
    assert known.ledger.next_grant() == pytest.approx(free)
    assert known.round_trips.smallest(41.0) == pytest.approx(0.5)


@pytest.mark.parametrize(("pause", "shut"), [(3.0, 3.15), (0.0, 0.0), (None, 2.1), (9e9, 126.0)])
def test_the_gate_is_shut_for_the_pause_and_half_of_a_tenth_by_this_chance(
    pause: float | None, shut: float
) -> None:
    known = account()
    known.refused(known.grant(10.0), 10.5, pause, by_limiter=True, rate=None)
    assert known.gate == pytest.approx(10.5 + shut)
    assert known.next_grant(10.5) >= known.gate


def test_a_shorter_pause_does_not_open_the_gate_sooner() -> None:
    known = account()
    first, second = known.grant(0.0), known.grant(0.0)
    known.refused(first, 1.0, 10.0, by_limiter=True, rate=None)
    known.refused(second, 1.0, 1.0, by_limiter=True, rate=None)
    assert known.gate == pytest.approx(11.5)


def test_an_unexplained_refusal_teaches_the_kernel_rule() -> None:
    known = account()
    known.refused(known.grant(0.0), 0.1, 1.0, by_limiter=True, rate=None)
    assert known.ledger.mode == "kernel"


def test_the_refusal_of_a_gateway_teaches_nothing() -> None:
    known = account()
    known.refused(known.grant(0.0), 0.1, 1.0, by_limiter=False, rate=None)
    assert (known.ledger.mode, known.limit(0.1), known.stats.refusals) == ("ledger", 20, 1)
    assert known.round_trips.mean == 0.0


def test_a_refusal_that_others_explain_leaves_the_rule_and_makes_room_for_them() -> None:
    known = account()
    grant = [known.grant(0.0) for _ in range(5)][-1]
    known.refused(grant, 0.1, 1.0, by_limiter=True, rate=RateState(20, 0))
    assert (known.ledger.mode, known.limit(0.1)) == ("ledger", 5)
    # what the headers showed is remembered for two windows, what the refusal taught for ten
    assert [known.limit(4.2), known.limit(20.2)] == [19, 20]


def test_other_programs_are_ignored_before_a_refusal_unless_it_is_asked_for() -> None:
    seen = RateState(20, 12)
    assert served(account(), (0.0, 0.1), rate=seen).limit(0.1) == 20
    assert served(account(foreign=True), (0.0, 0.1), rate=seen).limit(0.1) == 13


def test_the_quota_grows_back_two_windows_after_the_others_fell_silent() -> None:
    known = served(account(foreign=True), (0.0, 0.1), rate=RateState(20, 12))
    assert known.next_grant(0.1) <= 0.1
    assert [known.limit(now) for now in (4.0, 4.2)] == [13, 20]


def test_a_throttle_out_of_room_asks_again_when_the_quota_may_grow_back() -> None:
    known = served(account(foreign=True, limit=2, margin=0.0), (0.0, 0.1), rate=RateState(2, 0))
    known.grant(0.2)
    assert known.next_grant(0.2) == pytest.approx(4.1)
    assert known.next_grant(4.1) <= 4.1


def test_at_least_one_request_per_window_remains_beside_any_crowd() -> None:
    assert served(account(foreign=True), (0.0, 0.1), rate=RateState(1000, 0)).limit(0.1) == 1


def test_what_the_other_shares_may_use_is_not_foreign() -> None:
    quarter = served(account(foreign=True, share=0.25), (0.0, 0.1), rate=RateState(20, 4))
    assert quarter.limit(0.1) == 5
    assert served(quarter, (0.2, 0.3), rate=RateState(20, 0)).limit(0.3) == 5 - (20 - 2 - 15)


@pytest.mark.parametrize("rate", [None, RateState(None, 0), RateState(20, None)])
def test_headers_that_say_nothing_show_nobody(rate: RateState | None) -> None:
    assert served(account(foreign=True), (0.0, 0.1), rate=rate).limit(0.1) == 20


def test_every_further_unexplained_refusal_concedes_one_request_more() -> None:
    foreign = Foreign(2.0)
    for at in (0.0, 1.0, 2.0):
        foreign.concede(at)
    assert [foreign.at(now) for now in (2.0, 21.9, 22.0)] == [3, 3, 0]


def test_the_estimate_of_a_counter_is_not_taken_for_another_program() -> None:
    """A sliding counter that stands at 17.2 says that 2 of 20 are left, as if it had counted 18."""
    known = account(foreign=True, strict=True, margin=0.0)
    served(known, *[(0.0, 0.0)] * 12)
    served(known, (3.2, 3.2), rate=RateState(20, 20 - 6))  # 12 * 0.4 + 1 = 5.8
    assert known.limit(3.2) == 20


def test_the_counters_tell_what_happened() -> None:
    known = account()
    known.answered(known.grant(0.0), 0.1, None)
    known.aborted(known.grant(0.0), 0.1)
    known.given_back(known.grant(0.0))
    known.refused(known.grant(0.0), 0.1, 1.0, by_limiter=True, rate=None)
    stats = known.stats
    assert (stats.grants, stats.aborted, stats.returned, stats.refusals, stats.waits) == (4, 1, 1, 1, 0)


def test_an_account_is_idle_when_its_gate_is_open_and_nothing_counts() -> None:
    known = account()
    assert known.idle(0.0)
    known.refused(known.grant(0.0), 0.1, 9.0, by_limiter=True, rate=None)
    assert [known.idle(now) for now in (0.2, 5.0, 10.0)] == [False, False, True]


def test_a_forecast_of_an_empty_account_follows_the_pacer_and_then_the_window() -> None:
    known = account()
    assert [round(forecast(known, 0.0, n), 2) for n in (1, 4, 13, 20)] == [0.0, 0.27, 1.08, 1.71]
    assert forecast(known, 0.0, 201) == pytest.approx(20.05)


def test_a_forecast_counts_from_the_opening_of_the_gate() -> None:
    known = account()
    known.refused(known.grant(0.0), 0.1, 9.0, by_limiter=True, rate=None)
    assert forecast(known, 0.1, 1) == pytest.approx(9.45)


def test_a_grant_is_a_value() -> None:
    assert account().grant(3.0) == Grant(3.0, trial=False)
