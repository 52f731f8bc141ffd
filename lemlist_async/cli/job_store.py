"""Journals of the command line's own jobs: one file for each job, in the user's state directory."""

from __future__ import annotations

import os
import secrets
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import platformdirs

from lemlist_async import bulk
from lemlist_async.errors import ConfigurationError, LemlistError

_SUFFIX = ".db"
_BESIDE = ("", "-wal", "-shm", "-lock")
"""Endings of the files that belong to a journal."""
_OPEN = ("new", "sent", "pending")
"""States of rows that another run would go on with."""


def folder() -> Path:
    """Return the directory of the journals, for its owner only: ``$XDG_STATE_HOME/lemlist-async/jobs`` on Linux."""
    found = platformdirs.user_state_path("lemlist-async", appauthor=False) / "jobs"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def new_journal(kind: str) -> Path:
    """Return a path for the journal of a new job, named by its time and kind."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind.replace('.', '-')}-{secrets.token_hex(2)}"
    return folder() / f"{name}{_SUFFIX}"


def find_journal(text: str) -> Path | bulk.PostgresJournal:
    """Return the journal that is meant: a path, a job on a server, or the name of a job or the beginning of it.

    Raises:
        ConfigurationError: there is no such journal, or there are several.
    """
    if bulk.PostgresJournal.fits(text):
        return bulk.PostgresJournal.parse(text)
    given = Path(text)
    if given.exists() or len(given.parts) > 1 or not given.name:
        return given
    found = [path for path in folder().glob(f"*{_SUFFIX}") if path.name.startswith(given.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(
            f"{len(found)} jobs begin with {given}: {', '.join(sorted(p.stem for p in found))}"
        )
    raise ConfigurationError(f"there is no journal and no job {given}; `lemlist-async jobs` lists them")


def shown(journal: Path | bulk.PostgresJournal) -> str:
    """Return the shortest text that finds a journal again in a shell."""
    if isinstance(journal, Path):
        return journal.stem if journal.parent == folder() else str(journal)
    return shlex.quote(str(journal))


def remove(path: Path) -> None:
    """Remove a journal with the files beside it."""
    for ending in _BESIDE:
        path.with_name(path.name + ending).unlink(missing_ok=True)


async def is_worth_keeping(path: Path, error: BaseException) -> bool:
    """Return whether a new job that ended with an error can be of use: rows were sent, or it can be resumed.

    An error of this library that ends a job before its first row would end it again.
    """
    job = await _look(path)
    return job.begun or (job.planned and not isinstance(error, LemlistError))


@attrs.frozen(kw_only=True)
class StoredJob:
    """A job in the state directory."""

    name: str
    path: Path = attrs.field(repr=False)
    kind: str
    source: str
    rows: int
    left: int
    """Rows that another run would go on with."""
    unknown: int
    planned: bool = False
    """Whether all rows are in it."""
    begun: bool = False
    """Whether a row was sent."""
    days: float
    """Days since the journal was last written."""
    erased: bool
    fault: str = ""
    """Reason why the journal cannot be read."""

    @property
    def finished(self) -> bool:
        """Whether no row is left."""
        return not self.left and not self.fault

    def as_json(self) -> dict[str, Any]:
        """Return the job for programs."""
        return {**attrs.asdict(self), "path": str(self.path), "finished": self.finished}


async def stored_jobs(*, older_than: float = 0.0) -> list[StoredJob]:
    """Return the jobs in the state directory that have not changed for so many days, the oldest first."""
    return [await _look(path) for path in sorted(folder().glob(f"*{_SUFFIX}")) if _days(path) >= older_than]


async def _look(path: Path) -> StoredJob:
    days = _days(path)
    try:
        journal = await bulk.Journal.look(path)
        try:
            meta, counts = await journal.meta(), await journal.counts()
        finally:
            await journal.close()
    except (bulk.JournalError, ConfigurationError) as error:
        return StoredJob(
            name=path.stem, path=path, kind="?", source="?", rows=0, left=0, unknown=0, days=days, erased=False,
            fault=str(error),
        )  # fmt: skip
    return StoredJob(
        name=path.stem,
        path=path,
        kind=meta.get("kind", "?"),
        source=os.path.basename(meta.get("source", "?")),
        rows=sum(counts.values()),
        left=sum(count for (state, _), count in counts.items() if state in _OPEN),
        unknown=sum(count for (state, _), count in counts.items() if state == "unknown"),
        planned=meta.get("planned") == "1",
        begun=any(state not in {"new", "refused"} for state, _ in counts),
        days=days,
        erased=meta.get("erased") == "1",
    )


def _days(path: Path) -> float:
    return (time.time() - max(_times(path), default=0.0)) / 86_400


def _times(path: Path) -> Iterator[float]:
    for ending in ("", "-wal"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            yield beside.stat().st_mtime
