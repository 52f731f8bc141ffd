"""Orders to a sandbox: its teams, its clock, its faults and its limit, apart from any port."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import attrs

from lemlist_async.core.json import loads
from lemlist_async.sandbox.accounts import Accounts
from lemlist_async.sandbox.counters import Counters, UnhandledError
from lemlist_async.sandbox.deliveries import Delivery
from lemlist_async.sandbox.document import Document, Violation
from lemlist_async.sandbox.expecting import Expectation
from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.lifecycle.engine import Engine
from lemlist_async.sandbox.limits import make_policy
from lemlist_async.sandbox.options import SandboxOptions
from lemlist_async.sandbox.request_log import LOG_LENGTH, RequestLog
from lemlist_async.sandbox.router import Router
from lemlist_async.sandbox.routes import all_routes
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["OrderTaker"]

T = TypeVar("T")
LAST_MOMENT: Final = 253_370_000_000.0


@attrs.define(kw_only=True, eq=False)
class OrderTaker(SandboxOptions):
    """The state of a sandbox, and the orders that change it."""

    requests: RequestLog = attrs.field(factory=RequestLog, init=False, repr=False)
    """The last 10,000 requests, oldest first."""
    faults: FaultInjector = attrs.field(init=False, repr=False)
    counters: Counters = attrs.field(init=False)
    deliveries: deque[Delivery] = attrs.field(init=False, repr=False)
    """The last 10,000 deliveries to hooks, oldest first."""
    errors: deque[UnhandledError] = attrs.field(init=False, repr=False)
    """The last errors of the sandbox itself, oldest first: each is a fault of ours, and ended in a 500."""
    violations: deque[Violation] = attrs.field(init=False, repr=False)
    """The last requests that differ from the vendor's `document`, oldest first."""
    _engine: Engine = attrs.field(init=False, repr=False)
    _accounts: Accounts = attrs.field(init=False, repr=False)
    _router: Router = attrs.field(init=False, repr=False)
    _document: Document | None = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.errors, self.violations = deque(maxlen=LOG_LENGTH), deque(maxlen=LOG_LENGTH)
        self._document = None if self.document is None else Document(self.document)
        self._engine = Engine(
            self.wall_clock,
            self.lifecycle,
            self.recipients,
            self._random("recipients"),
            retries=self.hook_retries,
            delete_gone=self.delete_gone_hooks,
        )
        self._engine.clock.set_speed(self.speed)
        self.deliveries = self._engine.courier.log
        self._accounts = Accounts(self, self._engine, self._random)
        self._router = Router(all_routes())
        self.faults = FaultInjector(self._router.operations, self._random("faults"))
        self.counters = Counters(self._accounts.by_key)
        self._sow()

    @property
    def key(self) -> str:
        """The first key."""
        return self.keys[0]

    @property
    def now(self) -> float:
        """Present time of the sandbox's clock, in epoch seconds."""
        return self._engine.clock()

    def team(self, key: str | None = None) -> Team:
        """The state behind a key, the first one if none is named; KeyError for an unknown one."""
        return self._accounts.by_key[self.key if key is None else key].team

    def teams(self) -> list[Team]:
        """Return the teams of all keys."""
        return self._accounts.teams()

    def expect(
        self,
        match: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> Expectation:
        """Expect requests of an operation: ``sandbox.expect("POST /campaigns", body={"name": "Spring"}).once()``.

        ``match`` is verb and path template, or verb and path; ValueError for one that the sandbox does not have. An
        object fits that has at least the given fields, as the body and as the query.
        """
        return Expectation.among(self.requests, self._router, match, body=body, query=query, status=status)

    def happen(self, kind: str, lead: Record | None = None, /, **fields: Any) -> Record:
        """Let an event happen to a lead, or to the first key's team, and return it.

        It moves the state and status of the lead, is written to the history and the conversation, counts in the
        statistics, applies the stop rules, and is posted to the hooks. `fields` are added to it. ValueError for a type
        that lemlist does not have, or a lead that no team has.
        """
        team = self.team() if lead is None else self._accounts.team_of(lead)
        return self._ordered(lambda: self._engine.happening.happen(team, kind, lead, **fields))

    def advance(self, *, days: float = 0.0, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Advance the sandbox's clock. What is due on the way happens at its own time: steps, reactions, retries.

        ValueError for a negative time. Deliveries to hooks are under way afterwards: `settle` waits for them.
        """
        total = days * 86400 + hours * 3600 + seconds
        if not 0 <= total <= LAST_MOMENT - self.now:
            raise ValueError("the clock goes forward, and not past the year 9999")
        self._ordered(lambda: self._engine.agenda.advance(total))

    def set_speed(self, speed: float) -> None:
        """Let the sandbox's clock pass so many seconds per second from now on. ValueError for less than 0."""
        self._ordered(lambda: self._set_speed(speed))

    def _set_speed(self, speed: float) -> None:
        self._change(speed=speed)
        self._engine.clock.set_speed(speed)
        self._engine.agenda.changed()

    def reset(self) -> None:
        """Return to the state of the start: teams, clock, limit, faults and logs. The options stay as they are."""
        self._ordered(self._reset)

    def _reset(self) -> None:
        self._accounts.reset()
        self.faults.clear()
        for log in (self.requests, self.deliveries, self.errors, self.violations):
            log.clear()
        self._sow()

    def _sow(self) -> None:
        if self.seed_file is not None:
            self._accounts.restore(loads(Path(self.seed_file).read_bytes()))

    def snapshot(self) -> Record:
        """Return the state of all teams and the time, as JSON: what `restore` and the option `seed_file` take.

        It holds the secrets of hooks, and no key. Logs, faults and deliveries under way are no part of it.
        """
        return self._ordered(self._accounts.snapshot)

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take the state of a snapshot. ValueError for a wrong one, and then nothing has changed.

        Teams beyond those of the snapshot stay as they are. What a record lacks gets lemlist's defaults.
        """
        self._ordered(lambda: self._accounts.restore(snapshot))

    def set_limit(self, **options: Any) -> None:
        """Set `limit`, `window` or `policy`, and give each key a whole quota. ValueError for a wrong one."""
        given = {name: options.get(name, getattr(self, name)) for name in ("limit", "window", "policy")}
        # checked without a limit too, since it may come back
        make_policy(given["policy"], 1 if given["limit"] is None else given["limit"], given["window"])
        self._change(**given)
        self._accounts.set_limiters()

    def _ordered(self, order: Callable[[], T]) -> T:
        """Follow an order where the sandbox runs."""
        return order()

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - play that has to repeat, no secrets
