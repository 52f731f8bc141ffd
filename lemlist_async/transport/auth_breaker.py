"""Circuit breaker for the API key: a key that is refused repeatedly is not sent for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lemlist_async.clock import steady
from lemlist_async.core.wire import Call
from lemlist_async.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    LemlistError,
    NotFoundError,
)
from lemlist_async.options import AuthBreaker

_KEY_WORKED = (BadRequestError, NotFoundError, ConflictError)
"""Errors that lemlist returns only after accepting the key.

A 401 about a route, a 403 of the edge, a 429 and a 5xx say nothing about the key.
"""

State = Literal["closed", "open", "half-open"]


class AuthCircuit:
    """Counts consecutive responses that refuse the key; from a threshold on, calls fail without being sent.

    - ``closed``: calls pass.
    - ``open``: calls fail at once.
    - ``half-open``: one call at a time passes as a probe, and a success closes the circuit. A circuit is half-open
      once its recovery time is over. For a key that has worked before it is never open, only half-open: such a key
      was more likely refused by mistake than revoked.
    """

    def __init__(self, settings: AuthBreaker) -> None:
        self._settings = settings
        self._refusals = 0
        self._last: AuthenticationError | None = None
        self._opened = 0.0
        self._worked = False
        self._probing = False
        self.calm: bool = False
        """Whether the key has worked and was not refused since. The hot path then skips the breaker."""
        self.on_refusal: Callable[[], None] | None = None
        """Called at each refusal of the key."""

    @property
    def state(self) -> State:
        """``closed``, ``open`` or ``half-open``."""
        if self._last is None:
            return "closed"
        recovered = steady() >= self._opened + self._settings.recovery_timeout
        return "half-open" if recovered or self._worked else "open"

    def admit(self, call: Call[Any]) -> bool:
        """Admit a call, and return whether it is a probe; a probe must be ended with `probed`.

        Raises:
            AuthenticationError: the circuit is open, or another call is its probe.
        """
        if self._last is None:
            return False
        if self._probing or self.state == "open":
            raise self._not_sent(call, self._last)
        # one probe at a time: a revoked key must not be sent by every waiting call
        self._probing = True
        return True

    def probed(self) -> None:
        """End the probe, whatever its result."""
        self._probing = False

    def accepted(self) -> None:
        """Record a response that proves the key to be valid."""
        self._worked, self._refusals, self._last = True, 0, None
        self.calm = True

    def failed(self, error: LemlistError) -> None:
        """Record the error of a failed attempt."""
        if isinstance(error, AuthenticationError):
            # only consecutive refusals count: one odd 401 must not block a valid key
            self._refusals += 1
            self.calm = False
            if self.on_refusal is not None:
                self.on_refusal()
            threshold = self._settings.failure_threshold
            if threshold is not None and self._refusals >= threshold:
                self._last, self._opened = error, steady()
        elif isinstance(error, APIStatusError) and isinstance(error, _KEY_WORKED):
            self.accepted()

    def _not_sent(self, call: Call[Any], last: AuthenticationError) -> AuthenticationError:
        return AuthenticationError(
            f"{last.message} (not sent: the key was refused {self._refusals} times in a row)",
            status=last.status,
            operation=call.operation,
        )

    def __repr__(self) -> str:
        refusals = f", {self._refusals} refusals in a row" if self._refusals else ""
        return f"<AuthBreaker {self.state}{refusals}>"
