"""Clients for tests: without a limit to wait for, and with short pauses."""

from typing import Any, TypeVar

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions
from lemlist_async.core.model import unstructure
from lemlist_async.core.wire import Call
from lemlist_async.pagination import Page

T = TypeVar("T")

KEY = "canary-key/of+tests"
"""Key with the characters that base64 and URLs encode."""


def quick(url: str, **options: Any) -> Lemlist:
    """Make a client whose throttle never waits and whose retries hardly do."""
    retry, key = options.pop("retry", Retry(base=0.01, cap=0.02)), options.pop("key", KEY)
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    return Lemlist(key, url, options=Options(retry=retry, **options), throttle=throttle)


class Looking(Lemlist):
    """Client that looks at every field of every response, so that `unexpected_types` counts all of them."""

    async def send(self, call: Call[T]) -> T:
        """Run a call, and look at its result."""
        found = await super().send(call)
        unstructure(found.items if isinstance(found, Page) else found)
        return found
