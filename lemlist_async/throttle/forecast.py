"""When requests that are not granted yet will be."""

from __future__ import annotations

import math

from lemlist_async.throttle.account import Account


def forecast(account: Account, now: float, requests: int) -> float:
    """Seconds until the last of so many further requests is granted, if answers keep their pace.

    Each slot serves one request per cycle, which is the way to the answer and then the window. The kernel rule
    keeps about one slot more free than the ledger rule.
    """
    ledger, round_trip = account.ledger, account.round_trips.mean
    slots = max(1, account.limit(now) - (ledger.mode == "kernel"))
    held = ledger.window + ledger.margin - account.credit(now)
    releases = ledger.releases(now) + [now + round_trip / 2 + held] * ledger.in_flight
    free = [now] * (slots - len(releases)) + releases[max(0, len(releases) - slots) :]
    rounds, place = divmod(requests - 1, slots)
    opens = ledger.next_grant()
    start = max(account.gate, opens if math.isfinite(opens) else now)
    burst, seconds = account.options.bucket or (1, 0.0)
    # as if the bucket were empty: who asks for a forecast stands behind others
    paced = start + place * seconds / burst
    return max(now, free[place], paced) + rounds * (held + round_trip) - now
