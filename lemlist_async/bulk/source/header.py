"""Uses of the columns of one header: by their names, their values and the caller's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from lemlist_async.bulk.source import column_names as known
from lemlist_async.bulk.source.cells import is_address
from lemlist_async.bulk.source.column_names import FULL_NAME, spelling
from lemlist_async.bulk.source.field_names import VARIABLE, FieldNames
from lemlist_async.bulk.source.mapping import ColumnUse, Role
from lemlist_async.errors import InvalidInputError

_LEMLIST_EXPORT = frozenset({"emailStatus", "lastState", "status"})
"""Columns that together are found only in lemlist's own export of a campaign's leads."""
_BOOKKEEPING = _LEMLIST_EXPORT | {"_id"}
"""Columns of such an export that tell of the lead's past and are no fields of a new one."""


@attrs.frozen(cache_hash=True)
class Choice:
    """Word of the caller on the columns of a source; one that can be a key."""

    pairs: tuple[tuple[str, str], ...] = ()
    """From column to field, or to the name of a variable."""
    ignore: tuple[str, ...] = ()
    """Columns that are not sent."""
    only: tuple[str, ...] = ()
    """The only columns that are sent; by default all."""

    @classmethod
    def of(cls, columns: Mapping[str, str], ignore: Sequence[str] = (), only: Sequence[str] = ()) -> Choice:
        """Return a choice of plain lists and a mapping."""
        return cls(tuple(columns.items()), tuple(ignore), tuple(only))

    @property
    def columns(self) -> dict[str, str]:
        """Field or variable of each column that is mapped."""
        return dict(self.pairs)

    def named(self) -> list[str]:
        """Return the columns that the caller has named."""
        return [*self.columns, *self.ignore, *self.only]


def shown(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns[:12])) + (" …" if len(columns) > 12 else "")


class Header:
    """The columns of one source, to find the use of each."""

    def __init__(self, names: FieldNames, columns: Sequence[str], choice: Choice, *, of_file: bool) -> None:
        self._names = names
        self._choice = choice
        self._mapped = choice.columns
        self._of_file = of_file
        self.exact: bool = set(columns) >= _LEMLIST_EXPORT
        spelled = {spelling(column) for column in columns}
        self._there = {
            field
            for field in ("first_name", "last_name")
            if any(name in spelled for name in known.FIELDS[field]) or field in self._mapped.values()
        }
        self._company_is_display_name = "leadname" in spelled
        self._variables: dict[str, str] = {}
        # before all places that names have, in the order of the caller
        self._told = {column: n - len(self._mapped) for n, column in enumerate(self._mapped)}

    def use(self, column: str, samples: tuple[str, ...]) -> ColumnUse:
        """Return the use of a column."""
        role, fields, reason = self._role(column)
        # a column for a field that holds bookkeeping otherwise does not become a variable
        spare = role == "variable" or (
            role == "field"
            and FULL_NAME not in fields
            and spelling(column) not in known.QUIET
            and not self._is_bookkeeping(column)
        )
        spare = spare or (role == "opt-out" and not self._of_file)
        given = self._mapped.get(column, column).removeprefix(VARIABLE)
        wanted = column if fields else given
        name = self._variable(wanted) if spare else None
        if name not in {None, wanted} and not reason:
            reason = "another variable differs in case only"
        return ColumnUse(
            column=column, role=role, fields=fields, variable=name, reason=reason, samples=samples
        )

    def _role(self, column: str) -> tuple[Role, tuple[str, ...], str]:
        choice = self._choice
        if column in choice.ignore:
            return "ignored", (), "as told"
        if column in self._mapped:
            target = self._mapped[column]
            fields = () if target.startswith(VARIABLE) else self._fields(target)
            return ("field" if fields else "variable"), fields, "as told"
        if self._names.refuses_opt_outs and known.is_opt_out(column):
            return "opt-out", (), "tells who wants no messages"
        if choice.only and column not in choice.only:
            return "ignored", (), "as told"
        if self.exact:
            return self._role_in_export(column)
        if fields := self._fields(column):
            return "field", fields, ""
        if self._of_file and known.is_private(column):
            return "ignored", (), "private"
        if self._is_bookkeeping(column):
            return "ignored", (), "bookkeeping"
        return "variable", (), ""

    def _role_in_export(self, column: str) -> tuple[Role, tuple[str, ...], str]:
        if field := self._names.by_wire_name.get(column) or self._names.more.get(spelling(column)):
            return "field", (field,), ""
        return ("ignored", (), "lemlist's own") if column in _BOOKKEEPING else ("variable", (), "")

    def _is_bookkeeping(self, column: str) -> bool:
        left_out = (known.is_ignored, known.is_private, known.is_opt_out)
        return self._of_file and any(is_it(column) for is_it in left_out)

    def _fields(self, column: str) -> tuple[str, ...]:
        spelled = spelling(column)
        own = self._names.own.get(spelled)
        others = [field for field, _ in self._names.places.get(spelled, ())]
        if spelled in known.NEEDS_PARTNER:
            partner, meaning = known.NEEDS_PARTNER[spelled]
            others = [meaning if partner in self._there else FULL_NAME]
        if spelled == "displayname" and self._company_is_display_name:
            others = ["company_name"]
        fields = dict.fromkeys([own, *others] if own else others)
        return tuple(field for field in fields if self._names.takes(field))

    def _variable(self, name: str) -> str:
        """Return the name of a variable: lemlist does not keep names apart that differ in case only."""
        taken, number = name, 2
        while self._variables.setdefault(taken.casefold(), taken) != taken or (
            taken != name and taken in self._mapped
        ):
            taken, number = f"{name} {number}", number + 1
        return taken

    def place(self, column: str, fields: tuple[str, ...]) -> tuple[int, ...]:
        """Return the rank of a column among those of each of its fields; what the caller has said comes first."""
        if column in self._told:
            return (self._told[column],) * len(fields)
        places = dict(self._names.places.get(spelling(column), ()))
        return tuple(places.get(field, 0) for field in fields)


def found_by_values(
    uses: list[ColumnUse], samples: Sequence[Sequence[str]], choice: Choice
) -> list[ColumnUse]:
    """Take the only column whose values are e-mail addresses for that of the address, whatever its name.

    Raises:
        InvalidInputError: there are several: one of them would be imported as a mere variable.
    """
    found = [
        n
        for n, (use, seen) in enumerate(zip(uses, samples, strict=True))
        if use.role == "variable" and use.column not in choice.columns and _are_addresses(seen)
    ]
    if len(found) > 1:
        raise InvalidInputError(
            f"the columns {shown([uses[n].column for n in found])} hold e-mail addresses: say which one is 'email'"
        )
    for n in found:
        uses[n] = attrs.evolve(uses[n], role="field", fields=("email",), reason="its values are addresses")
    return uses


def _are_addresses(values: Sequence[str]) -> bool:
    given = [value for value in values if value.strip()]
    return bool(given) and all("@" in value and is_address(value) for value in given)
