"""Decisions about the quota of a key, with the clock as a plain number."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.throttle.external_usage import ExternalUsage
from lemlist_async.throttle.forecast import forecast
from lemlist_async.throttle.ledger import TRUSTED
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.quota import Grant, Quota, RateState
from lemlist_async.throttle.round_trips import RoundTrips
from lemlist_async.throttle.sliding_max import SlidingMax


def quota(**options: Any) -> Quota:
    return Quota(ThrottleOptions(**options), lambda: 0.5)


def granted(quota: Quota, now: float) -> Grant:
    """Grant a request at an instant."""
    grant = Grant(0.0)
    quota.grant(grant, now)
    return grant


def served(quota: Quota, *calls: tuple[float, float], rate: RateState | None = None) -> Quota:
    """Let each call, an instant of grant and one of answer, pass."""
    for sent, answered in calls:
        quota.answered(granted(quota, sent), answered, rate)
    return quota


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(-9, 9)), max_size=40))
def test_the_look_back_finds_what_a_search_of_all_values_finds(steps: list[tuple[float, int]]) -> None:
    largest, seen, now = SlidingMax(5.0), list[tuple[float, int]](), 0.0
    for idle, value in steps:
        now += idle
        seen.append((now, value))
        largest.see(now, value)
        recent = [(at, value) for at, value in seen if at > now - 5.0]
        best = max(value for _, value in recent)
        assert largest.at(now) == best
        assert largest.until() == max(at for at, value in recent if value == best) + 5.0


def test_no_round_trip_is_relied_upon_before_the_twentieth() -> None:
    trips = RoundTrips()
    for second in range(19):
        trips.see(second, 0.1 + second / 100)
        assert trips.smallest(second) is None
    trips.see(19, 0.5)
    assert trips.smallest(19) == pytest.approx(0.1)


def test_answers_of_one_instant_are_one_observation_and_earn_no_credit() -> None:
    """A network that stalled for three seconds delivers twenty answers at once, all of them late."""
    trips = RoundTrips()
    for _ in range(50):
        trips.see(3.03, 3.03)
    assert trips.smallest(3.03) is None
    for tenth in range(30):
        trips.see(5.0 + tenth / 10, 0.06)
    assert trips.smallest(8.0) == pytest.approx(0.06)


def test_a_round_trip_is_forgotten_after_a_minute() -> None:
    trips = RoundTrips()
    trips.see(0, 0.01)
    for second in range(40, 60):
        trips.see(second, 0.3)
    assert trips.smallest(59.9) == pytest.approx(0.01)
    assert trips.smallest(60.1) == pytest.approx(0.3)
    assert trips.smallest(125) is None


KNOWN = tuple((3.0 * i, 3.0 * i + 0.5) for i in range(20))
"""Twenty round trips of half a second, the last of which is answered at 57.5."""


def test_the_credit_frees_a_slot_by_half_of_the_smallest_round_trip_sooner() -> None:
    known = served(quota(margin=0.0, limit=1, pacer=None), *KNOWN)
    assert known.credit(58.0) == pytest.approx(0.25)
    assert known.next_grant(58.0) == pytest.approx(57.5 - 0.25 + 2)


def test_a_faster_answer_takes_the_credit_from_all_slots_that_are_held() -> None:
    known = served(quota(margin=0.0, limit=2, pacer=None), *KNOWN)
    slow = granted(known, 60.0)
    served(known, (60.1, 60.12))
    known.answered(slow, 60.5, None)
    assert known.next_grant(60.6) == pytest.approx(60.12 - 0.01 + 2)


def test_a_request_that_cannot_be_timed_gets_no_credit_also_when_the_credit_rises() -> None:
    known = served(quota(margin=0.0, limit=1, pacer=None), (0.0, 0.1), *KNOWN)
    untimed = granted(known, 59.5)
    untimed.timed = False
    known.answered(untimed, 59.9, None)
    # the round trip of 0.1 is forgotten now, and half a second is the smallest
    for now in (60.0, 60.2, 61.8):
        assert known.next_grant(now) == pytest.approx(61.9)


def test_strict_gives_no_credit_and_starts_with_the_sliding_rule() -> None:
    strict = served(quota(strict=True), *KNOWN)
    assert (strict.credit(58.0), strict.ledger.mode) == (0.0, "sliding")


@pytest.mark.parametrize(("abort", "free"), [(60.001, 62.5), (61.0, 63.0)])
def test_an_abort_is_held_from_when_the_server_may_have_checked_it_and_is_no_round_trip(
    abort: float, free: float
) -> None:
    known = served(quota(margin=0.0, limit=1), *KNOWN)
    known.aborted(granted(known, 60.0), abort)
    assert known.next_grant(61.0) == pytest.approx(free)
    assert known.round_trips.smallest(61.0) == pytest.approx(0.5)


@pytest.mark.parametrize(("pause", "shut"), [(3.0, 3.15), (0.0, 0.0), (None, 2.1), (9e9, 126.0)])
def test_the_gate_is_shut_for_the_pause_and_half_of_a_tenth_by_this_chance(
    pause: float | None, shut: float
) -> None:
    known = quota()
    known.refused(granted(known, 10.0), 10.5, pause, by_limiter=True, rate=None)
    assert known.paused_until == pytest.approx(10.5 + shut)
    assert known.next_grant(10.5) >= known.paused_until


def test_a_shorter_pause_does_not_open_the_gate_sooner() -> None:
    known = quota()
    first, second = granted(known, 0.0), granted(known, 0.0)
    known.refused(first, 1.0, 10.0, by_limiter=True, rate=None)
    known.refused(second, 1.0, 1.0, by_limiter=True, rate=None)
    assert known.paused_until == pytest.approx(11.5)


def test_an_unexplained_refusal_teaches_the_sliding_rule_for_half_an_hour_and_then_for_longer() -> None:
    known = quota()
    known.refused(granted(known, 0.0), 0.1, 1.0, by_limiter=True, rate=None)
    seen = list[str]()
    for now in (1799.0, 1801.0):
        known.next_grant(now)
        seen.append(known.ledger.mode)
    known.refused(granted(known, 1900.0), 1900.1, 1.0, by_limiter=True, rate=None)
    for now in (5400.0, 5502.0):
        known.next_grant(now)
        seen.append(known.ledger.mode)
    assert seen == ["sliding", "ledger", "sliding", "ledger"]


def test_a_refusal_that_the_credit_explains_costs_the_credit_and_only_a_second_one_the_rule() -> None:
    known = served(quota(margin=0.0, limit=1, pacer=None), *KNOWN)
    known.ledger.trust = TRUSTED
    assert known.next_grant(59.3) <= 59.3
    known.refused(granted(known, 59.3), 59.8, 1.0, by_limiter=True, rate=None)
    assert (known.ledger.mode, known.credit(59.9)) == ("ledger", 0.0)
    served(known, *((65.0 + 3.0 * i, 65.0 + 3.0 * i + 0.5) for i in range(20)))
    assert known.next_grant(124.3) <= 124.3
    known.refused(granted(known, 124.3), 124.8, 1.0, by_limiter=True, rate=None)
    assert known.ledger.mode == "sliding"


def test_the_refusal_of_a_gateway_teaches_nothing() -> None:
    known = quota()
    known.refused(granted(known, 0.0), 0.1, 1.0, by_limiter=False, rate=None)
    assert (known.ledger.mode, known.limit(0.1), known.stats.refusals) == ("ledger", 20, 1)
    assert known.round_trips.mean == 0.0


def test_a_refusal_that_others_explain_leaves_the_rule_and_makes_room_for_them() -> None:
    known = quota()
    grant = [granted(known, 0.0) for _ in range(5)][-1]
    known.refused(grant, 0.1, 1.0, by_limiter=True, rate=RateState(20, 0))
    assert (known.ledger.mode, known.limit(0.1)) == ("ledger", 5)
    # what the headers showed is remembered for two windows, what the refusal taught for ten
    assert [known.limit(4.2), known.limit(20.2)] == [19, 20]


def test_other_programs_are_ignored_before_a_refusal_unless_it_is_asked_for() -> None:
    seen = RateState(20, 12)
    assert served(quota(), (0.0, 0.1), rate=seen).limit(0.1) == 20
    assert served(quota(external_usage=True), (0.0, 0.1), rate=seen).limit(0.1) == 13


def test_the_quota_grows_back_two_windows_after_the_others_fell_silent() -> None:
    known = served(quota(external_usage=True), (0.0, 0.1), rate=RateState(20, 12))
    assert known.next_grant(0.1) <= 0.1
    assert [known.limit(now) for now in (4.0, 4.2)] == [13, 20]


def test_a_throttle_out_of_room_asks_again_when_the_quota_may_grow_back() -> None:
    known = served(quota(external_usage=True, limit=2, margin=0.0), (0.0, 0.1), rate=RateState(2, 0))
    granted(known, 0.2)
    assert known.next_grant(0.2) == pytest.approx(4.1)
    assert known.next_grant(4.1) <= 4.1


@given(st.floats(0, 1e6))
def test_the_instant_at_which_a_concession_ends_opens_nothing_by_itself(conceded: float) -> None:
    known = quota(pacer=None, external_usage=True)
    for _ in range(20):
        granted(known, conceded)
    known.refused(granted(known, conceded), conceded, 0.0, by_limiter=True, rate=None)
    known.refused(granted(known, conceded), conceded, 0.0, by_limiter=True, rate=None)
    ends = conceded + 20
    for now in (math.nextafter(ends, 0), ends, math.nextafter(ends, math.inf)):
        assert known.next_grant(now) > now


def test_at_least_one_request_per_window_remains_beside_any_crowd() -> None:
    assert served(quota(external_usage=True), (0.0, 0.1), rate=RateState(20, 0)).limit(0.1) == 1


def test_what_the_other_shares_may_use_is_not_foreign() -> None:
    quarter = served(quota(external_usage=True, share=0.25), (0.0, 0.1), rate=RateState(20, 4))
    assert quarter.limit(0.1) == 5
    assert served(quarter, (0.2, 0.3), rate=RateState(20, 0)).limit(0.3) == 5 - (20 - 2 - 15)


@pytest.mark.parametrize("rate", [None, RateState(None, 0), RateState(20, None)])
def test_headers_that_say_nothing_show_nobody(rate: RateState | None) -> None:
    assert served(quota(external_usage=True), (0.0, 0.1), rate=rate).limit(0.1) == 20


def test_every_further_unexplained_refusal_concedes_one_request_more() -> None:
    foreign = ExternalUsage(2.0)
    for at in (0.0, 1.0, 2.0):
        foreign.concede(at)
    assert [foreign.at(now) for now in (2.0, 21.9, 22.0)] == [3, 3, 0]


def test_the_estimate_of_a_counter_is_not_taken_for_another_program() -> None:
    """A sliding counter that stands at 17.2 says that 2 of 20 are left, as if it had counted 18."""
    known = quota(external_usage=True, strict=True, margin=0.0)
    served(known, *[(0.0, 0.0)] * 12)
    served(known, (3.2, 3.2), rate=RateState(20, 20 - 6))  # 12 * 0.4 + 1 = 5.8
    assert known.limit(3.2) == 20


def test_the_counters_tell_what_happened() -> None:
    known = quota()
    known.answered(granted(known, 0.0), 0.1, None)
    known.aborted(granted(known, 0.0), 0.1)
    known.given_back(granted(known, 0.0))
    known.refused(granted(known, 0.0), 0.1, 1.0, by_limiter=True, rate=None)
    stats = known.stats
    assert (stats.grants, stats.aborted, stats.returned, stats.refusals, stats.waits) == (4, 1, 1, 1, 0)


def test_an_account_is_idle_when_its_gate_is_open_and_nothing_counts() -> None:
    known = quota()
    assert known.idle(0.0)
    known.refused(granted(known, 0.0), 0.1, 9.0, by_limiter=True, rate=None)
    assert [known.idle(now) for now in (0.2, 5.0, 10.0)] == [False, False, True]


def test_a_forecast_of_an_empty_quota_is_now_for_the_first_twenty_and_then_follows_the_window() -> None:
    known = quota()
    assert [round(forecast(known, 0.0, n), 2) for n in (1, 20, 21, 40)] == [0.0, 0.0, 2.0, 2.0]
    assert forecast(known, 0.0, 201) == pytest.approx(20.05)


def test_a_forecast_counts_from_the_opening_of_the_gate() -> None:
    known = quota()
    known.refused(granted(known, 0.0), 0.1, 9.0, by_limiter=True, rate=None)
    assert forecast(known, 0.1, 1) == pytest.approx(9.45)


@pytest.mark.parametrize(
    "rate", [RateState(999_999_999, 0), RateState(20, 25), RateState(20, -1), RateState(0, 0)]
)
def test_headers_that_cannot_be_meant_do_not_choke_the_client(rate: RateState) -> None:
    known = served(quota(external_usage=True), *((i / 10, i / 10 + 0.05) for i in range(10)), rate=rate)
    assert known.limit(1.0) == 20


def test_bulk_is_spread_only_while_interactive_requests_come_and_every_slot_was_used() -> None:
    known = quota()
    served(known, *((0.0, 0.05),) * 20)
    assert known.next_grant(2.06, "bulk") <= 2.06
    known.last_interactive = 1.0
    served(known, *((2.06, 2.1),) * 3)
    assert known.next_grant(2.1, "interactive") <= 2.1
    assert known.next_grant(2.1, "bulk") > 2.1
    assert known.next_grant(2.1 + 61, "bulk") <= 2.1 + 61


def test_a_request_that_was_never_sent_gives_back_its_token_too() -> None:
    known = quota(limit=2)
    for _ in range(50):
        known.given_back(granted(known, 0.0))
    known.last_interactive = 0.0
    served(known, (0.0, 0.0), (0.1, 0.1))
    assert known.next_grant(2.2, "bulk") <= 2.2


def test_a_grant_is_free_to_be_read() -> None:
    grant = granted(quota(), 3.0)
    assert (grant.at, grant.trial, grant.timed) == (3.0, 0, True)
