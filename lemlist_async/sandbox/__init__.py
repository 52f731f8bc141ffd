"""A lemlist emulator to test against: state, rate limit, quirks and faults, on a loopback port."""

from .accounts import Counters, Seen, Tally
from .emulator import Sandbox, serve
from .fault_book import FaultBook
from .faults import (
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
    lost_answer,
    rate_limited,
    retyped,
)
from .limits import POLICIES, Decision, Policy, make_policy
from .state import Team

__all__ = [
    "BAD_CHUNK",
    "POLICIES",
    "Counters",
    "Cut",
    "Damage",
    "Decision",
    "Drip",
    "Fault",
    "FaultBook",
    "Garbage",
    "Hang",
    "Loss",
    "Policy",
    "Reset",
    "Rewrite",
    "Sandbox",
    "Seen",
    "Slow",
    "Status",
    "Tally",
    "Team",
    "gateway",
    "html",
    "lost_answer",
    "make_policy",
    "rate_limited",
    "retyped",
    "serve",
]
