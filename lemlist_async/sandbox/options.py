"""Options of a sandbox, checked when it is built."""

from __future__ import annotations

import math
import os
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


def _speed(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError("speed is a number of seconds per second, from 0 on")


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
    speed: float = attrs.field(default=1.0, validator=_speed)
    """Seconds of that clock per second: 3600 lets an hour pass in each, 0 lets none pass. The limit is not sped up."""
    seed_file: str | os.PathLike[str] | None = None
    """A snapshot, as JSON, to start from."""
    document: str | os.PathLike[str] | None = None
    """The vendor's OpenAPI document, as JSON: requests that violate it are reported. Needs the extra `sandbox`."""
    tls: bool = False
    """Whether the port speaks HTTPS, with a certificate of a throw-away authority. Needs the extra `sandbox`."""
    proxy_port: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.in_(range(65536)))
    )
    """Port of a forward proxy that leads https://api.lemlist.com here; 0 takes a free one. Needs the same extra."""
    ca_file: str | os.PathLike[str] | None = None
    """File to which the certificate of that authority is written, for the clients to trust."""

    def __attrs_post_init__(self) -> None:
        if self.ca_file is not None and not (self.tls or self.proxy_port is not None):
            raise ValueError("ca_file needs tls or proxy_port: without them there is no authority")

    def _change(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)
