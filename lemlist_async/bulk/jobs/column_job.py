"""Job whose rows have columns that become lemlist's fields and variables."""

from __future__ import annotations

import abc
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from lemlist_async.bulk.jobs.job import Job, Payload
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.header import Choice
from lemlist_async.bulk.source.mapping import ColumnMapping, Sorted


def _check_targets(job: ColumnJob, _: object, columns: dict[str, str]) -> None:
    for target in columns.values():
        job.KINDS_OF_COLUMNS.names.check_target(target)


def _listed(given: Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


@attrs.frozen(kw_only=True)
class ColumnJob(Job):
    """Base of the jobs over columns. Columns become fields by their names, unless these options say otherwise."""

    KINDS_OF_COLUMNS: ClassVar[Columns]
    NEEDED: ClassVar[Sequence[str]]
    """Fields of which a file must have one."""

    columns: dict[str, str] = attrs.field(factory=dict[str, str], validator=_check_targets)
    """Columns that their names do not identify: from column to field, or to another variable's name. A name that
    resembles a field's is refused, unless it begins with ``variable:``."""
    ignore: list[str] = attrs.field(factory=list[str], converter=_listed)
    """Columns that are not sent; also one that tells who wants no messages, which would refuse those rows."""
    only: list[str] = attrs.field(factory=list[str], converter=_listed)
    """The only columns that are sent; by default all. Opt-outs are looked at all the same."""

    @functools.cached_property  # asked for with each row
    def choice(self) -> Choice:
        """Word of the caller on the columns."""
        return Choice.of(self.columns, self.ignore, self.only)

    def options(self) -> dict[str, Any]:
        """Return the options from which the job can be made again."""
        # absent where empty: journals from before these options are the same job
        return attrs.asdict(
            self, filter=lambda field, value: bool(value) or field.name not in {"ignore", "only"}
        )

    def map_columns(self, columns: Sequence[str], samples: Sequence[Sequence[str]] = ()) -> ColumnMapping:
        """Return the mapping of a file's columns; `samples` has the first values of each.

        Raises:
            InvalidInputError: no row of the file could be used, a named column is not there, or two columns mean one
                field.
        """
        return self.KINDS_OF_COLUMNS.check(columns, self.choice, self.NEEDED, samples)

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Turn a row without a header into the payload that is sent."""
        return self.payload(self.KINDS_OF_COLUMNS.sort(values, self.choice))

    def check_mapped(self, values: Mapping[str, Any], mapping: ColumnMapping) -> Payload:
        """Turn a row of a file into the payload that is sent."""
        return self.payload(mapping.sort(values))

    @abc.abstractmethod
    def payload(self, row: Sorted) -> Payload:
        """Turn a sorted row into the payload that is sent.

        Raises:
            RowRefusedError: lemlist would refuse it, or could not use it.
        """
