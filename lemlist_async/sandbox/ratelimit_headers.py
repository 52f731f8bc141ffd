"""Rate limit headers as lemlist words them: the reset is the text of a JavaScript ``Date``."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from lemlist_async.sandbox.limits import Decision

__all__ = ["js_date", "rate_headers"]

# own tables: strftime would follow the locale
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=8)
def js_date(second: int) -> str:
    """Format epoch seconds as ``Date.toString()`` does on a server in UTC."""
    at = datetime.fromtimestamp(second, UTC)
    day = f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02} {at.year}"
    return f"{day} {at:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def rate_headers(limit: int, decision: Decision, now: float, wall: float) -> dict[str, str]:
    """Build the four headers; ``now`` and ``wall`` are one instant on the limiter's clock and in epoch seconds.

    Retry-After is on every response, as documented: seconds until the quota is whole, or on a refusal until one
    request passes.
    """
    until_reset = decision.reset_at - now
    wait = until_reset if decision.allowed else decision.retry_after
    return {
        "Retry-After": str(
            max(1, math.ceil(wait - 1e-9))
        ),  # without the rounding errors of the policy's sums
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(decision.remaining),
        "X-RateLimit-Reset": js_date(math.ceil(wall + until_reset)),
    }
