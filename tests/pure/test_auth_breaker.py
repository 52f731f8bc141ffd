"""The circuit breaker over the key: what counts, when it opens, and its probes."""

from typing import Any

import pytest

from lemlist_async import AuthBreaker, Call, errors
from lemlist_async.transport import auth_breaker
from lemlist_async.transport.auth_breaker import AuthCircuit

CALL: Call[Any] = Call("GET", "/team")
REFUSED = errors.AuthenticationError("wrong key", status=401)
SAYS_NOTHING = [
    errors.PermissionDeniedError("Route unauthorized", status=401),
    errors.PermissionDeniedError("a page of the edge", status=403),
    errors.PaymentRequiredError("Upgrade your plan", status=402),
    errors.RateLimitError("slow", status=429),
    errors.ServerError("broken", status=502),
    errors.NotSentError("no way", kind="refused"),
    errors.LostResponseError("lost", kind="reset"),
]


class Clock:
    """A clock to turn by hand, in place of the module's."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(auth_breaker, "steady", clock)
    return clock


def opened(circuit: AuthCircuit, times: int = 3) -> AuthCircuit:
    """A circuit after some refusals."""
    for _ in range(times):
        circuit.failed(REFUSED)
    return circuit


def test_it_opens_after_three_refusals_in_a_row_and_sends_nothing(clock: Clock) -> None:
    circuit = opened(AuthCircuit(AuthBreaker()), 2)
    assert (circuit.state, circuit.admit(CALL)) == ("closed", False)
    circuit.failed(REFUSED)
    assert repr(circuit) == "<AuthBreaker open, 3 refusals in a row>"
    with pytest.raises(errors.AuthenticationError, match="not sent: the key was refused 3 times in a row"):
        circuit.admit(CALL)


@pytest.mark.parametrize("error", SAYS_NOTHING, ids=lambda error: f"{type(error).__name__} {error.message}")
def test_what_says_nothing_about_the_key_neither_opens_nor_resets_it(
    clock: Clock, error: errors.LemlistError
) -> None:
    circuit = AuthCircuit(AuthBreaker())
    for _ in range(10):
        circuit.failed(error)
    assert circuit.state == "closed"
    opened(circuit, 2).failed(error)
    circuit.failed(REFUSED)
    assert circuit.state == "open"


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_that_only_a_good_key_gets_resets_it(clock: Clock, status: int) -> None:
    circuit = opened(AuthCircuit(AuthBreaker()), 2)
    circuit.failed(errors.BY_STATUS[status]("no", status=status))
    circuit.failed(REFUSED)
    assert circuit.state == "closed"


def test_a_key_that_never_worked_is_tried_again_by_one_call_at_a_time_after_a_while(clock: Clock) -> None:
    circuit = opened(AuthCircuit(AuthBreaker(recovery_timeout=30)))
    clock.now += 29.9
    with pytest.raises(errors.AuthenticationError):
        circuit.admit(CALL)
    clock.now += 0.1
    assert circuit.admit(CALL)
    with pytest.raises(errors.AuthenticationError):
        circuit.admit(CALL)
    circuit.failed(REFUSED)
    circuit.probed()
    assert circuit.state == "open"
    with pytest.raises(errors.AuthenticationError):
        circuit.admit(CALL)


def test_a_key_that_worked_once_is_probed_at_once_by_one_call_at_a_time(clock: Clock) -> None:
    circuit = AuthCircuit(AuthBreaker())
    circuit.accepted()
    opened(circuit)
    assert circuit.state == "half-open"
    for _ in range(3):
        assert circuit.admit(CALL)
        with pytest.raises(errors.AuthenticationError):
            circuit.admit(CALL)
        circuit.failed(REFUSED)
        circuit.probed()
    assert circuit.admit(CALL)
    circuit.accepted()
    circuit.probed()
    assert (circuit.state, circuit.admit(CALL)) == ("closed", False)


def test_a_probe_that_told_nothing_leaves_room_for_the_next(clock: Clock) -> None:
    circuit = AuthCircuit(AuthBreaker())
    circuit.accepted()
    opened(circuit)
    assert circuit.admit(CALL)
    circuit.failed(errors.ServerError("broken", status=502))
    circuit.probed()
    assert circuit.admit(CALL)


def test_it_can_be_turned_off(clock: Clock) -> None:
    circuit = opened(AuthCircuit(AuthBreaker(failure_threshold=None)), 100)
    assert (circuit.state, circuit.admit(CALL)) == ("closed", False)
