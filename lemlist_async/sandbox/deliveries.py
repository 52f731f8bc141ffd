"""Deliveries of events to hooks: one record each, with its retries on the sandbox's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, TypeAlias

import attrs

from lemlist_async.sandbox.clock import Agenda
from lemlist_async.sandbox.hooks import body_for, wants
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["Courier", "Delivery", "DeliveryState"]

DeliveryState: TypeAlias = Literal["waiting", "delivered", "lost", "refused", "gone"]
GONE: Final = (404, 410)
FIRST_WAIT: Final = 10.0
LOG_LENGTH: Final = 10_000


@attrs.define(eq=False)
class Delivery:
    """One event on its way to one hook."""

    hook_id: str
    url: str
    type: str
    body: Record = attrs.field(repr=False)
    """The body as posted, with the hook's secret."""
    state: DeliveryState = "waiting"
    """``waiting`` for its first attempt or a retry; ``delivered``; ``lost`` after the last retry; ``refused``
    because the address is on another machine; ``gone`` because the hook is."""
    attempts: list[int | str] = attrs.field(factory=list[int | str])
    """The status of each answer, or the reason why there was none."""


Post: TypeAlias = Callable[[str, Record, Callable[[int | str | None], None]], None]
"""Function that posts a body to an address, and reports the status, a reason, or None for a forbidden address."""


@attrs.define(eq=False, kw_only=True)
class Courier:
    """Post events to the hooks that want them."""

    agenda: Agenda
    retries: int = 5
    delete_gone: bool = True
    log: deque[Delivery] = attrs.field(factory=lambda: deque[Delivery](maxlen=LOG_LENGTH))
    _post: Post | None = attrs.field(default=None, init=False)
    _early: list[Callable[[], None]] = attrs.field(factory=list[Callable[[], None]], init=False)
    """Attempts that were due before the sandbox listened."""

    def open(self, post: Post) -> None:
        """Begin to post."""
        self._post = post
        early, self._early = self._early, []
        for attempt in early:
            attempt()

    def close(self) -> None:
        """Post nothing more until the next start."""
        self._post = None

    def announce(self, team: Team, event: Record) -> None:
        """Post an event to every hook that wants it. The body is of this moment."""
        for hook in list(team.hooks.values()):
            if wants(hook, event):
                delivery = Delivery(
                    hook["_id"], hook["targetUrl"], event["type"], body_for(team, hook, event)
                )
                self.log.append(delivery)
                self._attempt(team, delivery)

    def _attempt(self, team: Team, delivery: Delivery) -> None:
        if delivery.hook_id not in team.hooks:
            delivery.state = "gone"
        elif self._post is None:
            self._early.append(partial(self._attempt, team, delivery))
        else:
            self._post(delivery.url, delivery.body, partial(self._answered, team, delivery))

    def _answered(self, team: Team, delivery: Delivery, answer: int | str | None) -> None:
        if answer is None:
            delivery.state = "refused"
            return
        delivery.attempts.append(answer)
        if isinstance(answer, int) and 200 <= answer < 300:
            delivery.state = "delivered"
        elif answer in GONE and self.delete_gone:
            delivery.state = "gone"
            team.hooks.pop(delivery.hook_id, None)
        elif len(delivery.attempts) > self.retries:
            delivery.state = "lost"
        else:
            wait = FIRST_WAIT * 2.0 ** (len(delivery.attempts) - 1)
            self.agenda.at(self.agenda.clock() + wait, partial(self._attempt, team, delivery))
