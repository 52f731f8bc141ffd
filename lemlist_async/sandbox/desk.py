"""The front desk: which operation a request means, whose it is, and whether the limit lets it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from .accounts import Account
from .auth import credential
from .exchange import HTML, Answer, Route, answer
from .ratelimit_headers import rate_headers
from .router import Match, Router
from .state import Team

__all__ = ["Admission", "Desk", "Ticket"]

PREFIX: Final = "/api"
# an unknown path is no 404: the web application answers there
SHELL: Final = Answer(
    200,
    b'<!DOCTYPE html><html><head><title>lemlist</title></head><body><div id="app"></div></body></html>',
    HTML,
)
NO_KEY: Final = answer("No API key provided", 400)
BLOCKED: Final = answer("User linked to this API key is blocked", 403)
TOO_MANY: Final = answer("Too many requests", 429)


@attrs.frozen
class Admission:
    """A request that will be carried out, or spoiled by a fault."""

    route: Route
    ids: Mapping[str, str]
    team: Team


@attrs.frozen
class Ticket:
    """What the desk found out about a request."""

    template: str
    """The path template of the document; "" for a path that is none."""
    outcome: Admission | Answer
    """The answer, if it is known already here."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """The rate limit headers; a request without a valid key has none."""


@attrs.define
class Desk:
    """Admits requests in the order of the real host: path, key, limit, verb."""

    router: Router
    accounts: Mapping[str, Account]
    wall_clock: Callable[[], float]

    def admit(
        self,
        method: str,
        raw_path: str,
        query: Mapping[str, list[str]],
        authorization: str | None,
        now: float,
    ) -> Ticket:
        """Decide at ``now``, the time of arrival; this is where the request counts against the limit."""
        match = (
            self.router.find(method, raw_path.removeprefix(PREFIX)) if raw_path.startswith(PREFIX) else None
        )
        if match is None:
            return Ticket("", SHELL)
        route = match.route
        if route.public:  # such a route looks through all teams, so any will do
            return Ticket(
                route.template, Admission(route, match.ids, next(iter(self.accounts.values())).team)
            )
        key = credential(authorization, query)
        if key is None:
            return Ticket(route.template, NO_KEY)
        account = self.accounts.get(key)
        if account is None:
            return Ticket(route.template, answer(route.unauthorized, 401))
        account.tally.requests += 1
        if account.blocked:
            return Ticket(route.template, BLOCKED)
        return self._count(match, account, now)

    def _count(self, match: Match, account: Account, now: float) -> Ticket:
        route = match.route
        headers: Mapping[str, str] = {}
        if account.limiter is not None:
            decision = account.limiter.check(now)
            headers = rate_headers(account.limiter.limit, decision, now, self.wall_clock())
            if not decision.allowed:
                account.tally.refused += 1
                return Ticket(route.template, TOO_MANY, headers)
        if not match.verb_known:
            return Ticket(route.template, answer(route.bad_method, 405), headers)
        return Ticket(route.template, Admission(route, match.ids, account.team), headers)
