"""Five ways a server may count, nine networks: a client that keeps the throttle busy is never refused."""

from __future__ import annotations

import math

import pytest

from lemlist_async.options import Lane
from lemlist_async.sandbox.limits import POLICIES
from lemlist_async.throttle import ThrottleOptions
from tests.support.limits_seen import most_in_a_window, worst_estimate
from tests.support.throttle_sim import CHANGING, LIMIT, NETWORKS, WINDOW, Server, Throttled, Wire, simulate

PROVED = [policy for policy in POLICIES if policy != "sliding-counter"]
FLOORS = {"jitter 24 ms": 0.977, "jitter 119 ms": 0.94, "jitter 356 ms": 0.865}
"""Share of the quota that is to be reached at least."""


def run(policy: str, network: str, requests: int = 300, seed: int = 0, **options: bool) -> Server:
    return simulate(lambda: Throttled(ThrottleOptions(**options)), policy, network, requests, seed)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("policy", PROVED)
def test_nothing_is_refused(policy: str, network: str) -> None:
    server = run(policy, network)
    assert (len(server.accepted), server.refused) == (300, [])


@pytest.mark.parametrize("network", CHANGING)
@pytest.mark.parametrize("policy", PROVED)
def test_a_network_that_stalls_or_becomes_faster_refuses_nothing_either(policy: str, network: str) -> None:
    server = run(policy, network, requests=2000 if "every 90 s" in network else 1000)
    assert not server.refused
    assert server.share > 0.8


@pytest.mark.parametrize("network", NETWORKS)
def test_a_sliding_counter_refuses_three_at_most_and_then_none(network: str) -> None:
    server = run("sliding-counter", network, requests=400)
    assert len(server.refused) <= 3
    assert all(at - server.refused[0] < 2 * WINDOW for at in server.refused)
    assert len(server.accepted) == 400


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("policy", POLICIES)
def test_strict_is_never_refused_by_any(policy: str, network: str) -> None:
    server = run(policy, network, requests=150, strict=True)
    assert (len(server.accepted), server.refused) == (150, [])


@pytest.mark.parametrize("network", FLOORS)
def test_nearly_the_whole_quota_is_used(network: str) -> None:
    server = run("sliding-log", network, requests=1500)
    assert not server.refused
    assert server.share >= FLOORS[network]
    assert server.share >= 0.98 * server.bound


@pytest.mark.parametrize("network", NETWORKS)
def test_the_checks_themselves_keep_the_promise(network: str) -> None:
    """Not what a policy says, but the instants: at most the limit in any window, and no counter above it."""
    assert most_in_a_window(run("fixed-first", network).accepted, WINDOW) <= LIMIT
    strict = run("fixed-first", network, requests=80, strict=True).accepted
    assert worst_estimate(strict, WINDOW) <= LIMIT + 1e-6


def test_the_referee_sees_a_client_without_a_throttle_refused() -> None:
    class Eager:
        async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
            while not (await wire()).allowed:
                pass

    server = simulate(Eager, "sliding-log", "calm 100 ms", 60)
    assert server.per_thousand > 1000
    assert math.isclose(server.bound, 1, abs_tol=0.03)
