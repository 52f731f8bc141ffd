"""The five ways to count, on a clock that is a number."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lemlist_async.sandbox.limits import POLICIES, Policy, make_policy

N, W = 20, 2.0
gaps = st.lists(st.floats(0, 0.7) | st.sampled_from([0.0, 0.1, 1.0, 2.0, 4.0]), min_size=1, max_size=150)


def times(steps: list[float]) -> list[float]:
    now, out = 100.3, []
    for step in steps:
        now += step
        out.append(now)
    return out


def passed(policy: Policy, arrivals: list[float]) -> list[float]:
    return [now for now in arrivals if policy.check(now).allowed]


@pytest.mark.parametrize("name", POLICIES)
def test_the_first_twenty_pass_and_the_next_does_not(name: str) -> None:
    policy = make_policy(name, N, W)
    decisions = [policy.check(10.0) for _ in range(N)]
    assert [decision.remaining for decision in decisions] == list(range(N - 1, -1, -1))
    assert all(decision.allowed and decision.retry_after == 0 for decision in decisions)
    refused = policy.check(10.0)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 0 < refused.retry_after <= 2 * W
    assert refused.reset_at > 10.0


@pytest.mark.parametrize("name", POLICIES)
@given(steps=gaps)
def test_who_waits_as_told_passes_and_who_comes_earlier_does_not(name: str, steps: list[float]) -> None:
    policy, arrivals = make_policy(name, 3, W), times(steps)
    for now in arrivals:
        decision = policy.check(now)
    while decision.allowed:
        decision = policy.check(now)
    earlier = now + decision.retry_after * 0.5
    # half of a wait that is the last digit of `now` rounds to the whole wait
    assume(earlier < now + decision.retry_after)
    assert not policy.check(earlier).allowed
    assert policy.check(now + decision.retry_after).allowed


@pytest.mark.parametrize("name", POLICIES)
@given(steps=gaps)
def test_a_refusal_costs_nothing(name: str, steps: list[float]) -> None:
    arrivals = times(steps)
    twice = [now for now in arrivals for _ in range(2)]
    patient, hasty = make_policy(name, 3, W), make_policy(name, 3, W)
    assert len(passed(hasty, twice)) >= len(passed(patient, arrivals))
    assert patient.check(arrivals[-1] + 3 * W).remaining == hasty.check(arrivals[-1] + 3 * W).remaining == 2


@given(steps=gaps)
def test_the_log_lets_at_most_n_through_in_every_window(steps: list[float]) -> None:
    allowed = passed(make_policy("sliding-log", 3, W), times(steps))
    assert all(later - earlier >= W for earlier, later in zip(allowed, allowed[3:], strict=False))


@given(steps=gaps)
def test_the_log_refuses_only_when_n_passed_within_the_window(steps: list[float]) -> None:
    policy, recent = make_policy("sliding-log", 3, W), []
    for now in times(steps):
        recent = [earlier for earlier in recent if earlier + W > now]
        allowed = policy.check(now).allowed
        assert allowed == (len(recent) < 3)
        recent += [now] * allowed


@given(steps=gaps)
def test_the_counter_holds_its_estimate_at_every_check(steps: list[float]) -> None:
    allowed = passed(make_policy("sliding-counter", 3, W), times(steps))
    for now in allowed:
        start = now // W * W
        previous = sum(start - W <= earlier < start for earlier in allowed)
        current = sum(start <= earlier <= now for earlier in allowed)
        assert previous * (1 - (now - start) / W) + current <= 3 + 1e-6


@given(steps=gaps)
def test_the_bucket_never_lends_a_token(steps: list[float]) -> None:
    arrivals = times(steps)
    allowed = passed(make_policy("token-bucket", 3, W), arrivals)
    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            assert last - first + 1 <= 3 + (allowed[last] - allowed[first]) * 3 / W + 1e-6


def test_the_window_of_the_wall_closes_at_its_own_time() -> None:
    policy = make_policy("fixed-aligned", 2, W)
    assert passed(policy, [1.9, 1.9, 1.99, 2.0, 2.0, 3.99, 4.0]) == [1.9, 1.9, 2.0, 2.0, 4.0]


def test_the_window_from_the_first_request_opens_only_with_a_request() -> None:
    policy = make_policy("fixed-first", 2, W)
    assert passed(policy, [1.9, 3.8, 3.85, 3.9, 7.0, 8.9, 8.95, 9.0]) == [1.9, 3.8, 3.9, 7.0, 8.9, 9.0]


def test_the_bucket_gains_tokens_between_requests() -> None:
    policy = make_policy("token-bucket", 20, W)
    assert len(passed(policy, [50.0] * 30)) == 20
    assert policy.check(50.0).retry_after == pytest.approx(0.1)
    assert len(passed(policy, [50.5] * 30)) == 5


def test_resets_name_the_moment_when_all_is_free_again() -> None:
    resets = {name: make_policy(name, N, W).check(11.0).reset_at for name in POLICIES}
    assert resets == pytest.approx(
        {
            "fixed-aligned": 12,
            "fixed-first": 13,
            "sliding-log": 13,
            "sliding-counter": 14,
            "token-bucket": 11.1,
        }
    )


@pytest.mark.parametrize(
    ("name", "limit", "window"), [("leaky", 20, 2.0), ("sliding-log", 0, 2.0), ("sliding-log", 20, 0.0)]
)
def test_a_policy_that_cannot_be_is_refused(name: str, limit: int, window: float) -> None:
    with pytest.raises(ValueError, match=r"policy|limit"):
        make_policy(name, limit, window)
