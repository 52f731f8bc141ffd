"""The admin face: orders to the sandbox over HTTP, for programs in any language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast
from urllib.parse import parse_qsl

import attrs

from lemlist_async.core.json import loads
from lemlist_async.sandbox import admin_orders as orders
from lemlist_async.sandbox import admin_views as views
from lemlist_async.sandbox import overview
from lemlist_async.sandbox.orders import OrderTaker
from lemlist_async.sandbox.responses import RouteResponse, respond
from lemlist_async.sandbox.tables import Record

__all__ = ["ORDERS", "PREFIX", "Admin"]

PREFIX: Final = "/_sandbox"
Order: TypeAlias = Callable[[OrderTaker, Record], object]
ORDERS: Final[dict[str, dict[str, Order]]] = {
    "/events": {"POST": orders.happen},
    "/clock": {"GET": views.clock, "POST": orders.move_clock},
    "/faults": {"GET": views.faults, "POST": orders.add_fault, "DELETE": orders.clear_faults},
    "/limit": {"GET": views.limit, "POST": orders.set_limit},
    "/team": {"GET": views.team, "POST": orders.change_team},
    "/snapshot": {"GET": views.snapshot},
    "/restore": {"POST": orders.restore},
    "/reset": {"POST": orders.reset},
    "/expect": {"POST": orders.expect},
    "/overview": {"GET": overview.overview},
    "/leads": {"GET": overview.leads},
    "/requests": {"GET": views.requests},
    "/deliveries": {"GET": views.deliveries},
    "/violations": {"GET": views.violations},
    "/errors": {"GET": views.errors},
}


@attrs.define(eq=False)
class Admin:
    """Answer orders under ``/_sandbox``. They need no key, and count against no limit."""

    sandbox: OrderTaker

    def answer(self, method: str, path: str, body: bytes) -> RouteResponse:
        """Follow an order: 400 with the reason for a wrong one, 404 for an unknown path, 405 for another verb."""
        path, _, query = path.partition("?")
        verbs = ORDERS.get(path.removeprefix(PREFIX).rstrip("/"))
        if verbs is None:
            return respond({"error": "the sandbox has no such order", "orders": sorted(ORDERS)}, 404)
        order = verbs.get(method)
        if order is None:
            return respond({"error": f"the order takes {', '.join(verbs)}"}, 405)
        try:
            given: object = loads(body) if body else {}
            if not isinstance(given, dict):
                raise ValueError("an order is a JSON object")
            return respond(order(self.sandbox, {**dict(parse_qsl(query)), **cast("Record", given)}))
        except (ValueError, TypeError, OverflowError) as error:
            return respond({"error": str(error)}, 400)
