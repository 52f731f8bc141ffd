"""From the columns of a file to lemlist's fields, whatever their spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lemlist_async.bulk.email import fault_of
from lemlist_async.bulk.job import RowRefusedError
from lemlist_async.core.structure import hints_of, wire_name
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


class Columns:
    """What columns mean: the fields of a TypedDict and `more`, each under any spelling, unless `given` tells.

    ``email``, ``E-Mail Address``, ``First Name`` and ``firstName`` are fields; any other column keeps its name.
    """

    def __init__(
        self, spec: type, *, without: Iterable[str] = (), more: Mapping[str, str] | None = None
    ) -> None:
        more = more or {}
        self.fields: frozenset[str] = (frozenset(hints_of(spec)) - frozenset(without)) | frozenset(
            more.values()
        )
        own = self.fields & hints_of(spec).keys()
        self._by_spelling = {
            **{spelled: name for spelled, name in _OTHER_NAMES.items() if name in self.fields},
            **{_spelling(name): name for name in self.fields},
            **{_spelling(wire_name(spec, name)): name for name in own},
            **more,
        }

    def field(self, column: str, given: Mapping[str, str]) -> str:
        """The field that a column becomes, or its own name."""
        wanted = given.get(column, column)
        return self._by_spelling.get(_spelling(wanted), wanted)

    def check(self, columns: Sequence[str], given: Mapping[str, str], needed: Iterable[str]) -> None:
        """Look at a header: one of the `needed` fields must be there, and no field twice.

        Raises:
            InvalidInputError: it is not so.
        """
        if absent := sorted(given.keys() - set(columns)):
            raise InvalidInputError(f"--map names the column {absent[0]!r}, which the file does not have")
        fields = [self.field(column, given) for column in columns]
        if not set(needed) & set(fields):
            shown = ", ".join(repr(column) for column in columns[:12])
            raise InvalidInputError(
                f"no column for the e-mail address among {shown}: name it 'email', or say which one it is "
                "(--map 'COLUMN=email')"
            )
        for field in set(fields):
            if fields.count(field) > 1:
                both = [column for column, one in zip(columns, fields, strict=True) if one == field]
                raise InvalidInputError(
                    f"the columns {both[0]!r} and {both[1]!r} would both become {field!r}"
                )

    def sort(
        self, values: Mapping[str, Any], given: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """A row as fields and as what lies beside them; empty cells are left out.

        Raises:
            RowRefusedError: a nested or damaged value, or an e-mail address that cannot be one.
        """
        fields: dict[str, str] = {}
        beside: dict[str, Any] = {}
        for column, value in _filled(values):
            field = self.field(column, given)
            if field in self.fields:
                fields[field] = str(value)
            else:
                beside[field] = value
        check_email(fields.get("email"))
        return fields, beside


def check_email(email: str | None) -> None:
    """Refuse what cannot be an address.

    Raises:
        RowRefusedError: saying why.
    """
    if email is not None and (fault := fault_of(email)) is not None:
        raise RowRefusedError(f"the e-mail address {email!r} is not valid: {fault}")


def single(values: Mapping[str, Any], *names: str) -> str:
    """The one value that a row is about: under one of `names`, or the only one there is.

    Raises:
        RowRefusedError: there is none.
    """
    filled = dict(_filled(values))
    by_name = {_spelling(column): value for column, value in filled.items()}
    found = next((by_name[_spelling(name)] for name in names if _spelling(name) in by_name), None)
    if found is None and len(filled) == 1:
        (found,) = filled.values()
    if found is None:
        raise RowRefusedError(
            f"no value: give a column {' or '.join(map(repr, names))}, or one column in all"
        )
    return str(found)


def _filled(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for column, value in values.items():
        if isinstance(value, str):
            text = value.strip()
            if "\x00" in text or "\ufffd" in text:
                raise RowRefusedError(f"{column!r} holds a character that was damaged or is not text")
            if text:
                yield column, text
        elif isinstance(value, Mapping | list | tuple | set):
            raise RowRefusedError(f"{column!r} is nested, which lemlist keeps as '[object Object]'")
        elif value is not None and value == value:  # NaN: pandas' empty cell
            yield column, value


@functools.lru_cache(1024)  # a file has the same few columns in every row
def _spelling(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
