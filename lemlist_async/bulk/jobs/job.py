"""Interface between a bulk job and its run: checking, doing and looking up a row."""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from lemlist_async.core.wire import Effect
from lemlist_async.errors import InvalidInputError, LemlistError

if TYPE_CHECKING:
    from lemlist_async.bulk.forecast import Forecast
    from lemlist_async.bulk.source.mapping import ColumnMapping
    from lemlist_async.client import Lemlist

Payload = dict[str, Any]
"""Checked row: plain JSON with all that is needed to do it."""


class State(enum.StrEnum):
    """State of a row."""

    NEW = "new"
    """Checked, and not sent."""
    SENT = "sent"
    """Handed to the network. After a crash its outcome is ambiguous."""
    PENDING = "pending"
    """Accepted by lemlist under an id; there is no result yet."""
    DONE = "done"
    """lemlist holds what the row asks for."""
    REFUSED = "refused"
    """Not sent: the row itself is not valid."""
    FAILED = "failed"
    """Refused by lemlist."""
    UNKNOWN = "unknown"
    """Possibly done, with no way to find out."""


IN_DOUBT = "in doubt"
"""`what` of an unknown row that is still to be looked up. Journals hold this text."""
REPEATED, SKIPPED = "repeated", "skipped"
"""`what` of rows that are valid and not sent: the same as an earlier one, or with nothing left to ask for."""
ABSENT = "absent"
"""`what` of an unknown row that one look-up did not find."""


@attrs.frozen
class Outcome:
    """Outcome of a row in the journal."""

    state: State
    what: str
    """In one word: ``created``, ``duplicate``, ``updated``, …"""
    reason: str | None = None
    id: str | None = None
    """lemlist's id of what the row is about, where there is one."""
    result: Any = None
    """Response of lemlist as plain JSON, where the job is there to fetch it."""


@attrs.frozen
class RowResult:
    """A row of the source with its outcome."""

    line: int
    payload: dict[str, Any]
    outcome: Outcome


def done(
    what: str,
    id: str | None = None,  # noqa: A002  # the wire's word
    reason: str | None = None,
    result: Any = None,
) -> Outcome:
    """Return the outcome of a row that is done."""
    return Outcome(State.DONE, what, reason, id, result)


def failed(reason: str, what: str = "failed") -> Outcome:
    """Return the outcome of a row that lemlist refused, or whose subject lemlist does not have."""
    return Outcome(State.FAILED, what, reason)


class RowSkippedError(ValueError):
    """Raised by a job that checks a row: nothing is left to do for it. The text says why."""


class CannotVerifyError(LemlistError):
    """No way exists to find out whether the row was done."""


class EndJobError(LemlistError):
    """Raised by a job to end it: its rows have this outcome, and no further row begins. `__cause__` is the reason."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason or outcome.what)
        self.outcome = outcome


class JobStoppedError(LemlistError):
    """The job ended before all rows were done, or never began. Rows that were not sent wait for another run.

    The error that stopped the job is the `__cause__`. A function of the caller may raise this error to stop the job.
    """


class Job(abc.ABC):
    """One kind of bulk job, with its options."""

    __slots__ = ()

    kind: str
    """Name of the kind in journals."""
    effect: Effect = Effect.IDEMPOTENT
    """Effect of sending a row twice. A repeatable row is sent again when its outcome is ambiguous;
    any other row is looked up with `verify`."""
    batch: int = 1
    """Most rows of one batch."""
    calls: int = 1
    """Most calls for one batch."""
    single_request: ClassVar[bool] = False
    """Whether `do` changes something with one request only, and nothing outside of lemlist. Then a row is noted as
    sent when that request leaves; else before `do` is called."""
    takes_texts: ClassVar[bool] = False
    """Whether a plain text can be a row, as one that has it in the column ``value``."""
    takes_notes: ClassVar[bool] = False
    """Whether a payload may hold a ``note`` on how its row was read, which goes into the outcome."""
    follows: bool = False
    """Whether rows are pending after they are sent, and `follow` gets their results."""
    adjustable: ClassVar[frozenset[str]] = frozenset()
    """Options that may change from one run of a journal to the next."""

    @property
    def verifiable(self) -> bool:
        """Whether `verify` asks lemlist, which costs a call for each row with an ambiguous outcome."""
        return not self.effect.repeatable

    @property
    def marks_late(self) -> bool:
        """Whether a row is noted as sent when its request leaves, and not before it waits for its turn."""
        return self.single_request and not self.effect.repeatable

    @property
    def posts(self) -> bool:
        """Whether lemlist posts results to a webhook, so that asking for them can wait."""
        return False

    @abc.abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the options from which the job can be made again, as plain JSON."""

    def map_columns(
        self, columns: Sequence[str], samples: Sequence[Sequence[str]] = ()
    ) -> ColumnMapping | None:
        """Return the mapping of a file's columns; None for a job that reads rows by themselves.

        Raises:
            InvalidInputError: no row of the file could be used.
        """
        del columns, samples
        return None

    def check_mapped(self, values: Mapping[str, Any], mapping: ColumnMapping) -> Payload:
        """Turn a row of a file into the payload that is sent; as `check`, with the mapping of its columns."""
        del mapping
        return self.check(values)

    @abc.abstractmethod
    def check(self, values: Mapping[str, Any]) -> Payload:
        """Turn a row into the payload that is sent.

        Raises:
            RowRefusedError: lemlist would refuse it, or could not use it.
            RowSkippedError: the row has already what the job is to bring.
        """

    @abc.abstractmethod
    def key(self, payload: Payload) -> str:
        """Return the identity of a row. Of rows with the same identity only the first is done."""

    def other_key(self, payload: Payload) -> str | None:
        """Return a second identity, by which a row without the first one is known: its `key` if it is all there is."""
        del payload
        return None

    def credits(self, payload: Payload) -> int:
        """Return the enrichment credits that the row may cost."""
        del payload
        return 0

    def check_forecast(self, forecast: Forecast) -> None:  # noqa: B027  # not every job has bounds
        """Compare a plan with the bounds of the job; nothing is sent.

        Raises:
            ConfigurationError: it is above one of them.
        """

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:  # noqa: B027  # not every job needs a check
        """Check all that can be checked before the first row, such as whether the campaign exists."""

    @abc.abstractmethod
    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Send up to `batch` rows, and return their outcomes. `again`: an earlier attempt may have succeeded."""

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Look up whether a row was done; return its outcome, or None if it was not done.

        Raises:
            CannotVerifyError: there is no way to tell.
        """
        raise CannotVerifyError(f"{self.kind} has no way to look a row up")

    async def follow(self, lemlist: Lemlist, payload: Payload, so_far: Outcome) -> Outcome:
        """Ask once for the result of a pending row; it may still be pending after that."""
        raise NotImplementedError(f"{self.kind} has no pending rows")

    def read_posted(self, body: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the results in a body that lemlist posted to a webhook, by the ids of pending rows.

        Raises:
            InvalidInputError: the body holds no results, or lemlist posts none for this job.
        """
        raise InvalidInputError(f"lemlist posts no results for {self.kind}")

    def conclude(self, result: Any, so_far: Outcome) -> Outcome:
        """Return the outcome of a pending row from a result; the row may still be pending after that."""
        raise NotImplementedError(f"{self.kind} has no pending rows")
