"""Search of larger worlds than the suite's: every order of events among members that share slots on a server.

    python -m benchmarks.every_order [--members 3] [--requests 4] [--passes 1] [--deaths 1] [--harms 1]

It ends with the number of states that were looked at, or with the events that lead to more checks in a window than the
limit allows. Three members with four requests have more than a quarter of a million states.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.support.explore import Bounds, Explorer


def main() -> int:
    """Explore, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=3)
    for name, value in (("requests", 4), ("passes", 1), ("deaths", 1), ("harms", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    bounds = Bounds(given.requests, given.passes, given.deaths, given.harms)
    explorer, begun = Explorer(members=given.members, bounds=bounds), time.monotonic()
    found = explorer.explore()
    print(f"{len(explorer.seen):,} states in {time.monotonic() - begun:.0f} s")
    print("no order breaks the limit" if found is None else f"the limit is broken by: {found}")
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
