"""Options of a sandbox, checked when it is built."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from lemlist_async.sandbox.lifecycle.options import LifecycleOptions, Recipients
from lemlist_async.sandbox.limits import POLICIES
from lemlist_async.sandbox.world import ListShape

__all__ = ["SandboxOptions"]


def _latency(given: float | tuple[float, float]) -> tuple[float, float]:
    low, high = given if isinstance(given, tuple) else (given, given)
    if not 0 <= low <= high:
        raise ValueError("latency must be seconds, or a pair of them with the lower one first")
    return low, high


def _keys(given: Sequence[str]) -> tuple[str, ...]:
    keys = tuple(given)
    if isinstance(given, str) or not keys or len(set(keys)) < len(keys) or "" in keys:
        raise ValueError("keys must be a sequence of at least one key, all different")
    return keys


@attrs.define(kw_only=True, eq=False)
class SandboxOptions:
    """Options of a sandbox. One out of range raises ValueError."""

    policy: str = attrs.field(default="fixed-first", validator=attrs.validators.in_(POLICIES))
    """Counting rule of the limit: one of ``limits.POLICIES``."""
    limit: int | None = 20
    """Requests per window and key; None takes the limit away, and with it its headers."""
    window: float = 2.0
    """Length of the window in seconds."""
    latency: tuple[float, float] = attrs.field(default=(0.0, 0.0), converter=_latency)
    """Delay of each response in seconds: one number, or a range to draw from."""
    seed: int = 0
    """The same seed gives the same ids, latencies and chances for the same requests."""
    keys: tuple[str, ...] = attrs.field(default=("sandbox-key",), converter=_keys, repr=False)
    blocked_keys: Sequence[str] = attrs.field(default=(), repr=False)
    """Keys whose user is blocked: each request with one gets a 403."""
    host: str = "127.0.0.1"
    port: int = attrs.field(default=0, validator=attrs.validators.in_(range(65536)))
    """Port to listen on; 0 takes a free one."""
    list_shape: ListShape = attrs.field(default="v2", validator=attrs.validators.in_(("v2", "bare")))
    """Shape of ``GET /campaigns?version=v2``: the page object seen live, or the documented list."""
    duplicate_status: int = attrs.field(default=409, validator=attrs.validators.in_((409, 500)))
    """The status of ``Lead already in other campaign``: 409, or 500 as it was in August 2026."""
    polls: int = attrs.field(default=2, validator=attrs.validators.ge(0))
    """Number of polls during which an export or an enrichment is unfinished."""
    webhook_delay: float = attrs.field(default=0.1, validator=attrs.validators.ge(0))
    """Seconds from the start of an enrichment to the post of its result to a named webhook."""
    allow_hosts: Sequence[str] = ()
    """Names or addresses of other machines whose webhooks are called. Loopback always is."""
    hook_retries: int = attrs.field(default=5, validator=attrs.validators.ge(0))
    """Retries of a delivery to a hook: 10 s x 2^n apart, on the sandbox's clock."""
    delete_gone_hooks: bool = True
    """Whether an answer of 404 or 410 deletes the hook."""
    lifecycle: LifecycleOptions = attrs.field(factory=LifecycleOptions)
    """Points in which lemlist's behaviour is not known."""
    recipients: Recipients = attrs.field(factory=Recipients)
    """Behaviour of the people who get messages; by default they do nothing."""
    clock: Callable[[], float] = time.monotonic
    """Clock of the limit, in seconds."""
    wall_clock: Callable[[], float] = time.time
    """Clock of the times in responses and of what happens, in epoch seconds; `advance` adds to it."""

    def _change(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)
