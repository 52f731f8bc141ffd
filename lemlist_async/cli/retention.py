"""Retention of personal data in the journals of the command line's own jobs, as the user sets it."""

from __future__ import annotations

import os
from pathlib import Path

from lemlist_async import bulk
from lemlist_async.cli.job_store import folder, remove, stored_jobs
from lemlist_async.cli.show import Show
from lemlist_async.cli.wording import counted
from lemlist_async.errors import ConfigurationError
from lemlist_async.files import write_file

VARIABLE = "LEMLIST_KEEP_DAYS"
"""Variable of the environment, which goes before what `keep` has written."""


def _setting() -> Path:
    return folder().parent / "keep-days"


def days_to_keep() -> float | None:
    """Return the days after which finished jobs lose their personal data; None for ever.

    Raises:
        ConfigurationError: the variable or the file holds no number of days.
    """
    given, path = os.environ.get(VARIABLE), _setting()
    if given is None:
        given = path.read_text() if path.exists() else ""
    if not given.strip():
        return None
    try:
        days = float(given)
    except ValueError:
        days = -1.0
    if not days >= 0:  # NaN is none either
        raise ConfigurationError(f"{VARIABLE} or {path} is a number of days, not {given.strip()!r}")
    return days


def keep(days: float | None) -> None:
    """Remember the days; None keeps personal data for ever."""
    if days is None:
        _setting().unlink(missing_ok=True)
    else:
        write_file(_setting(), [f"{days:g}\n"])


async def erase_due() -> int:
    """Erase the personal data of finished jobs whose time is over, and return the number of those jobs."""
    days = days_to_keep()
    if days is None:
        return 0
    count = 0
    for job in await stored_jobs(older_than=days):
        if job.erased:
            os.utime(job.path)  # so that it is not opened by each command
        elif job.finished:
            count += await let_go(job.path, erase=True)
    return count


async def tell_erased(show: Show) -> None:
    """Erase what is due, and say so."""
    if count := await erase_due():
        show.say(
            f"erased the personal data of {counted(count, 'finished job')} after {days_to_keep():g} days"
        )


async def let_go(path: Path, *, erase: bool) -> bool:
    """Remove a journal, or only its personal data; return False for one that a runner has."""
    try:
        journal = await bulk.Journal.open(path, new=False)
    except bulk.JournalError:
        return False
    try:
        if erase:
            await journal.erase()
    finally:
        await journal.close()
    if not erase:
        remove(path)
    return True
