"""Keys of a fleet: never in the database, found by the name of their tenant where a worker runs."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from lemlist_async.credentials import ApiKey
from lemlist_async.errors import ConfigurationError
from lemlist_async.pool import KeySource

DEFAULT_TENANT = "default"
"""Tenant of a job for which none is named; its key is LEMLIST_API_KEY."""


async def environment_key(tenant: str) -> str | None:
    """Return the key of a tenant from the environment: LEMLIST_API_KEY, and LEMLIST_API_KEY_ACME for ``acme``."""
    suffix = "" if tenant == DEFAULT_TENANT else "_" + re.sub(r"\W", "_", tenant, flags=re.ASCII).upper()
    return os.environ.get(f"LEMLIST_API_KEY{suffix}") or None


def key_source(dotted: str) -> KeySource:
    """Return the function of the caller that ``package.module:function`` names; it may be async.

    Raises:
        ConfigurationError: there is no such function.
    """
    module, _, name = dotted.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"no function for keys at {dotted} (package.module:function): {error}"
        ) from None
    if not callable(found):
        raise ConfigurationError(f"{dotted} is not a function")
    call = cast("Callable[[str], Awaitable[str | ApiKey | None] | str | ApiKey | None]", found)

    async def key_of(tenant: str) -> str | ApiKey | None:
        key = call(tenant)
        return await key if inspect.isawaitable(key) else key

    return key_of
