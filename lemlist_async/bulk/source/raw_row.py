"""A row as it was read, before a job looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class RawRow(NamedTuple):
    """One row as it was read."""

    line: int
    """Line of the file it began on, counted from 1; the position for an iterable."""
    values: Mapping[str, Any]
    fault: str | None = None
    """Reason why the row cannot be used, where reading it shows that; `values` are then the cells that were read."""
    note: str | None = None
    """Remark on how the row was read, for its result."""


class RowRefusedError(ValueError):
    """The row is not valid; the text says why."""
