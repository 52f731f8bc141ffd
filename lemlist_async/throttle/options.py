"""Options of a throttle, checked where it is built."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import attrs

from lemlist_async.errors import ConfigurationError

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _must_be(words: str, holds: Callable[[Any], bool], *, or_none: bool = False) -> Check:
    def check(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not (holds(value) or (or_none and value is None)):
            words_ = f"None or {words}" if or_none else words
            raise ConfigurationError(f"ThrottleOptions.{attribute.name} must be {words_}, not {value!r}")

    return check


def _number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _burst(value: Any) -> bool:
    try:
        requests, seconds = value
    except (TypeError, ValueError):
        return False
    return _number(requests) and _number(seconds) and requests >= 1 and seconds > 0


_flag = _must_be("True or False", lambda value: isinstance(value, bool))
_limit = _must_be("a whole number from 1", lambda value: _whole(value) and value >= 1)
_window = _must_be("a number above 0", lambda value: _number(value) and value > 0)
_share = _must_be("a number above 0 and at most 1", lambda value: _number(value) and 0 < value <= 1)
_part = _must_be("a number from 0 to 1", lambda value: _number(value) and 0 <= value <= 1)
_seconds = _must_be("a number from 0", lambda value: _number(value) and value >= 0)
_pacer = _must_be(
    "'auto' or a pair (requests from 1, seconds above 0)",
    lambda value: value == "auto" or _burst(value),
    or_none=True,
)
_scope = _must_be("'auto' or 'process'", lambda value: value in {"auto", "process"})
_queue = _must_be("a whole number from 0", lambda value: _whole(value) and value >= 0, or_none=True)
_wait = _must_be("a number from 0", lambda value: _number(value) and value >= 0, or_none=True)


@attrs.frozen(kw_only=True)
class ThrottleOptions:
    """Use of the quota of one API key. The defaults are lemlist's documented 20 requests per 2 seconds.

    Raises:
        ConfigurationError: a value is out of its range, or the pacer is slower than the quota.
    """

    limit: int = attrs.field(default=20, validator=_limit)
    """Requests that the server allows per `window`, from 1."""
    window: float = attrs.field(default=2.0, validator=_window)
    """Seconds, above 0."""
    share: float = attrs.field(default=1.0, validator=_share)
    """This process's part of the quota, above 0, at most 1: ``1 / n`` for n processes that share one key."""
    strict: bool = attrs.field(default=False, validator=_flag)
    """Trust no assumption about the server: the sliding rule from the first request on, and no credit."""
    credit: float = attrs.field(default=0.5, validator=_part)
    """Part of the smallest round trip, 0 to 1, that is taken off the time for which a slot is held."""
    margin: float = attrs.field(default=0.005, validator=_seconds)
    """Seconds, from 0, that a slot is held beyond the window, against drift between two clocks."""
    pacer: tuple[float, float] | Literal["auto"] | None = attrs.field(default="auto", validator=_pacer)
    """A token bucket (requests, seconds) that spreads bulk requests while interactive ones come; None never does.

    `auto` is 3 requests at once and 11 % above the quota: (3, 0.27) for 20 requests per 2 seconds.
    """
    max_queue: int | None = attrs.field(default=None, validator=_queue)
    """Requests that may wait in each lane; None for no bound."""
    max_wait: float | None = attrs.field(default=None, validator=_wait)
    """Seconds that a request may wait; None for no bound."""
    scope: Literal["auto", "process"] = attrs.field(default="auto", validator=_scope)
    """Sharing of slots: `auto` with all processes of this user on this host, where the platform can (Linux);
    `process` with no other process."""
    external_usage: bool = attrs.field(default=False, validator=_flag)
    """Make room for other programs that use the key, from the start and not only after a refusal."""

    def __attrs_post_init__(self) -> None:
        if self.bucket and self.bucket[0] / self.bucket[1] < self.quota / self.window:
            raise ConfigurationError(
                f"ThrottleOptions.pacer {self.pacer} is slower than the quota of {self.quota} requests per"
                f" {self.window:g} s; give it more requests per second, or None"
            )

    @property
    def quota(self) -> int:
        """Requests per window that this process may use: ``limit * share`` rounded down, at least 1."""
        # the hair above the product is for shares such as 0.29, whose product with 100 is 28.999…
        return max(1, math.floor(self.limit * self.share + 1e-9))

    @property
    def bucket(self) -> tuple[float, float] | None:
        """The pacer in numbers: requests, and the seconds in which so many go; None if there is none."""
        return (3, 2.7 * self.window / self.quota) if self.pacer == "auto" else self.pacer


DEFAULT = ThrottleOptions()
