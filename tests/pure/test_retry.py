"""When there is another try, and when not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async import errors
from lemlist_async.core.retry import Budget, GiveUp, Wait, decide, floor, may_repeat
from lemlist_async.core.wire import Effect
from lemlist_async.options import Retry
from lemlist_async.transport.pipeline import next_ceiling

RETRY = Retry(attempts=3)


def full(budget: float = 10) -> Budget:
    """A budget with everything left."""
    return Budget(0.2, budget)


def test_the_wait_is_the_floor_with_jitter_on_top() -> None:
    assert decide(RETRY, full(), attempts=1, floor=2.0, jitter=lambda n: n * 0.5, left=None) == Wait(2.5)
    assert decide(RETRY, full(), attempts=2, floor=None, jitter=lambda n: n * 0.5, left=None) == Wait(1.0)


@pytest.mark.parametrize(
    ("attempts", "asked", "left", "budget"),
    [(3, None, None, 10), (1, 121.0, None, 10), (1, 2.0, 2.0, 10), (1, None, None, 0)],
    ids=["enough attempts", "asked to wait too long", "past the deadline", "budget spent"],
)
def test_it_gives_up_and_says_why(
    attempts: int, asked: float | None, left: float | None, budget: float
) -> None:
    decision = decide(RETRY, full(budget), attempts=attempts, floor=asked, jitter=lambda _: 0.1, left=left)
    assert isinstance(decision, GiveUp)
    assert decision.why


def test_a_give_up_spends_no_budget() -> None:
    budget = full(1)
    decide(RETRY, budget, attempts=3, floor=None, jitter=lambda _: 0, left=None)
    assert budget.spend()


@given(st.lists(st.booleans(), max_size=400))
def test_retries_never_exceed_their_share_of_the_requests_and_the_floor(steps: list[bool]) -> None:
    budget, requests, retries = Budget(0.2, 5), 0, 0
    for is_request in steps:
        if is_request:
            requests += 1
            budget.earn()
        else:
            retries += budget.spend()
    assert retries <= 0.2 * requests + 5 + 1e-9


def test_the_ceiling_doubles_up_to_its_cap() -> None:
    assert [next_ceiling(n, 0.5, 3.0) for n in (1, 2, 3, 4, 9)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def of(kind: type[errors.APIStatusError], status: int) -> errors.APIStatusError:
    """An error with a status."""
    return kind("no", status=status, retry_after=7.0)


REPEATABLE = [
    (of(errors.RateLimitError, 429), True),
    (of(errors.ServerError, 503), True),
    (of(errors.UnexpectedStatusError, 408), True),
    (of(errors.UnexpectedStatusError, 425), True),
    (of(errors.PlanLimitError, 429), False),
    (of(errors.AmbiguousServerError, 502), False),
    (of(errors.LeadAlreadyExistsError, 500), False),
    (of(errors.LeadInGraveyardError, 500), False),
    (of(errors.AuthenticationError, 401), False),
    (of(errors.NotFoundError, 404), False),
    (errors.NotSentError("no", kind="refused"), True),
    (errors.NotSentError("no", kind="certificate"), False),
    (errors.TransportError("no", kind="reset"), True),
    (errors.LostResponseError("no", kind="reset"), False),
    (errors.DeadlineExceededError("no", phase="attempt"), False),
    (errors.WaitTooLongError("no", forecast=3.0), False),
    (errors.DecodeError("no", status=200, damaged=False), False),
    (errors.DecodeError("no", status=200, damaged=True), True),
    (errors.ClosedError("no"), False),
]


@pytest.mark.parametrize(
    ("error", "repeatable"), REPEATABLE, ids=lambda value: getattr(value, "message", None)
)
def test_what_may_be_sent_again_is_decided_by_what_may_have_happened(
    error: errors.LemlistError, repeatable: bool
) -> None:
    assert may_repeat(error, Effect.READ) is repeatable


def test_a_damaged_answer_to_what_may_not_be_repeated_ends_there() -> None:
    assert not may_repeat(errors.DecodeError("cut", status=200, damaged=True), Effect.DEDUPABLE)


def test_retry_after_counts_only_beside_429_and_503() -> None:
    """lemlist sends the header on every answer."""
    assert floor(of(errors.RateLimitError, 429)) == 7.0
    assert floor(of(errors.ServerError, 503)) == 7.0
    assert floor(of(errors.ServerError, 500)) is None
    assert floor(errors.NotSentError("no", kind="dns")) is None
