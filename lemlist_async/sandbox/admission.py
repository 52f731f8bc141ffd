"""Admission of a request: its operation, its team, and the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from lemlist_async.sandbox.auth import credential
from lemlist_async.sandbox.counters import KeyState
from lemlist_async.sandbox.ratelimit_headers import rate_headers
from lemlist_async.sandbox.responses import HTML, RouteResponse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.router import Match, Router
from lemlist_async.sandbox.state import Team

__all__ = ["API", "AdmissionControl", "AdmissionResult", "AdmittedRequest"]

API: Final = "/api"
# an unknown path is no 404: the web application answers there
SHELL: Final = RouteResponse(
    200,
    b'<!DOCTYPE html><html><head><title>lemlist</title></head><body><div id="app"></div></body></html>',
    HTML,
)
NO_KEY: Final = respond("No API key provided", 400)
BLOCKED: Final = respond("User linked to this API key is blocked", 403)
TOO_MANY: Final = respond("Too many requests", 429)


@attrs.frozen
class AdmittedRequest:
    """Request to be handled, or spoiled by a fault."""

    route: Route
    ids: Mapping[str, str]
    team: Team


@attrs.frozen
class AdmissionResult:
    """Result of the admission of one request."""

    template: str
    """The document's path template; "" for an unknown path."""
    outcome: AdmittedRequest | RouteResponse
    """The response, if admission already decides it."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Rate limit headers. A request without a valid key has none."""
    team_id: str = ""
    """Id of the team of the key; "" without a valid one."""


@attrs.define
class AdmissionControl:
    """Admit requests in the order of the real host: path, key, limit, verb."""

    router: Router
    key_states: Mapping[str, KeyState]
    wall_clock: Callable[[], float]

    def admit(
        self,
        method: str,
        raw_path: str,
        query: Mapping[str, list[str]],
        authorization: str | None,
        now: float,
    ) -> AdmissionResult:
        """Decide at ``now``, the time of arrival. Here the request counts against the limit."""
        match = self.router.find(method, raw_path.removeprefix(API)) if raw_path.startswith(API) else None
        if match is None:
            return AdmissionResult("", SHELL)
        route = match.route
        if route.public:  # such a route looks through all teams, so any will do
            return AdmissionResult(
                route.template, AdmittedRequest(route, match.ids, next(iter(self.key_states.values())).team)
            )
        key = credential(authorization, query)
        if key is None:
            return AdmissionResult(route.template, NO_KEY)
        key_state = self.key_states.get(key)
        if key_state is None:
            return AdmissionResult(route.template, respond(route.unauthorized, 401))
        key_state.tally.requests += 1
        if key_state.blocked:
            return AdmissionResult(route.template, BLOCKED, team_id=key_state.team.id)
        return self._count(match, key_state, now)

    def _count(self, match: Match, key_state: KeyState, now: float) -> AdmissionResult:
        route = match.route
        headers: Mapping[str, str] = {}
        if key_state.limiter is not None:
            decision = key_state.limiter.check(now)
            headers = rate_headers(key_state.limiter.limit, decision, now, self.wall_clock())
            if not decision.allowed:
                key_state.tally.refused += 1
                return AdmissionResult(route.template, TOO_MANY, headers, key_state.team.id)
        if not match.verb_known:
            return AdmissionResult(route.template, respond(route.bad_method, 405), headers, key_state.team.id)
        admitted = AdmittedRequest(route, match.ids, key_state.team)
        return AdmissionResult(route.template, admitted, headers, key_state.team.id)
