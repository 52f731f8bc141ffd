"""Forecast of when requests will be granted that are not granted yet."""

from __future__ import annotations

import math

from lemlist_async.throttle.quota import Quota


def forecast(quota: Quota, now: float, requests: int, shared: list[float] | None = None) -> float:
    """Return the seconds until the last of so many further requests is granted, if answers keep their pace.

    Each slot serves one request per cycle, which is the way to the answer and then the window. The sliding rule
    keeps about one slot more free than the ledger rule. `shared` are the instants at which the slots are free that
    other processes use, too: what those hold they are expected to hold in the next cycle again.
    """
    ledger, round_trip, credit = quota.ledger, quota.round_trips.mean, quota.credit(now)
    slots = max(1, quota.limit(now) - (ledger.mode == "sliding"))
    held = ledger.window + ledger.margin - credit
    releases = ledger.releases(now, credit) + [now + round_trip / 2 + held] * ledger.in_flight
    free = [now] * (slots - len(releases)) + releases[max(0, len(releases) - slots) :]
    if shared:
        known = sorted(max(now, at) if math.isfinite(at) else now + round_trip / 2 + held for at in shared)
        # the processes are taken to go on as they do, and none of them is left without any slot
        others = max(0, sum(at > now for at in known) - len(releases))
        free, slots = known[:slots], max(1, min(slots, len(known)) - others)
    rounds, place = divmod(requests - 1, slots)
    opens = ledger.next_grant(credit)
    start = max(quota.paused_until, opens if math.isfinite(opens) else now)
    return max(now, free[place], start) + rounds * (held + round_trip) - now
