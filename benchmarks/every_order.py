"""Search of other worlds than the suite's: every order of events among members that share slots.

    python -m benchmarks.every_order [--members 3] [--requests 4] [--deaths 1] [--harms 1] [--kinds forget]

It ends with the number of states that were looked at, or with the events that lead to more checks in a window than the
limit allows. Time passes any number of times. A harm is an outage, a lost answer, or a server that forgets.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.support.explore.script_world import Bounds, ScriptWorld
from tests.support.explore.search import Search


def main() -> int:
    """Explore, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("members", 3), ("requests", 4), ("deaths", 1), ("harms", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--kinds", nargs="+", default=["deaf", "away", "forget"], help="kinds of harms")
    parser.add_argument("--most", type=int, help="states at most")
    given = parser.parse_args()
    bounds = Bounds(given.requests, given.deaths, given.harms, kinds=tuple(given.kinds))
    begun = time.monotonic()
    found = Search(ScriptWorld(members=given.members, bounds=bounds)).run(given.most)
    print(f"{found.states:,} states, {found.events:,} events in {time.monotonic() - begun:.0f} s")
    if found.way is None:
        print("no order breaks the limit" if found.complete else "the search was not complete")
    else:
        print(f"the limit is broken by: {', '.join(found.way)}")
    return 0 if found.way is None and found.complete else 1


if __name__ == "__main__":
    sys.exit(main())
