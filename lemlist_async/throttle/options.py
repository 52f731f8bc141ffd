"""Options of a throttle, checked where it is built."""

from __future__ import annotations

import math
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from lemlist_async.checks import instance_of, is_number, number, one_of, satisfies
from lemlist_async.errors import ConfigurationError

SERVERS = ("redis", "rediss", "unix", "valkey", "valkeys", "postgresql", "postgres")
"""Schemes of a scope that is a server."""


def _is_burst(value: Any) -> bool:
    try:
        requests, seconds = value
    except (TypeError, ValueError):
        return bool(value == "auto")
    return is_number(requests) and is_number(seconds) and bool(requests >= 1 and seconds > 0)


def _check_scope(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    # a value that is refused is not shown: it may hold the password of a server
    if value not in ("auto", "process") and not (isinstance(value, str) and _scheme(value) in SERVERS):
        raise ConfigurationError(
            "ThrottleOptions.scope must be 'auto', 'process' or the URL of a Redis or Valkey server (redis://…) or of"
            " PostgreSQL (postgresql://…)"
        )


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _without_password(scope: str) -> str:
    """Return the scope as it may be shown."""
    try:
        host = urlsplit(scope).netloc.rpartition("@")[2]
    except ValueError:
        host = "…"
    return repr(f"{_scheme(scope)}://{host}" if "://" in scope else scope)


@attrs.frozen(kw_only=True)
class ThrottleOptions:
    """Use of the quota of one API key. The defaults are lemlist's documented 20 requests per 2 seconds.

    Raises:
        ConfigurationError: a value is out of its range, or the pacer is slower than the quota.
    """

    limit: int = attrs.field(default=20, validator=number(1, whole=True))
    """Requests that the server allows per `window`, from 1."""
    window: float = attrs.field(default=2.0, validator=number(0, above=True))
    """Seconds, above 0."""
    share: float = attrs.field(default=1.0, validator=number(0, 1, above=True))
    """This process's part of the quota, above 0, at most 1: ``1 / n`` for n processes that share one key."""
    strict: bool = attrs.field(default=False, validator=instance_of(bool))
    """Trust no assumption about the server: the sliding rule from the first request on, and no credit."""
    credit: float = attrs.field(default=0.5, validator=number(0, 1))
    """Part of the smallest round trip, 0 to 1, that is taken off the time for which a slot is held."""
    margin: float = attrs.field(default=0.005, validator=number())
    """Seconds, from 0, that a slot is held beyond the window, against drift between two clocks."""
    pacer: tuple[float, float] | Literal["auto"] | None = attrs.field(
        default="auto",
        validator=satisfies("'auto' or a pair (requests from 1, seconds above 0)", _is_burst, or_none=True),
    )
    """A token bucket (requests, seconds) that spreads bulk requests while interactive ones come; None never does.

    `auto` is 3 requests at once and 11 % above the quota: (3, 0.27) for 20 requests per 2 seconds.
    """
    max_queue: int | None = attrs.field(default=None, validator=number(whole=True, or_none=True))
    """Requests that may wait in each lane; None for no bound."""
    max_wait: float | None = attrs.field(default=None, validator=number(or_none=True))
    """Seconds that a request may wait; None for no bound."""
    scope: str = attrs.field(default="auto", validator=_check_scope, repr=_without_password)
    """Sharing of slots: `auto` with all processes of this user on this host, where the platform can (Linux);
    ``redis://…`` or ``postgresql://…`` with all processes that use this Redis, Valkey or PostgreSQL server (the extras
    `redis` and `fleet`); `process` with none."""
    on_outage: Literal["local", "fail"] = attrs.field(default="local", validator=one_of(("local", "fail")))
    """Conduct while the server of `scope` is away: `local` keeps this host to `outage_share`, `fail` refuses calls."""
    outage_share: float = attrs.field(default=0.25, validator=number(0, 1, above=True))
    """Part of the quota that this host uses while the server is away, above 0: ``1 / n`` for n hosts."""
    external_usage: bool = attrs.field(default=False, validator=instance_of(bool))
    """Make room for other programs that use the key, from the start and not only after a refusal."""

    def __attrs_post_init__(self) -> None:
        if self.server and self.share != 1:
            raise ConfigurationError(
                "ThrottleOptions.share divides the quota, and a server shares it: give one of them"
            )
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
    def outage_quota(self) -> int:
        """Requests per window that this host may use while the server of `scope` is away."""
        return max(1, math.floor(self.limit * self.outage_share + 1e-9))

    @property
    def server(self) -> str | None:
        """URL of the server that keeps the slots; None if there is none."""
        return self.scope if "://" in self.scope else None

    @property
    def pace(self) -> float:
        """Seconds between two tokens of the pacer; 0 if there is none."""
        return self.bucket[1] / self.bucket[0] if self.bucket else 0.0

    @property
    def bucket(self) -> tuple[float, float] | None:
        """The pacer in numbers: requests, and the seconds in which so many go; None if there is none."""
        return (3, 2.7 * self.window / self.quota) if self.pacer == "auto" else self.pacer


DEFAULT = ThrottleOptions()
