"""The timer that runs the agenda in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from lemlist_async.sandbox.clock import Agenda, SandboxClock

__all__ = ["Timer"]

# a fixed clock never reaches the time of an action, and must not keep the loop busy
SHORTEST: Final = 0.01
LONGEST: Final = 3600.0


@attrs.define(eq=False)
class Timer:
    """Run the actions of an agenda in the event loop when they are due."""

    agenda: Agenda
    failed: Callable[[Exception], None]
    """Called with an error of an action. The other actions go on."""
    _loop: asyncio.AbstractEventLoop | None = attrs.field(default=None, init=False)
    _handle: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    def start(self) -> None:
        """Begin in the running loop."""
        self._loop = asyncio.get_running_loop()
        self.agenda.changed = self._arm
        self._arm()

    def stop(self) -> None:
        """End. Actions that are still waiting stay in the agenda."""
        self._loop = None
        self._disarm()

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        self._disarm()
        due = self.agenda.next
        if self._loop is not None and due is not None:
            self._handle = self._loop.call_later(_wait(self.agenda.clock, due), self._fire)

    def _fire(self) -> None:
        self._handle = None
        try:
            self.agenda.run_due()
        except Exception as error:  # noqa: BLE001 - one action must not end all that is due later
            self.failed(error)
        self._arm()


def _wait(clock: SandboxClock, due: float) -> float:
    left = due - clock()
    if left > 0 and not clock.speed:
        return LONGEST
    return min(max(left / (clock.speed or 1.0), SHORTEST), LONGEST)
