"""Throttle of an API key: uses nearly the whole quota, and is never refused."""

from lemlist_async.options import Lane
from lemlist_async.throttle.ledger import Mode
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.quota import RateState, Stats
from lemlist_async.throttle.registry import throttle_for
from lemlist_async.throttle.slot import Slot, WaitReason
from lemlist_async.throttle.stores.shared import Scope
from lemlist_async.throttle.throttle import Throttle

__all__ = [
    "Lane",
    "Mode",
    "RateState",
    "Scope",
    "Slot",
    "Stats",
    "Throttle",
    "ThrottleOptions",
    "WaitReason",
    "throttle_for",
]
