"""What a bulk job is to the runner: how a row is checked, done, and looked up after a doubt."""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from lemlist_async.core.wire import Effect
from lemlist_async.errors import InvalidInputError, LemlistError

if TYPE_CHECKING:
    from lemlist_async.bulk.plan import Forecast
    from lemlist_async.client import Lemlist

Payload = dict[str, Any]
"""What a row becomes once it is checked: plain JSON, all that is needed to do it."""


class State(enum.StrEnum):
    """Where a row is."""

    NEW = "new"
    """Checked, and not sent."""
    SENT = "sent"
    """Handed to the network; after a crash nobody knows more."""
    PENDING = "pending"
    """lemlist took it, under an id, and has no result yet."""
    DONE = "done"
    """lemlist holds what the row asks for."""
    REFUSED = "refused"
    """Not sent: the row itself is not valid."""
    FAILED = "failed"
    """lemlist said no."""
    UNKNOWN = "unknown"
    """It may have happened, and there is no way to find out."""


IN_DOUBT = "in doubt"
"""`what` of an unknown row that is still to be looked up."""
ABSENT = "absent"
"""`what` of an unknown row that one look-up did not find."""


@attrs.frozen
class Outcome:
    """What became of a row."""

    state: State
    what: str
    """In one word: ``created``, ``duplicate``, ``updated``, …"""
    reason: str | None = None
    id: str | None = None
    """lemlist's id of what the row is about, where there is one."""
    result: Any = None
    """What lemlist answered, as plain JSON, where the job is about that."""


@attrs.frozen
class RowResult:
    """What became of one row."""

    line: int
    payload: dict[str, Any]
    outcome: Outcome


def done(
    what: str,
    id: str | None = None,  # noqa: A002  # the wire's word
    reason: str | None = None,
    result: Any = None,
) -> Outcome:
    """The row is done."""
    return Outcome(State.DONE, what, reason, id, result)


def failed(reason: str, what: str = "failed") -> Outcome:
    """lemlist said no, or has nothing that the row could be about."""
    return Outcome(State.FAILED, what, reason)


class RowRefusedError(ValueError):
    """The row is not valid; the text says why."""


class CannotVerifyError(LemlistError):
    """There is no way to find out whether the row was done."""


class EndJobError(LemlistError):
    """Raised by a job: its rows have this outcome, and no further one is begun. The reason is the `__cause__`."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason or outcome.what)
        self.outcome = outcome


class JobStoppedError(LemlistError):
    """The job ended before its rows did, or never began; what was not sent waits for another run.

    The error that stopped it is the `__cause__`. A function of the caller's may raise it to stop the job.
    """


class Job(abc.ABC):
    """One kind of bulk job, with its options."""

    __slots__ = ()

    kind: str
    """Its name in journals."""
    effect: Effect = Effect.IDEMPOTENT
    """What sending a row again would do. A repeatable row is sent again when nobody knows if it was done;
    any other one is looked up with `verify`."""
    batch: int = 1
    """Rows that go together, at most."""
    calls: int = 1
    """Calls for one batch, at most."""
    single_request: ClassVar[bool] = False
    """Whether `do` changes something with one request only, and nothing outside of lemlist. Then a row is noted as
    sent when that request leaves; else before `do` is called."""
    takes_texts: ClassVar[bool] = False
    """Whether a plain text can be a row, as one that has it in the column ``value``."""
    follows: bool = False
    """Whether rows are pending after they are sent, and `follow` gets their results."""
    adjustable: ClassVar[frozenset[str]] = frozenset()
    """Options that may change from one run of a journal to the next."""

    @property
    def verifiable(self) -> bool:
        """Whether `verify` asks lemlist, which costs a call for each row in doubt."""
        return not self.effect.repeatable

    @property
    def marks_late(self) -> bool:
        """Whether a row is noted as sent when its request leaves, and not before it waits for its turn."""
        return self.single_request and not self.effect.repeatable

    @property
    def posts(self) -> bool:
        """Whether lemlist posts results somewhere, so that asking for them can wait."""
        return False

    @abc.abstractmethod
    def options(self) -> dict[str, Any]:
        """All that is needed to make the job again, as plain JSON."""

    def check_columns(self, columns: Sequence[str]) -> None:  # noqa: B027  # most jobs judge row by row
        """Look at the header of a file.

        Raises:
            InvalidInputError: no row of the file could be used.
        """

    @abc.abstractmethod
    def check(self, values: Mapping[str, Any]) -> Payload:
        """Turn a row into what is sent.

        Raises:
            RowRefusedError: lemlist would refuse it, or could not use it.
        """

    @abc.abstractmethod
    def key(self, payload: Payload) -> str:
        """What makes two rows the same; only the first of them is done."""

    def credits(self, payload: Payload) -> int:
        """Enrichment credits that the row may cost."""
        del payload
        return 0

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:  # noqa: B027  # not every job must ask
        """Find out what can be known before the first row, such as whether the campaign exists."""

    @abc.abstractmethod
    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Send up to `batch` rows, and tell what became of each; `again`: an earlier try may have succeeded."""

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Look up whether a row was done: its outcome, or None if it was not.

        Raises:
            CannotVerifyError: there is no way to tell.
        """
        raise CannotVerifyError(f"{self.kind} has no way to look a row up")

    async def follow(self, lemlist: Lemlist, payload: Payload, so_far: Outcome) -> Outcome:
        """Ask once for the result of a pending row; it may still be pending after that."""
        raise NotImplementedError(f"{self.kind} has no pending rows")

    def read_posted(self, body: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
        """Results that lemlist posted to a webhook, by the ids of pending rows.

        Raises:
            InvalidInputError: it is no such body, or nothing is posted for this job.
        """
        raise InvalidInputError(f"lemlist posts no results for {self.kind}")

    def conclude(self, result: Any, so_far: Outcome) -> Outcome:
        """What a result means for its pending row; it may still be pending after that."""
        raise NotImplementedError(f"{self.kind} has no pending rows")
