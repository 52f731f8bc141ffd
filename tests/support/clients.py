"""Clients for tests: without a limit to wait for, and with short pauses."""

from typing import Any

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions

KEY = "canary-key/of+tests"
"""Key with the characters that base64 and URLs encode."""


def quick(url: str, **options: Any) -> Lemlist:
    """Make a client whose throttle never waits and whose retries hardly do."""
    retry, key = options.pop("retry", Retry(base=0.01, cap=0.02)), options.pop("key", KEY)
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    return Lemlist(key, url, options=Options(retry=retry, **options), throttle=throttle)
