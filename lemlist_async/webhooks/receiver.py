"""Receiver of webhooks: accepts posts, keeps them on the disk, and has them handled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, Unpack, overload
from urllib.parse import parse_qs

from lemlist_async.errors import ConfigurationError, InvalidInputError
from lemlist_async.resources.enrichments import POSTED
from lemlist_async.resources.webhooks import EventType, HookOptions, Webhook
from lemlist_async.webhooks.disk import Disk
from lemlist_async.webhooks.errors import SecretMismatchError, StoreError
from lemlist_async.webhooks.events import EnrichmentEvent, Event, holds_results
from lemlist_async.webhooks.handlers import Handlers
from lemlist_async.webhooks.options import ReceiverOptions
from lemlist_async.webhooks.parsing import Secrets, delivery_of
from lemlist_async.webhooks.store import Store, Stored
from lemlist_async.webhooks.sweep import OVERLAP, Sweep
from lemlist_async.webhooks.upkeep import keep_up
from lemlist_async.webhooks.worker import Worker

if TYPE_CHECKING:
    from aiohttp import web

    from lemlist_async.client import Lemlist
    from lemlist_async.webhooks.asgi import ASGIReceiver

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[..., Awaitable[object]])

_TOKEN = "results"  # noqa: S105  # the name of a parameter


class TakesResults(Protocol):
    """Run of a bulk job that takes posted results, as `lemlist.bulk.run` gives."""

    def receive(self, body: bytes | str | Mapping[str, Any]) -> int:
        """Take a body."""
        ...


class WebhookReceiver:
    """Receives what lemlist posts: writes it to a file, answers, and then calls the handlers.

    A post is answered with 200 once its event is on the disk. The same event is handled once, however often lemlist
    posts it. Several processes of a host may share the file; all of them register the same handlers. The file is
    readable for its owner only, and must not lie on a network file system.

    Use it as an ASGI application (`asgi`), as a route of aiohttp.web (`add_to`), or hand bodies to `receive`. It is
    open inside `async with`, in the lifespan of `asgi` if that is the whole application, or as long as the aiohttp
    application is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        secret: str | Iterable[str] | None,
        options: ReceiverOptions | None = None,
    ) -> None:
        """Make a receiver with a file for its events.

        `secret` is that of the hooks, or a list of two while they are exchanged, the new one first. None accepts any
        body: the address has to be secret itself then.

        Raises:
            ConfigurationError: the secret is empty.
        """
        self.options: ReceiverOptions = options or ReceiverOptions()
        self._path = Path(path)
        self._secrets = Secrets(secret)
        self._handlers = Handlers()
        self._disk: Disk | None = None
        self._worker: Worker | None = None
        self._opened = 0
        self._changing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    # Handlers -----------------------------------------------------------------------------------------------

    @overload
    def on(
        self, kind: type[E], /
    ) -> Callable[[Callable[[E], Awaitable[object]]], Callable[[E], Awaitable[object]]]: ...
    @overload
    def on(self, *types: EventType | str) -> Callable[[H], H]: ...
    def on(self, *wanted: Any) -> Callable[[Any], Any]:
        """Register the async function below as a handler: of types by name, of a model, or of all events.

        It gets the event, and is called again after a pause if it raises or is killed. So it must bear to be called
        twice for one event. Several handlers of an event are called one after the other; those that have succeeded
        are not called again.

        Raises:
            ConfigurationError: it is not an async function.
        """

        def register(handler: Any) -> Any:
            self._handlers.add(wanted, handler)
            self._wake()
            return handler

        return register

    def feed(self, run: TakesResults) -> Callable[[], None]:
        """Give posted results of enrichments to the run of a job; return a function that ends it.

        The run asks lemlist for results that another process received.
        """

        async def give(event: EnrichmentEvent) -> None:
            with contextlib.suppress(InvalidInputError):  # no results in it, or a job without any
                run.receive(event.to_dict())

        remove = self._handlers.add((EnrichmentEvent,), give)
        self._wake()
        return remove

    # Opening and closing ------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the file, and begin to handle events. Each call needs a `close`.

        Raises:
            StoreError: the file cannot be opened.
        """
        async with self._changing:
            if not self._opened:
                await self._open()
            self._opened += 1

    async def _open(self) -> None:
        disk = Disk(Store(self._path), most=self.options.max_waiting, on_added=self._wake)
        await disk.open()
        self._disk = disk
        self._worker = Worker(disk, self._handlers, self.options)
        self._worker.start()
        self._begin(keep_up(disk, self.options))

    async def close(self) -> None:
        """Answer what was accepted, let handlers finish, and close the file."""
        async with self._changing:
            self._opened = max(0, self._opened - 1)
            if not self._opened:
                await self._close()

    async def _close(self) -> None:
        disk, worker = self._disk, self._worker
        if disk is None or worker is None:
            return
        self._disk = self._worker = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        try:
            await worker.stop()
        finally:
            await disk.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def _open_disk(self) -> Disk:
        if self._disk is None:
            raise StoreError(
                "the receiver is not open: use it in `async with`, or in the lifespan of the application"
            )
        return self._disk

    # Receiving ----------------------------------------------------------------------------------------------

    @property
    def asgi(self) -> ASGIReceiver:
        """ASGI application, to be mounted or run by itself."""
        from lemlist_async.webhooks.asgi import ASGIReceiver

        return ASGIReceiver(self)

    def add_to(self, app: web.Application, path: str) -> None:
        """Serve a path of an aiohttp.web application, and be open as long as it is."""
        from lemlist_async.webhooks.aiohttp_web import add_route

        add_route(app, path, self)

    async def receive(self, body: bytes, *, query: str = "") -> None:
        """Take a posted body; its event is on the disk when this returns. Answer 200 then, else the error's status.

        `query` is the query of the address that it was posted to: see `results_url`.

        Raises:
            BodyTooLargeError: answer 413.
            MalformedBodyError: answer 400.
            SecretMismatchError: answer 401.
            StoreError: answer 503; the event is not on the disk.
        """
        ours = self._is_ours(query)
        disk = self._open_disk()
        accepted = delivery_of(body, Secrets(None) if ours else self._secrets, self.limit(query))
        if ours and not holds_results(accepted.data):
            raise SecretMismatchError("an address for results takes nothing else without the hook's secret")
        await disk.add(accepted)

    def limit(self, query: str) -> int:
        """Return the bytes that a body may have which is posted with a query."""
        return max(self.options.max_body, POSTED) if self._is_ours(query) else self.options.max_body

    def results_url(self, address: str) -> str:
        """Return an address of this receiver for the `webhook_url` of an enrichment.

        lemlist posts those results without a secret. A parameter that is derived from the secret stands for it; it
        opens the address for results alone.
        """
        if self._secrets.open:
            return address
        place, mark, fragment = address.partition("#")
        return f"{place}{'&' if '?' in place else '?'}{_TOKEN}={self._secrets.token()}{mark}{fragment}"

    def _is_ours(self, query: str) -> bool:
        if not query or self._secrets.open:
            return False
        return any(self._secrets.admits_token(given) for given in parse_qs(query).get(_TOKEN, ()))

    # lemlist ------------------------------------------------------------------------------------------------

    async def ensure(
        self,
        lemlist: Lemlist,
        address: str,
        types: Iterable[EventType | str] | None = None,
        **filters: Unpack[HookOptions],
    ) -> list[Webhook]:
        """Have lemlist post to an address of this receiver, with its secret; see `webhooks.ensure`.

        May be called at each start, and by several processes at once. A hook that is there is kept with its own
        secret: after an exchange of secrets delete it first.
        """
        if self._secrets.newest is not None:
            filters.setdefault("secret", str.__str__(self._secrets.newest))
        return await lemlist.webhooks.ensure(address, types, **filters)

    async def sweep(
        self,
        lemlist: Lemlist,
        *,
        since: datetime | None = None,
        overlap: timedelta = OVERLAP,
        campaigns: Collection[str] | None = None,
    ) -> int:
        """Take activities since the last sweep that handlers want; return how many were not here before.

        Some events have no hook (a meeting, an answer out of office), and posts are lost when this service is away for
        longer than lemlist repeats them. Those that came by post are not handled again. The first sweep begins at
        `since`, by default when the file was made. `campaigns` leaves out those of other campaigns. Asks for the
        handlers' types one by one if they are at most four, else for all activities, in the bulk lane.

        Raises:
            StoreError: the file cannot be written.
            LemlistError: lemlist cannot be asked. The next sweep begins where this one ended.
        """
        sweep = Sweep(self._open_disk(), self._handlers)
        return await sweep.run(lemlist, since=since, overlap=overlap, campaigns=campaigns)

    def sweep_every(
        self, seconds: float, lemlist: Lemlist, *, campaigns: Collection[str] | None = None
    ) -> None:
        """Sweep again and again while the receiver is open, in one of the processes that share the file.

        Raises:
            ConfigurationError: less than a second.
            StoreError: the receiver is not open.
        """
        if not seconds >= 1:
            raise ConfigurationError("sweeps are at least a second apart")
        sweep = Sweep(self._open_disk(), self._handlers)
        self._begin(sweep.repeat(seconds, lemlist, campaigns))

    # The file -----------------------------------------------------------------------------------------------

    async def counts(self) -> dict[str, int]:
        """Return the number of events that are ``waiting``, ``done`` and ``dead``."""
        disk = self._open_disk()
        return await disk.run(disk.store.counts)

    async def dead_letters(self, most: int = 100) -> list[Stored]:
        """Return events whose handler failed at every attempt, the oldest first."""
        disk = self._open_disk()
        return await disk.run(disk.store.stored, "dead", most)

    async def requeue(self, numbers: Sequence[int] | None = None) -> int:
        """Have dead letters handled again, by their numbers or all of them; return how many. Erased ones stay."""
        disk = self._open_disk()
        found = await disk.run(disk.store.requeue, numbers, time.time())
        self._wake()
        return found
