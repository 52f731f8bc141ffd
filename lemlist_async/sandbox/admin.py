"""The admin face: orders to the sandbox over HTTP, for programs in any language."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, cast

import attrs

from lemlist_async.core.json import loads
from lemlist_async.sandbox.counters import LoggedRequest, UnhandledError
from lemlist_async.sandbox.deliveries import Delivery
from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.fault_orders import is_number, ordered_fault
from lemlist_async.sandbox.responses import RouteResponse, respond
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = ["PREFIX", "Admin"]

PREFIX: Final = "/_sandbox"


def _wrong(reason: str) -> ValueError:
    return ValueError(reason)


class Orderable(Protocol):
    """The sandbox as far as orders go."""

    faults: FaultInjector
    limit: int | None
    window: float
    policy: str
    requests: deque[LoggedRequest]
    deliveries: deque[Delivery]
    errors: deque[UnhandledError]

    @property
    def now(self) -> float:
        """Present time of its clock."""
        ...

    def happen(self, kind: str, lead: Record | None = None, /, **fields: Any) -> Record:
        """Let an event happen."""
        ...

    def advance(self, *, days: float = 0.0, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Advance the clock."""
        ...

    def teams(self) -> list[Team]:
        """Return the teams of all keys."""
        ...

    def set_limit(self, **options: Any) -> None:
        """Set the limit."""
        ...

    def reset(self) -> None:
        """Return to the state of the start."""
        ...


@attrs.define(eq=False)
class Admin:
    """Answer orders under ``/_sandbox``. They need no key, and count against no limit."""

    sandbox: Orderable

    def answer(self, method: str, path: str, body: bytes) -> RouteResponse:
        """Follow an order: 400 with the reason for a wrong one, 404 for an unknown path, 405 for another verb."""
        verbs = _ORDERS.get(path.partition("?")[0].removeprefix(PREFIX).rstrip("/"))
        if verbs is None:
            return respond({"error": "the sandbox has no such order", "orders": sorted(_ORDERS)}, 404)
        order = verbs.get(method)
        if order is None:
            return respond({"error": f"the order takes {', '.join(verbs)}"}, 405)
        try:
            given: object = loads(body) if body else {}
            if not isinstance(given, dict):
                raise _wrong("an order is a JSON object")
            return respond(order(self.sandbox, cast("Record", given)))
        except (ValueError, TypeError, OverflowError) as error:
            return respond({"error": str(error)}, 400)


def _happen(sandbox: Orderable, given: Record) -> Record:
    """Let an event happen: its type, the lead's id or address, and the fields that it gets."""
    kind, who, fields = given.pop("type", None), given.pop("lead", None), given.pop("fields", {})
    if not isinstance(kind, str) or not isinstance(fields, dict) or given:
        raise _wrong("an event has a type, and perhaps a lead and an object of fields")
    return sandbox.happen(kind, None if who is None else _lead(sandbox, who), **fields)


def _lead(sandbox: Orderable, who: object) -> Record:
    for team in sandbox.teams():
        leads = team.leads_by_email(str(who)) if "@" in str(who) else []
        found = team.leads.get(str(who)) or next(iter(leads), None)
        if found is not None:
            return found
    raise _wrong(f"no team has the lead {who!r}")


def _clock(sandbox: Orderable, given: Record) -> Record:
    """Advance the clock by days, hours and seconds; without them only tell it."""
    if given.keys() - {"days", "hours", "seconds"} or not all(map(is_number, given.values())):
        raise _wrong("the clock takes numbers of days, hours and seconds")
    sandbox.advance(**given)
    return {"now": iso(sandbox.now)}


def _add_fault(sandbox: Orderable, given: Record) -> Record:
    fault, rule = ordered_fault(given)
    sandbox.faults.add(fault, **rule)
    return {"pending": sandbox.faults.pending}


def _clear_faults(sandbox: Orderable, given: Record) -> Record:
    sandbox.faults.clear()
    return {"pending": sandbox.faults.pending}


def _limit(sandbox: Orderable, given: Record) -> Record:
    """Set the limit, the window or the policy. Each key begins with a whole quota."""
    limit = given.get("limit")
    if given.keys() - {"limit", "window", "policy"} or not (limit is None or isinstance(limit, int)):
        raise _wrong("the limit has a whole limit or null, a window in seconds, and a policy")
    sandbox.set_limit(**given)
    return {"limit": sandbox.limit, "window": sandbox.window, "policy": sandbox.policy}


def _reset(sandbox: Orderable, given: Record) -> Record:
    sandbox.reset()
    return {"now": iso(sandbox.now)}


def _requests(sandbox: Orderable, given: Record) -> list[Record]:
    return [attrs.asdict(row) for row in sandbox.requests]


def _deliveries(sandbox: Orderable, given: Record) -> list[Record]:
    return [
        {**attrs.asdict(row), "body": {name: value for name, value in row.body.items() if name != "secret"}}
        for row in sandbox.deliveries
    ]


def _errors(sandbox: Orderable, given: Record) -> list[Record]:
    return [attrs.asdict(row) for row in sandbox.errors]


Order: TypeAlias = Callable[[Orderable, Record], object]
_ORDERS: Final[dict[str, dict[str, Order]]] = {
    "/events": {"POST": _happen},
    "/clock": {"GET": _clock, "POST": _clock},
    "/faults": {"POST": _add_fault, "DELETE": _clear_faults},
    "/limit": {"POST": _limit},
    "/reset": {"POST": _reset},
    "/requests": {"GET": _requests},
    "/deliveries": {"GET": _deliveries},
    "/errors": {"GET": _errors},
}
