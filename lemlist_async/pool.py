"""Clients of many API keys in one process: one connection pool, and for each key a limit of its own."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

import attrs

from lemlist_async.client import Lemlist, network_of
from lemlist_async.clock import steady
from lemlist_async.credentials import DEFAULT_BASE_URL, ApiKey, BaseURL
from lemlist_async.errors import (
    APIKeyError,
    ClosedError,
    ConfigurationError,
    LemlistError,
    UnknownTenantError,
)
from lemlist_async.observe import E, Observers
from lemlist_async.options import Options
from lemlist_async.throttle import Throttle, ThrottleOptions, throttle_for
from lemlist_async.transport.pipeline import Pipeline
from lemlist_async.transport.session import Session, SharedSession

if TYPE_CHECKING:
    import ssl as ssl_module

IDLE = 50
"""Connections that are kept though no request uses them."""
RECHECK = 30.0
"""Seconds after which the function is asked again for the key of a tenant whose key lemlist refuses."""
REST = 5.0
"""Seconds between two looks for keys whose limit is at rest, so that the file of their ledger can be closed."""

KeySource = Callable[[str], Awaitable[str | ApiKey | None]]
"""An async function that returns the API key of a tenant; None if there is no such tenant."""


class TenantClient(Lemlist):
    """The client of one tenant. It needs no closing, and `async with` leaves it open: the pool closes."""

    async def aclose(self) -> None:
        """Do nothing: other users of the tenant may hold the same client."""


@attrs.define(eq=False)
class _Refusals:
    """Whether lemlist has refused a key. It refers to nothing, so that a circuit may refer to it."""

    seen: bool = False

    def note(self) -> None:
        self.seen = True


@attrs.define(eq=False)
class _Entry:
    client: TenantClient
    refusals: _Refusals
    asked: float
    """Time at which the function was asked last."""


class LemlistPool:
    """Clients by tenant over one connection pool.

    Each key has its own limit, retry budget and circuit breaker: a key that is refused, or that waits for its quota,
    costs the others nothing. The client of a tenant is made at its first use and forgotten when `size` others were
    used since; one that is still in use goes on.

    Invariants. For each tenant at most one call of `key_of` is under way, however many wait for it, and a waiter that
    is cancelled does not end it. A client is never closed before the pool: forgetting only drops the reference.

    Args:
        key_of: Async function that returns the key of a tenant, or None for an unknown one.
        base_url: Address of the API, as for `Lemlist`.
        options: Deadlines, retries, time-outs of all clients.
        throttle: Limit of each key.
        size: Most clients that are remembered.
        connections: Most connections, which is also the most requests in flight.
        ssl: An SSLContext for a private authority.
        user_agent: Put before the library's own.
        allow_insecure: Take a plain http `base_url` on another machine.

    Raises:
        ConfigurationError: the base URL or an option is invalid.
    """

    def __init__(
        self,
        key_of: KeySource,
        *,
        base_url: str | None = None,
        options: Options | None = None,
        throttle: ThrottleOptions | None = None,
        size: int = 1000,
        connections: int = 1000,
        ssl: ssl_module.SSLContext | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
    ) -> None:
        for name, number in (("size", size), ("connections", connections)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"{name} must be a whole number of at least 1, not {number!r}")
        self._key_of = key_of
        self._base = BaseURL.parse(
            base_url or os.environ.get("LEMLIST_BASE_URL") or DEFAULT_BASE_URL, allow_insecure=allow_insecure
        )
        self._options = options or Options()
        self._limits = throttle or ThrottleOptions()
        self._size = size
        network = network_of(None, ssl, user_agent)
        self._session = Session(
            network, self._options.timeouts, None, connections=connections, idle=min(IDLE, connections)
        )
        self._observers = Observers()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        """Clients by tenant, the one used last at the end."""
        self._asking: dict[str, asyncio.Task[_Entry]] = {}
        self._pipelines: WeakSet[Pipeline] = WeakSet()
        """Pipelines of all clients that live, forgotten ones included."""
        self._sweep: asyncio.TimerHandle | None = None

    async def client(self, tenant: str) -> TenantClient:
        """Return the client of a tenant.

        Raises:
            UnknownTenantError: `key_of` returned None.
            APIKeyError: `key_of` failed, or what it returned cannot be a key.
            ClosedError: the pool is closed.
        """
        if self._session.closed:
            raise ClosedError("this LemlistPool is closed; make a new one")
        entry = self._entries.get(tenant)
        if entry is not None and not (entry.refusals.seen and steady() - entry.asked >= RECHECK):
            self._entries.move_to_end(tenant)
            return entry.client
        task = self._asking.get(tenant)
        if task is None:
            task = self._asking[tenant] = asyncio.create_task(self._ask(tenant, entry))
            task.add_done_callback(lambda done: self._asked(tenant, done))
        # shielded: the one who asked first may give up, and others wait for the same answer
        return (await asyncio.shield(task)).client

    def forget(self, tenant: str) -> None:
        """Ask for the key again at the next use of a tenant, such as after it was replaced."""
        self._entries.pop(tenant, None)
        # an answer that is under way may still be the old key
        self._asking.pop(tenant, None)

    def on(self, event: type[E], observer: Callable[[E], object]) -> Callable[[], None]:
        """Observe the calls of all clients: see `Lemlist.on`."""
        return self._observers.on(event, observer)

    @property
    def throttles(self) -> list[Throttle]:
        """The throttles of all keys in use."""
        return [pipeline.throttle for pipeline in list(self._pipelines)]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<LemlistPool {self._base} clients: {len(self)} of at most {self._size}>"

    async def aclose(self) -> None:
        """Close all clients and the connections; calls that wait end with ClosedError. May be called twice."""
        self._session.shut()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for pipeline in list(self._pipelines):
            await pipeline.aclose()
        self._entries.clear()
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, tenant: str, known: _Entry | None) -> _Entry:
        """Get the key of a tenant, and make its client unless `known` has the same key."""
        key = await self._key(tenant)
        if known is not None and known.client.key_fingerprint == key.fingerprint:
            # the breaker of the key goes on: it has been refused, and lemlist is asked again one call at a time
            known.refusals.seen, known.asked = False, steady()
            return known
        refusals = _Refusals()
        limits = throttle_for(key.fingerprint, self._base.host, self._limits)
        pipeline = Pipeline(
            SharedSession(self._session), limits, key, self._base, self._options, self._observers
        )
        pipeline.auth_circuit.on_refusal = refusals.note
        self._pipelines.add(pipeline)
        return _Entry(TenantClient.of(pipeline, self._base, self._options), refusals, steady())

    async def _key(self, tenant: str) -> ApiKey:
        refused: LemlistError
        cause: Exception | None = None
        try:
            found = await self._key_of(tenant)
            if found is not None:
                return found if isinstance(found, ApiKey) else ApiKey(found)
            refused = UnknownTenantError("there is no key for this tenant")
        except APIKeyError as error:
            refused = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001  # code of the user, which may raise anything
            refused, cause = APIKeyError(f"key_of failed: {type(error).__name__}"), error
        finally:
            found = None
        # raised from here, so that no frame of its traceback holds the key
        raise refused from cause

    def _asked(self, tenant: str, task: asyncio.Task[_Entry]) -> None:
        """Remember the answer, unless the tenant was forgotten meanwhile."""
        if self._asking.get(tenant) is not task:
            if not task.cancelled():
                task.exception()  # retrieved, also if every waiter has given up
            return
        del self._asking[tenant]
        if task.cancelled() or task.exception() is not None:
            self._entries.pop(tenant, None)
            return
        self._entries[tenant] = task.result()
        self._entries.move_to_end(tenant)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)
        if self._sweep is None and not self._session.closed:
            self._sweep = asyncio.get_running_loop().call_later(REST, self._let_rest)

    def _let_rest(self) -> None:
        """Close the ledgers' files of keys at rest, as long as there are keys."""
        for throttle in self.throttles:
            throttle.rest()
        self._sweep = None
        if self._pipelines and not self._session.closed:
            self._sweep = asyncio.get_running_loop().call_later(REST, self._let_rest)
