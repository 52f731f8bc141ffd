"""Handlers of events, by the types that they want."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from lemlist_async.errors import ConfigurationError
from lemlist_async.webhooks.events import KNOWN, RETIRED, Event, class_of

Handler = Callable[[Any], Awaitable[object]]

_log = logging.getLogger("lemlist_async.webhooks")


@attrs.frozen(eq=False)
class Registration:
    """One handler, with the types that it wants."""

    name: str
    """Module and name of the function; it tells in the file which handlers have succeeded."""
    call: Handler
    types: frozenset[str]
    """Names of types; with neither names nor models the handler wants all."""
    models: tuple[type[Event], ...]

    def wants(self, kind: str) -> bool:
        """Tell whether the handler gets events of a type."""
        if not self.types and not self.models:
            return True
        return bool({kind, RETIRED.get(kind)} & self.types) or (
            bool(self.models) and issubclass(class_of(RETIRED.get(kind) or kind), self.models)
        )


class Handlers:
    """All handlers of a receiver, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Registration] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, wanted: tuple[str | type[Event], ...], handler: Handler) -> Callable[[], None]:
        """Register a handler, and return a function that removes it.

        Raises:
            ConfigurationError: it is not an async function, or what it wants is neither a type nor a model.
        """
        if not inspect.iscoroutinefunction(
            getattr(handler, "func", handler)
        ) and not inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)  # noqa: B004  # of an object whose call is a coroutine function
        ):
            raise ConfigurationError(f"a handler is an async function, not {handler!r}")
        types = frozenset(one for one in wanted if isinstance(one, str))
        models = tuple(one for one in wanted if isinstance(one, type) and issubclass(one, Event))  # pyright: ignore[reportUnnecessaryIsInstance]
        if len(types) + len(models) < len(set(wanted)):
            raise ConfigurationError("a handler is registered for names of types, or for models of events")
        for one in sorted(types - KNOWN):
            _log.warning("a handler waits for %r, which is no type known to this version", one)
        mine = Registration(self._name(handler), handler, types, models)
        self._all.append(mine)
        return lambda: self._remove(mine)

    def _remove(self, registration: Registration) -> None:
        if registration in self._all:
            self._all.remove(registration)

    def _name(self, handler: Any) -> str:
        function: Any = getattr(handler, "func", handler)
        if not hasattr(function, "__qualname__"):
            function = function.__class__
        name = f"{function.__module__}.{function.__qualname__}"
        same = sum(one.name.partition("#")[0] == name for one in self._all)
        return f"{name}#{same + 1}" if same else name

    def of(self, kind: str) -> list[Registration]:
        """Return the handlers of a type."""
        return [one for one in self._all if one.wants(kind)]

    @property
    def types(self) -> frozenset[str] | None:
        """Types that are wanted by name; None if a handler wants others too."""
        if any(one.models or not one.types for one in self._all):
            return None
        return frozenset[str]().union(*(one.types for one in self._all))
