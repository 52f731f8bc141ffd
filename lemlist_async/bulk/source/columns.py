"""Columns of one kind of rows: fields of lemlist under the names that other tools have for them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lemlist_async.bulk.source.column_names import spelling
from lemlist_async.bulk.source.field_names import FieldNames
from lemlist_async.bulk.source.header import Choice, Header, found_by_values, shown
from lemlist_async.bulk.source.mapping import ColumnMapping, Sorted
from lemlist_async.errors import InvalidInputError

_NO_CHOICE = Choice()


class Columns:
    """Columns of one kind of rows: fields of a TypedDict and `more`, each under any spelling and its other names.

    A column that is no field becomes a variable under its own name. In a file, columns with bookkeeping of other tools
    are ignored. In lemlist's own export of leads the names are exact.
    """

    def __init__(
        self,
        spec: type,
        *,
        without: Iterable[str] = (),
        more: Mapping[str, str] | None = None,
        refuses_opt_outs: bool = False,
    ) -> None:
        self.names: FieldNames = FieldNames(spec, without, more or {}, refuses_opt_outs=refuses_opt_outs)
        self._of_rows = functools.lru_cache(64)(self._mapping_of_rows)

    def sort(self, values: Mapping[str, Any], choice: Choice = _NO_CHOICE) -> Sorted:
        """Sort a row that has no header: its names are a program's own, so that none is ignored as bookkeeping.

        Raises:
            RowRefusedError: a value that cannot be sent, an opt-out, or two columns for one field.
        """
        return self._of_rows(tuple(values), choice).sort(values)

    def _mapping_of_rows(self, columns: tuple[str, ...], choice: Choice) -> ColumnMapping:
        return self.mapping(columns, choice, of_file=False)

    def mapping(
        self,
        columns: Sequence[str],
        choice: Choice = _NO_CHOICE,
        *,
        of_file: bool = True,
        samples: Sequence[Sequence[str]] = (),
    ) -> ColumnMapping:
        """Map the columns of a header; `samples` has the first values of each column."""
        samples = samples or [()] * len(columns)
        header = Header(self.names, columns, choice, of_file=of_file)
        uses = [header.use(column, tuple(seen[:3])) for column, seen in zip(columns, samples, strict=True)]
        if of_file and "email" in self.names.fields and not any("email" in use.fields for use in uses):
            uses = found_by_values(uses, samples, choice)
        return ColumnMapping(
            uses=tuple(uses),
            places=tuple(header.place(use.column, use.fields) for use in uses),
            exact=header.exact,
            refuses_opt_outs=self.names.refuses_opt_outs,
        )

    def check(
        self, columns: Sequence[str], choice: Choice, needed: Iterable[str], samples: Any = ()
    ) -> ColumnMapping:
        """Map a header in which one of the `needed` fields must be.

        Raises:
            InvalidInputError: a column that is named is not there, no column identifies a person, or two columns mean
                one field.
        """
        if absent := [column for column in choice.named() if column not in set(columns)]:
            raise InvalidInputError(f"there is no column {absent[0]!r}: the file has {shown(columns)}")
        mapping = self.mapping(columns, choice, samples=samples)
        mapping.check_twins()
        filled = {field for use in mapping.uses for field in use.fields}
        if not set(needed) & filled:
            if {"value", "donotcontact"} & {spelling(column) for column in columns}:
                raise InvalidInputError(
                    f"the columns {shown(columns)} are those of a list of people who want no messages: its "
                    "values can be blocked, not imported"
                )
            raise InvalidInputError(
                f"no column for the e-mail address among {shown(columns)}: name it 'email', or say which column it is"
            )
        return mapping
