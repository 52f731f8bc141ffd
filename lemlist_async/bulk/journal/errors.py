"""Errors of a journal."""

from __future__ import annotations

from lemlist_async.errors import LemlistError


class JournalError(LemlistError):
    """The journal cannot be used: another job's, a newer version's, in use, damaged, or the disk is full."""


class JournalUnavailableError(JournalError):
    """The journal cannot be used at the moment: another runner has it, or its database is away."""


class DamagedError(Exception):
    """The journal holds values that this library never writes."""


class TakenError(Exception):
    """Rows that were about to be marked are no longer in the state in which they were read."""
