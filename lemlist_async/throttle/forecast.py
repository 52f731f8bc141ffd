"""When requests that are not granted yet will be."""

from __future__ import annotations

import math

from lemlist_async.throttle.account import Account


def forecast(account: Account, now: float, requests: int) -> float:
    """Seconds until the last of so many further requests is granted, if answers keep their pace.

    Each slot serves one request per cycle, which is the way to the answer and then the window. The kernel
    rule keeps about one slot more free than the ledger rule.
    """
    ledger, options = account.ledger, account.options
    slots = max(1, account.limit(now) - (ledger.mode == "kernel"))
    held = ledger.window + ledger.margin - account.credit(now)
    releases = ledger.releases(now) + [now + account.round_trips.mean / 2 + held] * ledger.in_flight
    free = [now] * (slots - len(releases)) + releases[max(0, len(releases) - slots) :]
    rounds, place = divmod(requests - 1, slots)
    at = free[place] + rounds * (held + account.round_trips.mean)
    opens = ledger.next_grant()
    start = max(now, account.gate, opens if math.isfinite(opens) else now)
    burst, seconds = options.bucket or (math.inf, 1.0)
    paced = start + max(0.0, requests - burst) * seconds / burst
    return max(at, paced) - now
