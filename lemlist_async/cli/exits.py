"""Exit codes for scripts that do not read the output."""

from __future__ import annotations

import enum

from lemlist_async import bulk
from lemlist_async.errors import (
    APIKeyError,
    AuthenticationError,
    BadTeamError,
    ConfigurationError,
    InvalidInputError,
    LemlistError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    TransportError,
)


class Exit(enum.IntEnum):
    """Exit codes: 0 to 6, and the shell's own code after a signal."""

    OK = 0
    ERROR = 1
    """Any other error."""
    USAGE = 2
    """An argument, an option or a file that cannot work; nothing was sent."""
    PARTIAL = 3
    """The job ran, and some rows were refused, failed or left over."""
    AUTHENTICATION = 4
    """No key, or one that lemlist refuses."""
    CONNECTION = 5
    """lemlist could not be reached, or failed."""
    UNKNOWN = 6
    """The job ran, and the outcome of some rows is unknown."""
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[LemlistError], Exit], ...] = (
    (APIKeyError, Exit.AUTHENTICATION),
    (AuthenticationError, Exit.AUTHENTICATION),
    (PermissionDeniedError, Exit.AUTHENTICATION),
    (ConfigurationError, Exit.USAGE),
    (InvalidInputError, Exit.USAGE),
    (NotFoundError, Exit.USAGE),
    (BadTeamError, Exit.USAGE),  # an id of another team, or none at all
    (TransportError, Exit.CONNECTION),
    (ServerError, Exit.CONNECTION),
)


def exit_of(error: LemlistError) -> Exit:
    """Return the exit code for an error."""
    if isinstance(error, bulk.JobStoppedError) and isinstance(error.__cause__, LemlistError):
        return exit_of(error.__cause__)
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.ERROR)
