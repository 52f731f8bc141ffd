"""Mapping of the columns of one source: the use of each, and the rows sorted by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import attrs

from lemlist_async.bulk.source import column_names as known
from lemlist_async.bulk.source.addresses import AddressError, read_address
from lemlist_async.bulk.source.cells import checked_email, filled
from lemlist_async.bulk.source.column_names import FULL_NAME, spelling
from lemlist_async.bulk.source.field_values import ACCEPT, BY_VALUE, Accept, split_name, surely_person_page
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.errors import InvalidInputError

_CUT_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)

Role = Literal["field", "variable", "ignored", "opt-out"]


@attrs.frozen(kw_only=True)
class ColumnUse:
    """Use of one column of a file."""

    column: str
    role: Role
    """``opt-out`` refuses a row that has a value there which says that the person wants no messages."""
    fields: tuple[str, ...] = ()
    """Fields that the column may fill, where its value fits and no column before it has filled them."""
    variable: str | None = None
    """Variable that the value becomes, where it fills no field."""
    reason: str = ""
    """Reason for the role, where the name of the column does not show it."""
    samples: tuple[str, ...] = ()
    """First values of the column in the file, at most three."""


class Sorted(NamedTuple):
    """A row, sorted."""

    fields: dict[str, str]
    beside: dict[str, Any]
    """Variables, or custom fields."""
    note: str | None = None
    """Remark for the result of the row."""

    @property
    def noted(self) -> dict[str, Any]:
        """Part of a payload that holds the remark."""
        return {} if self.note is None else {"note": self.note}


@attrs.frozen
class ColumnMapping:
    """Mapping of the columns of one source, in their order."""

    uses: tuple[ColumnUse, ...]
    places: tuple[tuple[int, ...], ...] = attrs.field(repr=False, default=())
    """Rank of each column among those of each of its fields."""
    exact: bool = attrs.field(repr=False, default=False)
    """Whether these are the columns of lemlist's own export, whose values go back as they came."""
    refuses_opt_outs: bool = attrs.field(repr=False, default=False)
    """Whether a person who wants no messages refuses the row."""
    line: int = 1
    """Line on which the names of the columns stand, counted from 1; 0 in a file without them."""
    _steps: tuple[_Step, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        alone = [field for use in self.uses for field in use.fields]
        steps = (
            _step(use, places, alone, exact=self.exact)
            for use, places in zip(self.uses, self.places, strict=True)
        )
        object.__setattr__(self, "_steps", tuple(steps))

    def before(self, use: ColumnUse) -> list[str]:
        """Return the columns that are preferred to this one for its first field."""
        ranks = [
            (place, other.column)
            for other, places in zip(self.uses, self.places, strict=True)
            for field, place in zip(other.fields, places, strict=True)
            if field == use.fields[0]
        ]
        own = next(place for place, column in ranks if column == use.column)
        return [column for place, column in sorted(ranks) if place < own]

    def check_twins(self) -> None:
        """Refuse two columns that mean one field and have the same rank.

        Raises:
            InvalidInputError: naming both.
        """
        seen: dict[tuple[str, int], str] = {}
        for use, places in zip(self.uses, self.places, strict=True):
            for field, place in zip(use.fields, places, strict=True):
                first = seen.setdefault((field, place), use.column)
                if first != use.column:
                    raise InvalidInputError(
                        f"the columns {first!r} and {use.column!r} would both become {field!r}"
                    )

    def check_columns(self, columns: Iterable[str]) -> None:
        """Refuse rows with other columns than those that were mapped.

        Raises:
            InvalidInputError: they differ.
        """
        if [use.column for use in self.uses] != list(columns):
            raise InvalidInputError("the mapping is that of another file: the columns differ")

    def sort(self, values: Mapping[str, Any]) -> Sorted:
        """Sort a row into fields and other columns; empty cells are left out.

        Raises:
            RowRefusedError: a nested or damaged value, an e-mail address or telephone number that cannot be one, an
                opt-out, or two columns of the same rank for one field.
        """
        if self.exact and self.refuses_opt_outs:
            _check_export_state(values)
        fields: dict[str, str] = {}
        beside: dict[str, Any] = {}
        contested: list[_Claim] = []
        for step, (column, cell) in zip(self._steps, values.items(), strict=True):
            if step.ignored or (value := filled(column, cell)) is None:
                continue
            if step.field is not None:
                fields[step.field] = str(value)
            elif step.candidates:
                contested += [
                    _Claim(place, field, accept, step, value) for field, place, accept in step.candidates
                ]
            elif step.opt_out:
                _check_opt_out(column, value)
            if step.field is None and not step.candidates and step.variable is not None:
                beside[step.variable] = value
        if contested:
            _contest(contested, fields, beside)
        note = _finish(fields)
        return Sorted(fields, beside, note)


class _Step(NamedTuple):
    """One column, made ready for the rows."""

    column: str
    ignored: bool
    opt_out: bool
    field: str | None
    """The only column for this field, whose values are taken as they are."""
    candidates: tuple[tuple[str, int, Accept | None], ...]
    variable: str | None


class _Claim(NamedTuple):
    """Value of one column that may fill a field."""

    place: int
    field: str
    accept: Accept | None
    step: _Step
    value: Any


def _step(use: ColumnUse, places: tuple[int, ...], alone: list[str], *, exact: bool) -> _Step:
    candidates = tuple(
        (field, place, None if exact else _accept(use.column, field))
        for field, place in zip(use.fields, places, strict=True)
    )
    simple = (
        len(candidates) == 1
        and candidates[0][2] is None
        and alone.count(candidates[0][0]) == 1
        and candidates[0][0] != FULL_NAME
    )
    return _Step(
        column=use.column,
        ignored=use.role == "ignored",
        opt_out=use.role == "opt-out",
        field=candidates[0][0] if simple else None,
        candidates=() if simple else candidates,
        variable=use.variable,
    )


def _accept(column: str, field: str) -> Accept | None:
    if field == "linkedin_url" and spelling(column) in BY_VALUE:
        return surely_person_page
    if column == field == "phone":  # lemlist's own name: what it exports goes back unchanged
        return None
    return ACCEPT.get(field)


def _check_export_state(values: Mapping[str, Any]) -> None:
    """Refuse a lead of lemlist's own export that was unsubscribed or whose messages bounced."""
    told = " ".join(str(values.get(name) or "") for name in ("lastState", "status")).casefold()
    if "unsubscribed" in told or "bounced" in told:
        raise RowRefusedError(
            f"lemlist's export says {told.strip()!r}: the person wants no messages, or none arrive"
        )


def _check_opt_out(column: str, value: Any) -> None:
    if known.says_no(column, value):
        raise RowRefusedError(f"the column {column!r} says {str(value)[:40]!r}: the person wants no messages")


def _contest(contested: list[_Claim], fields: dict[str, str], beside: dict[str, Any]) -> None:
    """Fill each field from the first column that has a value for it; others become variables."""
    used: dict[str, int] = {}
    done: set[str] = set()
    for place, field, accept, step, value in sorted(contested, key=lambda one: one.place):
        if step.column in done:
            continue
        accepted = str(value) if accept is None else accept(str(value))
        if accepted is None:
            continue
        if field in used:
            if used[field] == place:
                raise RowRefusedError(
                    f"the column {step.column!r} and another one would both become {field!r}"
                )
            continue
        fields[field], used[field] = accepted, place
        done.add(step.column)
    for _, _, _, step, value in contested:
        if step.column not in done and step.variable is not None:
            beside[step.variable] = value


def _finish(fields: dict[str, str]) -> str | None:
    note = None
    if FULL_NAME in fields:
        full = fields.pop(FULL_NAME)
        if not {"first_name", "last_name"} & fields.keys():
            first, last = split_name(full)
            fields.update({"first_name": first, **({"last_name": last} if last else {})})
    if "email" in fields:
        fields["email"], note = _email(fields["email"])
    if _CUT_NUMBER.fullmatch(fields.get("phone", "")):
        raise RowRefusedError(
            f"a spreadsheet has cut the telephone number to {fields['phone']}: make its column one of texts"
        )
    return note


def _email(text: str) -> tuple[str, str | None]:
    try:
        return read_address(text), None
    except AddressError:
        address = checked_email(text, first=True)
        return address, f"the first of several addresses in the cell {text[:80]!r}"
