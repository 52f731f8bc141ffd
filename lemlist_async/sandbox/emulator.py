"""The sandbox as users see it: options in, an address and its state out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import attrs

from lemlist_async.sandbox.admin import Admin
from lemlist_async.sandbox.admission import API, AdmissionControl
from lemlist_async.sandbox.counters import UnhandledError
from lemlist_async.sandbox.loop_thread import LoopThread
from lemlist_async.sandbox.orders import OrderTaker
from lemlist_async.sandbox.timer import Timer
from lemlist_async.sandbox.world import Behaviour, World

if TYPE_CHECKING:  # aiohttp is heavy, so it waits until a sandbox starts
    from lemlist_async.sandbox.outbox import Outbox
    from lemlist_async.sandbox.site import Site

__all__ = ["Sandbox", "serve"]

T = TypeVar("T")
_ANY_ADDRESS: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared only


@attrs.define(kw_only=True, eq=False)
class Sandbox(OrderTaker):
    """A lemlist on this machine, for the duration of its ``async with`` block, or of a ``with`` block in a thread.

    Each key has a team and a rate limit of its own. Its options are those of `SandboxOptions`.
    """

    _timer: Timer = attrs.field(init=False, repr=False)
    _thread: LoopThread | None = attrs.field(default=None, init=False, repr=False)
    _outbox: Outbox | None = attrs.field(default=None, init=False, repr=False)
    _site: Site | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._timer = Timer(
            self._engine.agenda, lambda error: self.errors.append(UnhandledError.of("", "", error))
        )

    @property
    def url(self) -> str:
        """The base address for a client, ``http://host:port/api``; RuntimeError before the start."""
        return f"{'https' if self.tls else 'http'}://{self._address(self._running.port)}{API}"

    @property
    def proxy_url(self) -> str:
        """The address of the proxy; RuntimeError before the start or without one."""
        port = self._running.proxy_port
        if port is None:
            raise RuntimeError("the sandbox has no proxy: it was built without proxy_port")
        return f"http://{self._address(port)}"

    async def settle(self) -> None:
        """Wait until no delivery to a hook is under way. A retry that waits for its time is not."""
        if self._outbox is None:
            return
        if self._thread is not None and self._thread.elsewhere:
            await asyncio.wrap_future(self._thread.begin(self._outbox.settle()))
        else:
            await self._outbox.settle()

    def _ordered(self, order: Callable[[], T]) -> T:
        """Follow an order in the loop of the sandbox.

        From another thread, wait until the hooks were called too, unless that thread has a loop which may be the one
        that answers them.
        """
        if self._thread is None or not self._thread.elsewhere:
            return order()
        result = self._thread.call(order)
        if not _in_a_loop():
            self._thread.run(self.settle())
        return result

    def __enter__(self) -> Self:
        self._thread = LoopThread()
        try:
            return self._thread.run(self.__aenter__())
        except BaseException:
            self._thread.close()
            self._thread = None
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.run(self.__aexit__(kind, error, trace))
            self._thread.close()
            self._thread = None

    async def __aenter__(self) -> Self:
        from lemlist_async.sandbox.outbox import Outbox
        from lemlist_async.sandbox.server import Server
        from lemlist_async.sandbox.site import Site

        outbox = Outbox(self.allow_hosts)
        behaviour = Behaviour(
            list_shape=self.list_shape,
            duplicate_status=self.duplicate_status,
            polls=self.polls,
            post=lambda url, body: outbox.post_later(url, self.webhook_delay, body),
        )
        server = Server(
            world=World(behaviour, self.teams(), self._engine),
            admission_control=AdmissionControl(self._router, self._accounts.by_key, self.wall_clock),
            faults=self.faults,
            outbox=outbox,
            seen=self.requests,
            errors=self.errors,
            document=self._document,
            violations=self.violations,
            admin=Admin(self),
            clock=self.clock,
            latency=self.latency,
            random=self._random("latency"),
        )
        site = Site(server)
        await site.open(self)
        self._site, self._outbox = site, outbox
        self._engine.courier.open(outbox.post)
        self._timer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._site is not None:
            self._timer.stop()
            self._engine.courier.close()
            await self._site.close()
            self._site, self._outbox = None, None

    @property
    def _running(self) -> Site:
        if self._site is None:
            raise RuntimeError("the sandbox has no address before it starts: use `async with`")
        return self._site

    def _address(self, port: int) -> str:
        host = "127.0.0.1" if self.host in _ANY_ADDRESS else self.host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def serve(*, ready: Callable[[Sandbox], None] | None = None, **options: Any) -> None:
    """Run a ``Sandbox`` with the given options until cancelled; ``ready`` is called once it listens."""
    async with Sandbox(**options) as sandbox:
        if ready is not None:
            ready(sandbox)
        await asyncio.Event().wait()
