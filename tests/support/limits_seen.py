"""Counts of a server, computed from the instants of its checks alone."""

from __future__ import annotations

from collections.abc import Sequence


def most_in_a_window(checks: Sequence[float], window: float) -> int:
    """Return the most checks in any interval (t - window, t]."""
    return max((sum(end - window < at <= end for at in checks) for end in checks), default=0)


def worst_estimate(checks: Sequence[float], window: float) -> float:
    """Return the highest value that a sliding counter reaches at any check, for any start of its windows.

    The estimate is linear in the start of the window between two checks, so the starts at a check, a window after
    a check, and a hair beside these are all that matter.
    """
    hair = 1e-9
    edges = [at + shift + side for at in checks for shift in (0.0, window) for side in (-hair, 0.0, hair)]
    return max(
        (
            _estimate(checks, start, end, window)
            for end in checks
            for start in edges
            if end - window < start <= end
        ),
        default=0.0,
    )


def _estimate(checks: Sequence[float], start: float, end: float, window: float) -> float:
    current = sum(start <= at <= end for at in checks)
    previous = sum(start - window <= at < start for at in checks)
    return current + previous * (1 - (end - start) / window)
