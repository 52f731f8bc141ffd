"""The sandbox as users see it: options in, an address and its state out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import attrs

from lemlist_async.sandbox.admin import Admin
from lemlist_async.sandbox.admission import AdmissionControl
from lemlist_async.sandbox.counters import Counters, KeyState, LoggedRequest, UnhandledError
from lemlist_async.sandbox.deliveries import Delivery
from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.lifecycle.engine import Engine
from lemlist_async.sandbox.limits import make_policy
from lemlist_async.sandbox.loop_thread import LoopThread
from lemlist_async.sandbox.options import SandboxOptions
from lemlist_async.sandbox.router import Router
from lemlist_async.sandbox.routes import all_routes
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record
from lemlist_async.sandbox.timer import Timer
from lemlist_async.sandbox.world import Behaviour, World

if TYPE_CHECKING:
    from lemlist_async.sandbox.outbox import Outbox
    from lemlist_async.sandbox.server import (
        Server,  # aiohttp.web is heavy, so it waits until a sandbox starts
    )

__all__ = ["Sandbox", "serve"]

T = TypeVar("T")
LOG_LENGTH: Final = 10_000
LAST_MOMENT: Final = 253_370_000_000.0


@attrs.define(kw_only=True, eq=False)
class Sandbox(SandboxOptions):
    """A lemlist on this machine, for the duration of its ``async with`` block, or of a ``with`` block in a thread.

    Each key has a team and a rate limit of its own. Its options are those of `SandboxOptions`.
    """

    requests: deque[LoggedRequest] = attrs.field(init=False, repr=False)
    """The last 10,000 requests, oldest first."""
    faults: FaultInjector = attrs.field(init=False, repr=False)
    counters: Counters = attrs.field(init=False)
    deliveries: deque[Delivery] = attrs.field(init=False, repr=False)
    """The last 10,000 deliveries to hooks, oldest first."""
    errors: deque[UnhandledError] = attrs.field(init=False, repr=False)
    """The last errors of the sandbox itself, oldest first: each is a fault of ours, and ended in a 500."""
    _engine: Engine = attrs.field(init=False, repr=False)
    _thread: LoopThread | None = attrs.field(default=None, init=False, repr=False)
    _timer: Timer = attrs.field(init=False, repr=False)
    _outbox: Outbox | None = attrs.field(default=None, init=False, repr=False)
    _key_states: dict[str, KeyState] = attrs.field(init=False, repr=False)
    _router: Router = attrs.field(init=False, repr=False)
    _server: Server | None = attrs.field(default=None, init=False, repr=False)
    _port: int = attrs.field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._engine = Engine(
            self.wall_clock,
            self.lifecycle,
            self.recipients,
            self._random("recipients"),
            retries=self.hook_retries,
            delete_gone=self.delete_gone_hooks,
        )
        self.errors = deque(maxlen=LOG_LENGTH)
        self._timer = Timer(
            self._engine.agenda, lambda error: self.errors.append(UnhandledError.of("", "", error))
        )
        self.deliveries = self._engine.courier.log
        self._key_states = {
            key: self._new_key_state(index, key) for index, key in enumerate((*self.keys, *self.blocked_keys))
        }
        self._router = Router(all_routes())
        self.requests = deque(maxlen=LOG_LENGTH)
        self.faults = FaultInjector(self._router.operations, self._random("faults"))
        self.counters = Counters(self._key_states)

    @property
    def key(self) -> str:
        """The first key."""
        return self.keys[0]

    @property
    def url(self) -> str:
        """The base address for a client, ``http://host:port/api``; RuntimeError before the start."""
        if not self._port:
            raise RuntimeError("the sandbox has no address before it starts: use `async with`")
        return f"http://{self.host}:{self._port}/api"

    def team(self, key: str | None = None) -> Team:
        """The state behind a key, the first one if none is named; KeyError for an unknown one."""
        return self._key_states[self.key if key is None else key].team

    @property
    def now(self) -> float:
        """Present time of the sandbox's clock, in epoch seconds."""
        return self._engine.clock()

    def happen(self, kind: str, lead: Record | None = None, /, **fields: Any) -> Record:
        """Let an event happen to a lead, or to the first key's team, and return it.

        It moves the state and status of the lead, is written to the history and the conversation, counts in the
        statistics, applies the stop rules, and is posted to the hooks. `fields` are added to it. ValueError for a type
        that lemlist does not have, or a lead that no team has.
        """
        team = self.team() if lead is None else self._team_of(lead)
        return self._ordered(lambda: self._engine.happening.happen(team, kind, lead, **fields))

    def advance(self, *, days: float = 0.0, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Advance the sandbox's clock. What is due on the way happens at its own time: steps, reactions, retries.

        ValueError for a negative time. Deliveries to hooks are under way afterwards: `settle` waits for them.
        """
        total = days * 86400 + hours * 3600 + seconds
        if not 0 <= total <= LAST_MOMENT - self.now:
            raise ValueError("the clock goes forward, and not past the year 9999")
        self._ordered(lambda: self._engine.agenda.advance(total))

    async def settle(self) -> None:
        """Wait until no delivery to a hook is under way. A retry that waits for its time is not."""
        if self._outbox is not None:
            await self._outbox.settle()

    def teams(self) -> list[Team]:
        """Return the teams of all keys."""
        return [key_state.team for key_state in self._key_states.values()]

    def reset(self) -> None:
        """Return to the state of the start: teams, clock, limit, faults and logs. The options stay as they are."""
        self._ordered(self._reset)

    def _reset(self) -> None:
        self._engine.reset(self._random("recipients"))
        for index, (key, key_state) in enumerate(self._key_states.items()):
            Team.__init__(key_state.team, random=self._random(f"team {index}"), wall_clock=self._engine.clock)
            self._engine.join(key_state.team)
            key_state.tally = self._new_key_state(index, key).tally
        self.faults.clear()
        self.set_limit()
        for log in (self.requests, self.deliveries, self.errors):
            log.clear()

    def set_limit(self, **options: Any) -> None:
        """Set `limit`, `window` or `policy`, and give each key a whole quota. ValueError for a wrong one."""
        limit = options.get("limit", self.limit)
        window, policy = options.get("window", self.window), options.get("policy", self.policy)
        # checked without a limit too, since it may come back
        limiters = [make_policy(policy, 1 if limit is None else limit, window) for _ in self._key_states]
        self._change(limit=limit, window=window, policy=policy)
        for key_state, limiter in zip(self._key_states.values(), limiters, strict=True):
            key_state.limiter = None if limit is None else limiter

    def _ordered(self, order: Callable[[], T]) -> T:
        """Follow an order in the loop of the sandbox. From another thread, wait until the hooks were called too."""
        if self._thread is None or not self._thread.elsewhere:
            return order()
        result = self._thread.call(order)
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

    def _team_of(self, lead: Record) -> Team:
        for key_state in self._key_states.values():
            if key_state.team.leads.get(lead.get("_id", "")) is lead:
                return key_state.team
        raise ValueError("the lead is of no team of this sandbox")

    async def __aenter__(self) -> Self:
        from lemlist_async.sandbox.outbox import Outbox
        from lemlist_async.sandbox.server import Server

        outbox = Outbox(self.allow_hosts)
        behaviour = Behaviour(
            list_shape=self.list_shape,
            duplicate_status=self.duplicate_status,
            polls=self.polls,
            public_url=lambda: self.url,
            post=lambda url, body: outbox.post_later(url, self.webhook_delay, body),
        )
        server = Server(
            world=World(behaviour, [key_state.team for key_state in self._key_states.values()], self._engine),
            admission_control=AdmissionControl(self._router, self._key_states, self.wall_clock),
            faults=self.faults,
            outbox=outbox,
            seen=self.requests,
            errors=self.errors,
            admin=Admin(self),
            clock=self.clock,
            latency=self.latency,
            random=self._random("latency"),
        )
        self._port = await server.start(self.host, self.port)
        self._server, self._outbox = server, outbox
        self._engine.courier.open(outbox.post)
        self._timer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._timer.stop()
            self._engine.courier.close()
            await self._server.stop()
            self._server, self._outbox, self._port = None, None, 0

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - play that has to repeat, no secrets

    def _new_key_state(self, index: int, key: str) -> KeyState:
        team = Team(random=self._random(f"team {index}"), wall_clock=self._engine.clock)
        self._engine.join(team)
        limiter = None if self.limit is None else make_policy(self.policy, self.limit, self.window)
        return KeyState(team, limiter, blocked=key in self.blocked_keys)


async def serve(*, ready: Callable[[Sandbox], None] | None = None, **options: Any) -> None:
    """Run a ``Sandbox`` with the given options until cancelled; ``ready`` is called once it listens."""
    async with Sandbox(**options) as sandbox:
        if ready is not None:
            ready(sandbox)
        await asyncio.Event().wait()
