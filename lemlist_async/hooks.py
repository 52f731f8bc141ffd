"""What a program can watch: values without secrets, and the functions that asked for them."""

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
    """A try is about to wait for its turn and be sent."""

    operation: str
    number: int
    """1 for the first try."""
    lane: Lane


@attrs.frozen(kw_only=True)
class ResponseEvent:
    """A call succeeded."""

    operation: str
    status: int
    seconds: float
    """From the grant of the throttle to the last byte of the successful try."""
    attempts: tuple[Attempt, ...]
    """All tries, the successful one last."""


@attrs.frozen(kw_only=True)
class RetryEvent:
    """A try failed and another one follows after `seconds`."""

    operation: str
    number: int
    """Of the try that failed."""
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
    """The registered functions, by event. They run in the call's task and must not block."""

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[Hook, ...]] = {}
        self.silent: bool = True
        """Whether nobody listens at all, which most clients never do."""

    def on(self, name: EventName, hook: Hook) -> Callable[[], None]:
        """Register; the result takes it off again, and this registration only.

        Raises:
            ConfigurationError: there is no event of that name, or the hook is no plain function.
        """
        if name not in get_args(EventName):
            raise ConfigurationError(f"no event {name!r}; there are {', '.join(get_args(EventName))}")
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise ConfigurationError(f"a hook is a plain function, not {hook!r}")
        # an object for each registration: one function may be registered twice, and taken off once
        mine = functools.partial(hook)
        self._set(name, (*self._by_name.get(name, ()), mine))

        def off() -> None:
            self._set(name, tuple(one for one in self._by_name[name] if one is not mine))

        return off

    def _set(self, name: EventName, hooks: tuple[Hook, ...]) -> None:
        self._by_name[name] = hooks
        self.silent = not any(self._by_name.values())

    def wants(self, name: EventName) -> bool:
        """Whether anybody listens, so that an event nobody wants is never made."""
        return bool(self._by_name.get(name))

    def emit(self, name: EventName, event: Event) -> None:
        """Tell everybody; what a hook raises is logged and breaks nothing."""
        for hook in self._by_name.get(name, ()):
            try:
                hook(event)
            except Exception:  # noqa: BLE001  # a hook is foreign code: it may raise anything
                _log.exception("a %s hook failed", name)
