"""Look-up of the route for a verb and a raw path, by the templates of the vendor's document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import attrs

from lemlist_async.sandbox.route import Route

__all__ = ["Match", "Router"]

PARAMETER: Final = ""  # no segment of a path is empty, so it can name the branch that takes any value


@attrs.frozen
class Match:
    """Route of a request. For a wrong verb it is a route of the same path."""

    route: Route
    ids: dict[str, str]
    verb_known: bool = True


@attrs.define
class _Node:
    children: dict[str, _Node] = attrs.field(factory=dict[str, "_Node"])
    routes: dict[str, list[Route]] = attrs.field(factory=dict[str, list[Route]])


class Router:
    """Tree of path segments. A fixed segment wins over a parameter, and a trailing slash is ignored."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self.operations: set[tuple[str, str]] = set()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in _segments(route.template):
            name = PARAMETER if segment.startswith("{") else segment
            node = node.children.setdefault(name, _Node())
        rivals = node.routes.setdefault(route.method, [])
        rivals.insert(0 if "email" in route.names else len(rivals), route)  # the stricter one is asked first
        self.operations.add((route.method, route.template))

    def find(self, method: str, raw_path: str) -> Match | None:
        """Find the match of a percent-encoded path; None if no template fits it under any verb."""
        node, values = self._root, list[str]()
        for segment in _segments(raw_path):
            child = node.children.get(segment)
            if child is None:
                child = node.children.get(PARAMETER)
                if child is None:
                    return None
                values.append(unquote(segment))
            node = child
        return _choose(node, method, values)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _choose(node: _Node, method: str, values: list[str]) -> Match | None:
    if not node.routes:
        return None
    candidates = node.routes.get(method)
    if candidates is None:
        return Match(next(iter(node.routes.values()))[0], {}, verb_known=False)
    # DELETE /campaigns/{campaignId}/leads/{leadId} and …/{email} share a URL: the value tells them apart
    route = next((route for route in candidates if route.fits(values)), candidates[-1])
    return Match(route, dict(zip(route.names, values, strict=True)))
