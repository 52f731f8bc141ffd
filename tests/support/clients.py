"""Clients for tests: without a limit to wait for, and with short pauses."""

from typing import Any

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions

KEY = "canary-key/of+tests"
"""Has the characters that base64 and URLs treat in their own way."""


def quick(url: str, **options: Any) -> Lemlist:
    """A client whose throttle lets everything through, and whose retries hardly wait."""
    retry, key = options.pop("retry", Retry(base=0.01, cap=0.02)), options.pop("key", KEY)
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    return Lemlist(key, url, options=Options(retry=retry, **options), throttle=throttle)
