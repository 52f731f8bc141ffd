from __future__ import annotations

from typing import Any

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle import ThrottleOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", 0),
        ("limit", 2.5),
        ("limit", True),
        ("limit", "20"),
        ("window", 0),
        ("window", float("inf")),
        ("window", 10**400),
        ("window", float("nan")),
        ("share", 0),
        ("share", 1.01),
        ("share", None),
        ("strict", 1),
        ("credit", -0.1),
        ("credit", 1.1),
        ("margin", -0.001),
        ("pacer", (0.5, 1)),
        ("pacer", (4, 0)),
        ("pacer", (4, 0.3, 2)),
        ("pacer", "slow"),
        ("pacer", 3),
        ("max_queue", -1),
        ("max_queue", 1.5),
        ("max_wait", -1),
        ("max_wait", "1"),
        ("max_wait", 10**400),
        ("external_usage", "yes"),
    ],
)
def test_a_value_out_of_range_is_named_and_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"ThrottleOptions\.{name} must be .*not "):
        ThrottleOptions(**{name: value})


def test_a_pacer_slower_than_the_quota_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="slower than the quota of 20 requests per 2 s"):
        ThrottleOptions(pacer=(1, 0.11))
    ThrottleOptions(pacer=(1, 0.11), share=0.5)


@pytest.mark.parametrize(
    ("limit", "share", "quota"),
    [
        (20, 1.0, 20),
        (20, 1 / 3, 6),
        (20, 0.25, 5),
        (20, 0.01, 1),
        (100, 0.29, 29),
        (10, 0.7, 7),
        (3, 1 / 3, 1),
    ],
)
def test_the_quota_is_the_share_of_the_limit_rounded_down_and_at_least_one(
    limit: int, share: float, quota: int
) -> None:
    assert ThrottleOptions(limit=limit, share=share).quota == quota


@pytest.mark.parametrize(("limit", "share"), [(20, 1.0), (20, 0.25), (500, 1.0), (1, 1.0)])
def test_the_automatic_pacer_is_a_little_faster_than_the_quota_whatever_that_is(
    limit: int, share: float
) -> None:
    options = ThrottleOptions(limit=limit, share=share)
    assert options.bucket
    requests, seconds = options.bucket
    assert requests / seconds == pytest.approx(options.quota / options.window * 3 / 2.7)


def test_there_may_be_no_pacer() -> None:
    assert ThrottleOptions(pacer=None).bucket is None
