"""A key that is refused again and again: for a while its calls fail without being sent."""

from __future__ import annotations

import time
from typing import Any

from lemlist_async.core.wire import Call
from lemlist_async.errors import APIStatusError, AuthenticationError, LemlistError

TRIES = 3
"""Answers of 401 in a row after which the key is taken for wrong …"""
SECONDS = 30.0
"""… for this long."""


class RefusedKey:
    """Counts what the host of the API says of the key."""

    def __init__(self) -> None:
        self._count = 0
        self._last: AuthenticationError | None = None
        self._until = 0.0

    def accepted(self) -> None:
        """An answer came that no wrong key would have got."""
        if self._count:
            self._count, self._last = 0, None

    def failed(self, error: LemlistError) -> None:
        """A try ended so."""
        if isinstance(error, AuthenticationError):
            self._count += 1
            if self._count >= TRIES:
                self._last, self._until = error, time.monotonic() + SECONDS
        elif isinstance(error, APIStatusError):
            self.accepted()

    def known(self, call: Call[Any]) -> AuthenticationError | None:
        """The error for a call that need not be sent."""
        if self._last is None:
            return None
        if time.monotonic() >= self._until:
            self.accepted()
            return None
        return AuthenticationError(
            f"{self._last.message} (not sent: the key was refused {self._count} times in a row)",
            status=self._last.status,
            operation=call.operation,
        )
