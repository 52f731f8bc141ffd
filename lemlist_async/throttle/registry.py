"""One throttle per API key and host in a process, whatever clients come and go."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from weakref import WeakValueDictionary

import attrs

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.sharing import name_of
from lemlist_async.throttle.throttle import Throttle

KEPT = 1024
"""Throttles that are remembered though no client holds them and nothing of their past counts."""

Name = tuple[str, str]


class Registry:
    """Throttles by hash of the key and host, kept while a client holds them or their past counts."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._living: WeakValueDictionary[Name, Throttle] = WeakValueDictionary()
        self._recent: OrderedDict[Name, Throttle] = OrderedDict()

    def __len__(self) -> int:
        return len(self._recent)

    def get(self, key_id: str, host: str, options: ThrottleOptions) -> Throttle:
        """Return the throttle of the key at the host, made at the first call.

        Raises:
            ConfigurationError: it was made with other options.
        """
        name = key_id, host
        with self._lock:
            throttle = self._living.get(name)
            if throttle is not None and throttle.options != options and throttle.idle:
                # `_living` is weak: without these two references only a throttle that a client holds is left in it
                del throttle
                self._recent.pop(name, None)
                throttle = self._living.get(name)
            if throttle is None:
                throttle = self._living[name] = Throttle(options, name=name_of(key_id, host))
            self._recent[name] = throttle
            self._recent.move_to_end(name)
            self._forget()
        if throttle.options != options:
            raise ConfigurationError(
                "the clients of an API key share one throttle, which was made with other options:"
                f" {_difference(throttle.options, options)}"
            )
        return throttle

    def _forget(self) -> None:
        """Let go of two of the oldest whose past counts no more: a crowd of keys shrinks at little cost."""
        for _ in range(min(2, len(self._recent) - self._kept)):
            name, throttle = self._recent.popitem(last=False)
            if not throttle.idle:
                self._recent[name] = throttle


def _difference(old: ThrottleOptions, new: ThrottleOptions) -> str:
    before, after = attrs.asdict(old), attrs.asdict(new)
    # the URL of a server may hold its password
    return ", ".join(
        f"{name}={before[name]!r} then, {after[name]!r} now" if name != "scope" else "scope"
        for name in before
        if before[name] != after[name]
    )


# module-level state is needed here: lemlist counts per key, not per client
_registry = Registry()
_inherited: list[Registry] = []
"""Throttles that a forked child got from its parent, kept since tasks waiting in them complain when collected."""


def _renew() -> None:
    # The loop of the parent does not run in a child. A lock that another thread held at the fork stays locked.
    global _registry  # noqa: PLW0603  # as above
    _inherited.append(_registry)
    _registry = Registry()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_renew)


def throttle_for(key_id: str, host: str, options: ThrottleOptions) -> Throttle:
    """Return the one throttle of this process for a key (`key_id` is a hash of it) and a host.

    Raises:
        ConfigurationError: another client of the key uses other options.
    """
    return _registry.get(key_id, host, options)
