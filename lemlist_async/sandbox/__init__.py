"""A lemlist emulator to test against: state, rate limit, quirks and faults, on a loopback port."""

from lemlist_async.sandbox.counters import Counters, LoggedRequest, Tally
from lemlist_async.sandbox.emulator import Sandbox, serve
from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.fault_kinds import (
    BAD_CHUNK,
    Cut,
    Damage,
    Drip,
    Fault,
    Garbage,
    Hang,
    Loss,
    Reset,
    Rewrite,
    Slow,
    Status,
    gateway,
    html,
    lost_response,
    rate_limited,
    retyped,
)
from lemlist_async.sandbox.limits import POLICIES, Decision, Policy, make_policy
from lemlist_async.sandbox.state import Team

__all__ = [
    "BAD_CHUNK",
    "POLICIES",
    "Counters",
    "Cut",
    "Damage",
    "Decision",
    "Drip",
    "Fault",
    "FaultInjector",
    "Garbage",
    "Hang",
    "LoggedRequest",
    "Loss",
    "Policy",
    "Reset",
    "Rewrite",
    "Sandbox",
    "Slow",
    "Status",
    "Tally",
    "Team",
    "gateway",
    "html",
    "lost_response",
    "make_policy",
    "rate_limited",
    "retyped",
    "serve",
]
