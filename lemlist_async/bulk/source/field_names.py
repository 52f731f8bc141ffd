"""Names of the fields of one kind of rows, in all their spellings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from lemlist_async.bulk.source import column_names as known
from lemlist_async.bulk.source.column_names import FULL_NAME, spelling
from lemlist_async.core.names import hints_of, wire_name
from lemlist_async.errors import ConfigurationError

VARIABLE = "variable:"
"""Beginning of a name that is given for a variable, whatever field it resembles."""
_NEAR = 0.8
"""Likeness from which on a name is taken for a misspelt one: one wrong letter of five."""


class FieldNames:
    """Fields of a TypedDict and `more`, with the columns that may become each."""

    def __init__(
        self, spec: type, without: Iterable[str], more: Mapping[str, str], *, refuses_opt_outs: bool
    ) -> None:
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

    def check_target(self, target: str) -> None:
        """Check what the caller says that a column becomes: a field, or a variable that is not mistaken for one.

        Raises:
            ConfigurationError: a name that is nearly that of a field, or a variable with the name of a field.
        """
        named = target.removeprefix(VARIABLE)
        if named != target:
            if not named or named in self.by_wire_name:
                raise ConfigurationError(f"{named!r} is the name of a field: a variable cannot have it")
            return
        spelled = spelling(target)
        if spelled in self.own or spelled in self.places:
            return
        for near in difflib.get_close_matches(spelled, [*self.own, *self.places], 1, _NEAR):
            field = self.own.get(near) or self.places[near][0][0]
            raise ConfigurationError(
                f"{target!r} is no field of lemlist: is {field!r} meant? A variable with that name is "
                f"'{VARIABLE}{target}'"
            )

    def takes(self, field: str) -> bool:
        """Return whether rows of this kind have a field; a full name needs both of its parts."""
        return {"first_name", "last_name"} <= self.fields if field == FULL_NAME else field in self.fields
