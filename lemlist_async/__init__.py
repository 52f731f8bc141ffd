"""An async client for the lemlist API: throttled, retried, typed."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

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
    from lemlist_async.throttle import Throttle as Throttle
    from lemlist_async.throttle import ThrottleOptions as ThrottleOptions

__version__ = "0.1.0"

_HOMES = {
    "ApiKey": "credentials",
    "AuthBreaker": "options",
    "Call": "core.wire",
    "Effect": "core.wire",
    "Lemlist": "client",
    "Options": "options",
    "Page": "pagination",
    "Pages": "pagination",
    "Retry": "options",
    "Throttle": "throttle",
    "ThrottleOptions": "throttle",
    "Timeouts": "options",
}
__all__ = ["ApiKey", "AuthBreaker", "Call", "Effect", "Lemlist", "Options", "Page", "Pages", "Retry", "Throttle",
           "ThrottleOptions", "Timeouts", "__version__", "errors"]  # fmt: skip

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import a public name on its first use (PEP 562), so that `import lemlist_async` is light."""
    if name == "errors":
        return importlib.import_module("lemlist_async.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"lemlist_async.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
