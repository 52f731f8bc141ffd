"""Values of cells and rows: empty ones, addresses, and the one value that a row is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lemlist_async.bulk.source.addresses import (
    AddressError,
    address_key,
    domain_key,
    first_address,
    read_address,
)
from lemlist_async.bulk.source.column_names import spelling
from lemlist_async.bulk.source.linkedin import page_key
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.validation import check_flat
from lemlist_async.errors import InvalidInputError

_PLACEHOLDERS = frozenset({
    "#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!", "n/a", "email_not_unlocked@domain.com",
})  # fmt: skip
"""Texts that spreadsheets and tools write where there is no value."""


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


def checked_email(email: str, *, first: bool = False) -> str:
    """Return an address in the spelling that is sent; of several, with `first`, the first one.

    Raises:
        RowRefusedError: it cannot be an address.
    """
    try:
        return first_address(email) if first else read_address(email)
    except AddressError as fault:
        raise RowRefusedError(f"the e-mail address {email!r} is not valid: {fault}") from None


def is_address(text: str) -> bool:
    """Return whether a text holds an e-mail address, and nothing beside further ones."""
    try:
        return bool(first_address(text))
    except AddressError:
        return False


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
    if len(values) == 1:  # most lists of values: any name will do
        ((column, cell),) = values.items()
        if (value := filled(column, cell)) is not None:
            return str(value)
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
