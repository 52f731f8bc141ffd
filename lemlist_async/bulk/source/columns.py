"""Mapping of columns to lemlist's fields and to variables, by their names, their values and the caller's word."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import attrs

from lemlist_async.bulk.source import column_names as known
from lemlist_async.bulk.source.addresses import (
    AddressError,
    address_key,
    domain_key,
    first_address,
    read_address,
)
from lemlist_async.bulk.source.column_names import FULL_NAME, spelling
from lemlist_async.bulk.source.field_values import ACCEPT, BY_VALUE, Accept, split_name, surely_person_page
from lemlist_async.bulk.source.linkedin import page_key
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.names import hints_of, wire_name
from lemlist_async.core.validation import check_flat
from lemlist_async.errors import InvalidInputError

_CUT_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_LEMLIST_EXPORT = frozenset({"emailStatus", "lastState", "status"})
"""Columns that together are found only in lemlist's own export of a campaign's leads."""
_PLACEHOLDERS = frozenset({
    "#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!", "n/a", "email_not_unlocked@domain.com",
})  # fmt: skip
"""Texts that spreadsheets and tools write where there is no value."""
_BOOKKEEPING = _LEMLIST_EXPORT | {"_id"}
"""Columns of such an export that tell of the lead's past and are no fields of a new one."""

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
class Choice:
    """Word of the caller on the columns of a source."""

    columns: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """From column to field, or to the name of a variable."""
    ignore: Sequence[str] = ()
    """Columns that are not sent."""
    only: Sequence[str] = ()
    """The only columns that are sent; by default all."""

    def named(self) -> list[str]:
        """Return the columns that the caller has named."""
        return [*self.columns, *self.ignore, *self.only]


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
        more = more or {}
        self.fields: frozenset[str] = (frozenset(hints_of(spec)) - frozenset(without)) | frozenset(
            more.values()
        )
        own = self.fields & hints_of(spec).keys()
        self.by_wire_name: dict[str, str] = {wire_name(spec, name): name for name in own}
        self.more: Mapping[str, str] = more
        self.refuses_opt_outs: bool = refuses_opt_outs
        self.own: dict[str, str] = {
            **{spelling(name): name for name in self.fields},
            **{spelling(wire): name for wire, name in self.by_wire_name.items()},
            **more,
        }
        self.places: dict[str, list[tuple[str, int]]] = {}
        for field in (name for name in known.FIELDS if self.takes(name)):
            for place, name in enumerate(known.FIELDS[field]):
                self.places.setdefault(name, []).append((field, place))
        self._of_rows = functools.lru_cache(64)(self._mapping_of_rows)

    def takes(self, field: str) -> bool:
        """Return whether rows of this kind have a field; a full name needs both of its parts."""
        return {"first_name", "last_name"} <= self.fields if field == FULL_NAME else field in self.fields

    def sort(self, values: Mapping[str, Any], choice: Choice = _NO_CHOICE) -> Sorted:
        """Sort a row that has no header: its names are a program's own, so that none is ignored as bookkeeping.

        Raises:
            RowRefusedError: a value that cannot be sent, an opt-out, or two columns for one field.
        """
        return self._of_rows(tuple(values), _key_of(choice)).sort(values)

    def _mapping_of_rows(self, columns: tuple[str, ...], choice: _ChoiceKey) -> ColumnMapping:
        return self.mapping(columns, Choice(dict(choice.columns), choice.ignore, choice.only), of_file=False)

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
        header = _Header(self, columns, choice, of_file=of_file)
        uses = [header.use(column, tuple(seen[:3])) for column, seen in zip(columns, samples, strict=True)]
        if of_file and "email" in self.fields and not any("email" in use.fields for use in uses):
            uses = _found_by_values(uses, samples, choice)
        return ColumnMapping(
            uses=tuple(uses),
            places=tuple(header.place(use.column, use.fields) for use in uses),
            exact=header.exact,
            refuses_opt_outs=self.refuses_opt_outs,
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
            raise InvalidInputError(f"there is no column {absent[0]!r}: the file has {_shown(columns)}")
        mapping = self.mapping(columns, choice, samples=samples)
        mapping.check_twins()
        filled = {field for use in mapping.uses for field in use.fields}
        if not set(needed) & filled:
            if {"value", "donotcontact"} & {spelling(column) for column in columns}:
                raise InvalidInputError(
                    f"the columns {_shown(columns)} are those of a list of people who want no messages: its "
                    "values can be blocked, not imported"
                )
            raise InvalidInputError(
                f"no column for the e-mail address among {_shown(columns)}: name it 'email', or say which column it is"
            )
        return mapping


class _ChoiceKey(NamedTuple):
    columns: tuple[tuple[str, str], ...]
    ignore: tuple[str, ...]
    only: tuple[str, ...]


def _key_of(choice: Choice) -> _ChoiceKey:
    return _ChoiceKey(tuple(choice.columns.items()), tuple(choice.ignore), tuple(choice.only))


def _shown(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns[:12])) + (" …" if len(columns) > 12 else "")


class _Header:
    """The columns of one source, to find the use of each."""

    def __init__(self, kinds: Columns, columns: Sequence[str], choice: Choice, *, of_file: bool) -> None:
        self._kinds = kinds
        self._choice = choice
        self._of_file = of_file
        self.exact = set(columns) >= _LEMLIST_EXPORT
        spelled = {spelling(column) for column in columns}
        self._there = {
            field
            for field in ("first_name", "last_name")
            if any(name in spelled for name in known.FIELDS[field]) or field in choice.columns.values()
        }
        self._company_is_display_name = "leadname" in spelled
        self._variables: dict[str, str] = {}
        # before all places that names have, in the order of the caller
        self._told = {column: n - len(choice.columns) for n, column in enumerate(choice.columns)}

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
        given = self._choice.columns.get(column, column)
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
        if column in choice.columns:
            fields = self._fields(choice.columns[column])
            return ("field" if fields else "variable"), fields, "as told"
        if self._kinds.refuses_opt_outs and known.is_opt_out(column):
            return "opt-out", (), "tells who wants no messages"
        if choice.only and column not in choice.only:
            return "ignored", (), "as told"
        if self.exact:
            return self._role_in_export(column)
        if fields := self._fields(column):
            return "field", fields, ""
        if self._is_bookkeeping(column):
            return "ignored", (), "bookkeeping or private"
        return "variable", (), ""

    def _role_in_export(self, column: str) -> tuple[Role, tuple[str, ...], str]:
        if field := self._kinds.by_wire_name.get(column) or self._kinds.more.get(spelling(column)):
            return "field", (field,), ""
        return ("ignored", (), "lemlist's own") if column in _BOOKKEEPING else ("variable", (), "")

    def _is_bookkeeping(self, column: str) -> bool:
        return self._of_file and (known.is_ignored(column) or known.is_opt_out(column))

    def _fields(self, column: str) -> tuple[str, ...]:
        spelled = spelling(column)
        own = self._kinds.own.get(spelled)
        others = [field for field, _ in self._kinds.places.get(spelled, ())]
        if spelled in known.NEEDS_PARTNER:
            partner, meaning = known.NEEDS_PARTNER[spelled]
            others = [meaning if partner in self._there else FULL_NAME]
        if spelled == "displayname" and self._company_is_display_name:
            others = ["company_name"]
        fields = dict.fromkeys([own, *others] if own else others)
        return tuple(field for field in fields if self._kinds.takes(field))

    def _variable(self, name: str) -> str:
        """Return the name of a variable: lemlist does not keep names apart that differ in case only."""
        taken, number = name, 2
        while self._variables.setdefault(taken.casefold(), taken) != taken or (
            taken != name and taken in self._choice.columns
        ):
            taken, number = f"{name} {number}", number + 1
        return taken

    def place(self, column: str, fields: tuple[str, ...]) -> tuple[int, ...]:
        """Return the rank of a column among those of each of its fields; what the caller has said comes first."""
        if column in self._told:
            return (self._told[column],) * len(fields)
        places = dict(self._kinds.places.get(spelling(column), ()))
        return tuple(places.get(field, 0) for field in fields)


def _found_by_values(
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
            f"the columns {_shown([uses[n].column for n in found])} hold e-mail addresses: say which one is 'email'"
        )
    for n in found:
        uses[n] = attrs.evolve(uses[n], role="field", fields=("email",), reason="its values are addresses")
    return uses


def _are_addresses(values: Sequence[str]) -> bool:
    given = [value for value in values if value.strip()]
    return bool(given) and all("@" in value and is_address(value) for value in given)


def is_address(text: str) -> bool:
    """Return whether a text holds an e-mail address, and nothing beside further ones."""
    try:
        return bool(first_address(text))
    except AddressError:
        return False


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


def checked_email(email: str, *, first: bool = False) -> str:
    """Return an address in the spelling that is sent; of several, with `first`, the first one.

    Raises:
        RowRefusedError: it cannot be an address.
    """
    try:
        return first_address(email) if first else read_address(email)
    except AddressError as fault:
        raise RowRefusedError(f"the e-mail address {email!r} is not valid: {fault}") from None


def value_key(value: str) -> str:
    """Return what is the same for all spellings of an address, ``@domain`` or LinkedIn page; else the case-folded
    text.
    """
    if value.startswith("@"):
        return f"@{domain_key(value[1:])}"
    if "@" in value and "/" not in value:
        return address_key(value)
    return page_key(value)


def single(values: Mapping[str, Any], *names: str) -> str:
    """Return the one value that a row is about: under one of `names`, or the only one there is.

    Raises:
        RowRefusedError: there is none.
    """
    cells = dict(_filled(values))
    by_name = {spelling(column): value for column, value in cells.items()}
    found = next((by_name[spelling(name)] for name in names if spelling(name) in by_name), None)
    if found is None and len(cells) == 1:
        (found,) = cells.values()
    if found is None:
        raise RowRefusedError(
            f"no value: give a column {' or '.join(map(repr, names))}, or one column in all"
        )
    return str(found)


def _filled(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for column, cell in values.items():
        if (value := filled(column, cell)) is not None:
            yield column, value


def filled(column: str, cell: object) -> Any:
    """Return a cell's value without blanks around it; None for an empty cell.

    Raises:
        RowRefusedError: a nested or damaged value.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if "\x00" in text or "\ufffd" in text:
            raise RowRefusedError(f"{column!r} holds a character that was damaged or is not text")
        return None if text.casefold() in _PLACEHOLDERS else text or None
    try:
        check_flat(column, cell)
    except InvalidInputError as nested:
        raise RowRefusedError(nested.message) from None
    return cell if cell == cell else None  # NaN: pandas' empty cell
