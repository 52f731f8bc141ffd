"""An async client for the lemlist API: throttled, retried, typed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async import errors as errors
    from lemlist_async.client import Lemlist as Lemlist
    from lemlist_async.core.wire import Call as Call
    from lemlist_async.core.wire import Effect as Effect
    from lemlist_async.credentials import ApiKey as ApiKey
    from lemlist_async.options import AuthBreaker as AuthBreaker
    from lemlist_async.options import Options as Options
    from lemlist_async.options import Retry as Retry
    from lemlist_async.options import Timeouts as Timeouts
    from lemlist_async.pagination import Page as Page
    from lemlist_async.pagination import Pages as Pages
    from lemlist_async.pool import LemlistPool as LemlistPool
    from lemlist_async.throttle import Throttle as Throttle
    from lemlist_async.throttle import ThrottleOptions as ThrottleOptions

__version__ = "0.1.0"

_HOMES = {
    "ApiKey": "lemlist_async.credentials",
    "AuthBreaker": "lemlist_async.options",
    "Call": "lemlist_async.core.wire",
    "Effect": "lemlist_async.core.wire",
    "Lemlist": "lemlist_async.client",
    "LemlistPool": "lemlist_async.pool",
    "Options": "lemlist_async.options",
    "Page": "lemlist_async.pagination",
    "Pages": "lemlist_async.pagination",
    "Retry": "lemlist_async.options",
    "Throttle": "lemlist_async.throttle",
    "ThrottleOptions": "lemlist_async.throttle",
    "Timeouts": "lemlist_async.options",
    "errors": "lemlist_async.errors",
}
if not TYPE_CHECKING:  # the checkers read the imports above, and refuse any other name
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES, "__version__")

logging.getLogger(__name__).addHandler(logging.NullHandler())
