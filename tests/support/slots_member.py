"""A member of a host's ledger that sends nothing: each check of a server that is not there goes into a log.

python -m tests.support.slots_member NAME WINDOW LOG SEED
"""

import os
import random
import struct
import sys
import time

import attrs

from lemlist_async.clock import steady
from lemlist_async.throttle.stores.host import HostSlots
from lemlist_async.throttle.stores.shared import Busy, UnusableError

LIMIT = 20
MARGIN = 0.005
CHECK = struct.Struct("<d")


@attrs.define
class Flight:
    token: int
    checked_at: float
    answered_at: float
    is_checked: bool = False


def join(name: str, window: float) -> HostSlots:
    """Become a member, however often another one is in the way."""
    while True:
        try:
            return HostSlots(
                name, limit=LIMIT, window=window, margin=MARGIN, pace=window / LIMIT * 0.9, now=steady()
            )
        except (Busy, UnusableError):
            time.sleep(0.002)


def main(name: str, window: float, log: str, seed: int) -> None:
    """Send as much as the ledger allows, for ever."""
    chance, slots = random.Random(seed), join(name, window)
    out = os.open(log, os.O_WRONLY | os.O_APPEND)
    flights: list[Flight] = []
    while True:
        try:
            for flight in flights[:]:
                if not flight.is_checked and steady() >= flight.checked_at:
                    os.write(out, CHECK.pack(steady()))
                    flight.is_checked = True
                if flight.is_checked and steady() >= flight.answered_at:
                    flights.remove(flight)
                    now = steady()
                    slots.end(flight.token, now, now + window + MARGIN)
            urgent = chance.random() < 0.2
            if len(flights) < 8 and slots.next_grant(now := steady(), urgent=urgent) <= now:
                token = slots.grant(now)
                checked = steady() + chance.uniform(0.001, 0.004)
                flights.append(Flight(token, checked, checked + chance.uniform(0.001, 0.008)))
            elif chance.random() < 0.01:
                slots.withdraw()
            if chance.random() < 0.02:
                slots.saw_interactive(steady())
        except (Busy, UnusableError):
            slots.close()
            # what was in flight may be counted for a window yet, and nothing remembers it
            time.sleep(window + MARGIN)
            flights.clear()
            slots = join(name, window)
        time.sleep(0.0005)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
