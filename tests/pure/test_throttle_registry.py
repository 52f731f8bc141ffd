from __future__ import annotations

import gc

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle import Throttle, ThrottleOptions, throttle_for
from lemlist_async.throttle.registry import Registry

DEFAULT = ThrottleOptions()


def test_all_clients_of_a_key_and_host_share_one_throttle() -> None:
    registry = Registry()
    first = registry.get("a", "host", DEFAULT)
    assert registry.get("a", "host", ThrottleOptions()) is first
    assert registry.get("b", "host", DEFAULT) is not first
    assert registry.get("a", "other", DEFAULT) is not first


def test_other_options_for_the_same_key_are_refused_and_the_difference_is_named() -> None:
    registry = Registry()
    held = registry.get("a", "host", DEFAULT)
    with pytest.raises(ConfigurationError, match=r"share=1\.0 then, 0\.5 now, strict=False then, True now$"):
        registry.get("a", "host", ThrottleOptions(share=0.5, strict=True))
    assert registry.get("a", "host", DEFAULT) is held


def test_other_options_are_taken_when_nobody_holds_the_key_and_nothing_of_its_past_counts() -> None:
    registry = Registry()
    registry.get("a", "host", DEFAULT)
    gc.collect()
    assert registry.get("a", "host", ThrottleOptions(strict=True)).options.strict


def test_the_past_survives_the_client() -> None:
    registry = Registry(kept=1)
    identity = id(registry.get("a", "host", DEFAULT))
    gc.collect()
    assert id(registry.get("a", "host", DEFAULT)) == identity


def test_a_crowd_of_idle_keys_is_forgotten() -> None:
    registry = Registry(kept=10)
    for number in range(1000):
        registry.get(str(number), "host", DEFAULT)
    assert len(registry) == 10


async def test_a_key_whose_past_counts_is_kept_in_any_crowd() -> None:
    registry = Registry(kept=10)
    busy = registry.get("busy", "host", DEFAULT)
    await busy.acquire()
    identity = id(busy)
    del busy
    for number in range(1000):
        registry.get(str(number), "host", DEFAULT)
    assert id(registry.get("busy", "host", DEFAULT)) == identity
    assert len(registry) <= 11


def test_a_throttle_that_a_client_holds_is_found_again_after_any_crowd() -> None:
    registry = Registry(kept=2)
    held = registry.get("held", "host", DEFAULT)
    for number in range(100):
        registry.get(str(number), "host", DEFAULT)
    assert registry.get("held", "host", DEFAULT) is held


def test_the_process_has_one_registry() -> None:
    throttle = throttle_for("test-of-the-registry", "host", DEFAULT)
    assert isinstance(throttle, Throttle)
    assert throttle_for("test-of-the-registry", "host", DEFAULT) is throttle
