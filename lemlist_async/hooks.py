"""Events of calls and attempts, and the hooks that receive them; events hold no secrets."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, Literal, get_args

import attrs

from lemlist_async.errors import Attempt, ConfigurationError, LemlistError
from lemlist_async.options import Lane

_log = logging.getLogger("lemlist_async.hooks")

EventName = Literal["request", "response", "retry", "wait", "error"]


@attrs.frozen(kw_only=True)
class RequestEvent:
    """An attempt is about to wait for a slot and be sent."""

    operation: str
    number: int
    """Number of the attempt, from 1."""
    lane: Lane


@attrs.frozen(kw_only=True)
class ResponseEvent:
    """A call succeeded."""

    operation: str
    status: int
    seconds: float
    """Seconds from the grant of the throttle to the last byte of the successful attempt."""
    attempts: tuple[Attempt, ...]
    """All attempts, the successful one last."""


@attrs.frozen(kw_only=True)
class RetryEvent:
    """An attempt failed, and another one follows after `seconds`."""

    operation: str
    number: int
    """Number of the failed attempt."""
    seconds: float
    error: LemlistError


@attrs.frozen(kw_only=True)
class WaitEvent:
    """A call had to wait."""

    operation: str
    reason: Literal["quota", "pause", "backoff"]
    seconds: float


@attrs.frozen(kw_only=True)
class ErrorEvent:
    """A call failed for good."""

    operation: str
    error: LemlistError


Event = RequestEvent | ResponseEvent | RetryEvent | WaitEvent | ErrorEvent
Hook = Callable[[Any], object]


class Hooks:
    """Registered hooks by event. They run in the task of the call, and must not block."""

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[Hook, ...]] = {}
        self.silent: bool = True
        """Whether no hook is registered, as in most clients. The hot path then creates no event."""

    def on(self, name: EventName, hook: Hook) -> Callable[[], None]:
        """Register a hook, and return a function that removes this registration.

        Raises:
            ConfigurationError: there is no event of that name, or the hook is not a plain function.
        """
        if name not in get_args(EventName):
            raise ConfigurationError(f"no event {name!r}; there are {', '.join(get_args(EventName))}")
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise ConfigurationError(f"a hook is a plain function, not {hook!r}")
        # an object per registration: a function may be registered twice and removed once
        mine = functools.partial(hook)
        self._set(name, (*self._by_name.get(name, ()), mine))

        def off() -> None:
            self._set(name, tuple(one for one in self._by_name[name] if one is not mine))

        return off

    def _set(self, name: EventName, hooks: tuple[Hook, ...]) -> None:
        self._by_name[name] = hooks
        self.silent = not any(self._by_name.values())

    def wants(self, name: EventName) -> bool:
        """Return whether a hook is registered for an event; otherwise the event need not be created."""
        return bool(self._by_name.get(name))

    def emit(self, name: EventName, event: Event) -> None:
        """Call every hook of an event; exceptions of hooks are logged and otherwise ignored."""
        for hook in self._by_name.get(name, ()):
            try:
                hook(event)
            except Exception:  # noqa: BLE001  # a hook is foreign code: it may raise anything
                _log.exception("a %s hook failed", name)
