"""What a bulk job is to the runner: how a row is checked, done, and looked up after a doubt."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import attrs

from lemlist_async.errors import LemlistError

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

Payload = dict[str, Any]
"""What a row becomes once it is checked: plain JSON, all that is needed to do it."""


class State(enum.StrEnum):
    """Where a row is."""

    NEW = "new"
    """Checked, and not sent."""
    SENT = "sent"
    """Handed to the network; after a crash nobody knows more."""
    DONE = "done"
    """lemlist holds what the row asks for."""
    REFUSED = "refused"
    """Not sent: the row itself is not valid."""
    FAILED = "failed"
    """lemlist said no."""
    UNKNOWN = "unknown"
    """It may have happened, and there is no way to find out."""


@attrs.frozen
class Outcome:
    """What became of a row."""

    state: State
    what: str
    """In one word: ``created``, ``duplicate``, ``updated``, …"""
    reason: str | None = None
    id: str | None = None
    """lemlist's id of what the row is about, where there is one."""


def done(what: str, id: str | None = None, reason: str | None = None) -> Outcome:  # noqa: A002  # the wire's word
    """The row is done."""
    return Outcome(State.DONE, what, reason, id)


class RowRefusedError(ValueError):
    """The row is not valid; the text says why."""


class CannotVerifyError(LemlistError):
    """There is no way to find out whether the row was done."""


class JobStoppedError(LemlistError):
    """The job ended before its rows did; what was not sent waits for another run.

    The error that stopped it is the `__cause__`.
    """


class Job(Protocol):
    """One kind of bulk job, with its options."""

    kind: ClassVar[str]
    """Its name in journals."""
    batch: ClassVar[int]
    """Rows that go in one call, at most."""
    calls: ClassVar[int]
    """Calls for one batch."""

    def options(self) -> dict[str, Any]:
        """All that is needed to make the job again, as plain JSON."""
        ...

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Turn a row into what is sent.

        Raises:
            RowRefusedError: lemlist would refuse it, or could not use it.
        """
        ...

    def key(self, payload: Payload) -> str:
        """What makes two rows the same; only the first of them is done."""
        ...

    def credits(self, payload: Payload) -> int:
        """Enrichment credits that the row may cost."""
        ...

    async def prepare(self, lemlist: Lemlist) -> None:
        """Find out what can be known before the first row, such as whether the campaign exists."""
        ...

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Send up to `batch` rows; `again` tells that an earlier try may have succeeded unseen."""
        ...

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Look up whether a row was done: its outcome, or None if it was not.

        Raises:
            CannotVerifyError: there is no way to tell.
        """
        ...
