"""Mapping from the columns of a file to lemlist's fields, in any spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lemlist_async.bulk.jobs.job import RowRefusedError
from lemlist_async.bulk.source.addresses import AddressError, address_key, domain_key, read_address
from lemlist_async.bulk.source.linkedin import page_key
from lemlist_async.core.names import hints_of, wire_name
from lemlist_async.core.validation import check_flat
from lemlist_async.errors import InvalidInputError

_OTHER_NAMES = {
    "mail": "email",
    "emailaddress": "email",
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "company": "company_name",
    "organisation": "company_name",
    "organization": "company_name",
    "title": "job_title",
    "position": "job_title",
    "linkedin": "linkedin_url",
    "linkedinprofile": "linkedin_url",
    "phonenumber": "phone",
    "domain": "company_domain",
    "website": "company_domain",
}
_CUT_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_LEMLIST_EXPORT = frozenset({"emailStatus", "lastState", "status"})
"""Columns that together are found only in lemlist's own export of a campaign's leads."""
_BOOKKEEPING = _LEMLIST_EXPORT | {"_id"}
"""Columns of such an export that tell of the lead's past and are no fields of a new one."""


class Columns:
    """The meaning of columns: fields of a TypedDict and `more`, each under any spelling, unless `given` names it.

    ``email``, ``E-Mail Address``, ``First Name`` and ``firstName`` are fields; any other column keeps its name. In
    lemlist's own export of leads the names are exact, and the columns about a lead's past are left out.
    """

    def __init__(
        self, spec: type, *, without: Iterable[str] = (), more: Mapping[str, str] | None = None
    ) -> None:
        more = more or {}
        self.fields: frozenset[str] = (frozenset(hints_of(spec)) - frozenset(without)) | frozenset(
            more.values()
        )
        own = self.fields & hints_of(spec).keys()
        self._by_wire_name = {wire_name(spec, name): name for name in own}
        self._more = more
        self._by_spelling = {
            **{spelled: name for spelled, name in _OTHER_NAMES.items() if name in self.fields},
            **{_spelling(name): name for name in self.fields},
            **{_spelling(wire): name for wire, name in self._by_wire_name.items()},
            **more,
        }
        self._meaning = functools.lru_cache(64)(self._read_header)

    def meaning(self, columns: Iterable[str], given: Mapping[str, str]) -> tuple[str | None, ...]:
        """Return the field or variable that each column becomes; None for one that is left out."""
        return self._meaning(tuple(columns), tuple(given.items()))

    def _read_header(
        self, columns: tuple[str, ...], given: tuple[tuple[str, str], ...]
    ) -> tuple[str | None, ...]:
        named = dict(given)
        read = self._field_of_export if set(columns) >= _LEMLIST_EXPORT else self._field
        return tuple(self._field(named[one]) if one in named else read(one) for one in columns)

    def _field(self, column: str) -> str:
        return self._by_spelling.get(_spelling(column), column)

    def _field_of_export(self, column: str) -> str | None:
        if field := self._by_wire_name.get(column) or self._more.get(_spelling(column)):
            return field
        return None if column in _BOOKKEEPING else column

    def check(self, columns: Sequence[str], given: Mapping[str, str], needed: Iterable[str]) -> None:
        """Look at a header: one of the `needed` fields must be there, and no field twice.

        Raises:
            InvalidInputError: a field is missing or there twice.
        """
        if absent := sorted(given.keys() - set(columns)):
            raise InvalidInputError(f"--map names the column {absent[0]!r}, which the file does not have")
        fields = self.meaning(columns, given)
        if not set(needed) & set(fields):
            shown = ", ".join(repr(column) for column in columns[:12])
            raise InvalidInputError(
                f"no column for the e-mail address among {shown}: name it 'email', or say which one it is "
                "(--map 'COLUMN=email')"
            )
        for field in {field for field in fields if field is not None}:
            if fields.count(field) > 1:
                both = [column for column, one in zip(columns, fields, strict=True) if one == field]
                raise InvalidInputError(
                    f"the columns {both[0]!r} and {both[1]!r} would both become {field!r}"
                )

    def sort(
        self, values: Mapping[str, Any], given: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Sort a row into fields and other columns; empty cells are left out.

        Raises:
            RowRefusedError: a nested or damaged value, or an e-mail address or telephone number that cannot be one.
        """
        fields: dict[str, str] = {}
        beside: dict[str, Any] = {}
        for field, (column, cell) in zip(self.meaning(values, given), values.items(), strict=True):
            if field is None or (value := filled(column, cell)) is None:
                continue
            if field in fields:
                raise RowRefusedError(f"the column {column!r} and another one would both become {field!r}")
            if field in self.fields:
                fields[field] = str(value)
            else:
                beside[field] = value
        if "email" in fields:
            fields["email"] = checked_email(fields["email"])
        if _CUT_NUMBER.fullmatch(fields.get("phone", "")):
            raise RowRefusedError(
                f"a spreadsheet has cut the telephone number to {fields['phone']}: make its column one of texts"
            )
        return fields, beside


def checked_email(email: str) -> str:
    """Return an address in the spelling that is sent.

    Raises:
        RowRefusedError: it cannot be an address.
    """
    try:
        return read_address(email)
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
    by_name = {_spelling(column): value for column, value in cells.items()}
    found = next((by_name[_spelling(name)] for name in names if _spelling(name) in by_name), None)
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
        return text or None
    try:
        check_flat(column, cell)
    except InvalidInputError as nested:
        raise RowRefusedError(nested.message) from None
    return cell if cell == cell else None  # NaN: pandas' empty cell


@functools.lru_cache(1024)  # a file has the same few columns in every row
def _spelling(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
