"""Decoders from JSON to models, which leave nearly all of the work until a field is looked at.

A model keeps the JSON object it came as, and its slots are empty until a field is looked at. Programs look at the same
few fields of all rows, so a class remembers which ones, and the objects made after that come with these slots filled.
Now and then some are made with empty slots, to see whether that still pays. It changes what a look costs, and nothing
else.

Lenient: an unknown key stays in `extra` under its own name; a value of an unexpected type is kept, and counted when it
is looked at.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeGuard, cast, get_args, get_origin

import attrs

from lemlist_async.core.convert import (
    SCALARS,
    Convert,
    json_types,
    plain_type,
    read_time,
    unexpected,
    usual_time,
)
from lemlist_async.core.generate import Make, MakeRows, generate_make, generate_rows
from lemlist_async.core.lazy import Field, Lazy, Read
from lemlist_async.core.names import cached, fields_of, hints_of
from lemlist_async.core.wire import UnexpectedTypes, is_array, is_object
from lemlist_async.masked import mask, masked, secretive, slot_of

Decoder = Callable[[Any, UnexpectedTypes], Any]

LOOKS = 30
"""Looks at an empty slot of a class after which the field is filled from the beginning."""
REVIEW = 5_000
"""Objects of a class after which some are made with empty slots again, to see which fields are still looked at."""
WATCHED = 30
"""Objects that are made so. A field that fewer than half of them are asked for is not filled any longer."""
SETS = 8
"""Sets of fields per class whose functions are kept."""
FEW = 6
"""Fields up to which looking up each is quicker than to tell the order of an object's keys."""
SHAPES = 16
"""Orders of keys per class that get their own function; each takes about a millisecond to compile."""
LONGEST = 200
"""Most keys of an object that gets its own function; compiling more takes longer than it saves."""


@cached
def decoder(into: Any) -> Decoder:
    """Return the function from parsed JSON to `into`: a model, a scalar, or a list or mapping of these."""
    into = plain_type(into)
    origin: Any = get_origin(into)
    if origin is list:
        item = get_args(into)[0]
        return _rows_of(item) if _is_model(item) else _list_of(decoder(item), str(into))
    if origin is dict:
        return _mapping_of(decoder(get_args(into)[1]), str(into))
    return _model(into) if _is_model(into) else lambda value, _: value


def _is_model(into: Any) -> TypeGuard[type[Lazy]]:
    return isinstance(into, type) and issubclass(into, Lazy)


def _list_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if not is_array(value):
            return unexpected(value, unexpected_types, where)
        return [item(one, unexpected_types) for one in value]

    return decode


def _mapping_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if not is_object(value):
            return unexpected(value, unexpected_types, where)
        return {key: item(one, unexpected_types) for key, one in value.items()}

    return decode


def _model(cls: type[Lazy]) -> Decoder:
    maker = maker_of(cls)

    def decode(raw: Any, unexpected_types: UnexpectedTypes) -> Any:
        found = maker.one(raw, unexpected_types)
        return unexpected(raw, unexpected_types, cls.__name__) if found is None else found

    return decode


def _rows_of(cls: type[Lazy]) -> Decoder:
    maker, one = maker_of(cls), decoder(cls)

    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if (found := maker.rows(value, unexpected_types)) is not None:
            return found
        if not is_array(value):
            return unexpected(value, unexpected_types, f"list[{cls.__name__}]")
        return [one(raw, unexpected_types) for raw in value]

    return decode


class _Made:
    """Functions generated so far for one set of hot fields."""

    def __init__(self, hot: frozenset[str]) -> None:
        self.hot = hot
        self.sees_shapes = len(hot) > FEW or "extra" in hot
        """Whether each order of keys has its own function: only that knows the unknown keys without a look at all."""
        self.by_shape: dict[tuple[str, ...] | None, Make] = {}
        """By order of keys; under None for all other orders."""
        self.rows: MakeRows | None = None
        """Function for lists, where orders of keys are not told apart."""


class Maker:
    """Makes the objects of one class, and knows which of their fields the program looks at."""

    def __init__(self, cls: type[Lazy]) -> None:
        self._cls = cls
        self.fields: Mapping[str, Field] = {
            name: _field(cls, name, wire, secret) for name, wire, secret in fields_of(cls)
        }
        self._known = frozenset(field.wire for field in self.fields.values())
        self.extra: Field = self._extra()
        # of one name alone, attrgetter gives no tuple
        self._values = operator.attrgetter("extra", *(self.fields or ["extra"]))
        self._looks: dict[str, int] = {}
        """Looks at empty slots since the last review."""
        self._left, self._watched, self._due = REVIEW, 0, 0
        """Objects until the next review; those to be watched after the last one; objects left at which to act."""
        self._reviewed = False
        """Whether objects were watched since the last review."""
        self._empty = self._made = _Made(frozenset())
        self._sets = {self._made.hot: self._made}

    def look(self, owner: Lazy, name: str) -> Any:
        """Return a field whose slot is empty.

        Raises:
            AttributeError: there is no such field.
        """
        field = self.extra if name == "extra" else self.fields.get(name)
        if field is None:
            return object.__getattribute__(owner, name)  # for the usual error, or that of a property
        # Threads may lose a look, an object or a set: that costs time, and nothing else.
        self._looks[name] = looks = self._looks.get(name, 0) + 1
        if looks >= LOOKS and name not in self._made.hot:
            self._made = self._functions(self._made.hot | {name})
        value = field.fill(owner)
        return masked(value) if field.secret else value

    def values(self, owner: Lazy) -> tuple[Any, ...]:
        """Return the values of `extra` and of all fields, in their order."""
        found: tuple[Any, ...] = self._values(owner)
        return found[: len(self.fields) + 1]

    def one(self, raw: Any, unexpected_types: UnexpectedTypes) -> Lazy | None:
        """Return the model of an object; None for anything else."""
        if not is_object(raw):
            return None
        self._left -= 1
        made = self._empty if self._left < self._due and self._watches(1) else self._made
        shape = tuple(raw) if made.sees_shapes else None
        make = made.by_shape.get(shape) or self._meet(made, shape)
        return make(raw, unexpected_types)

    def rows(self, value: Any, unexpected_types: UnexpectedTypes) -> list[Lazy] | None:
        """Return the models of a list of objects; None for anything else."""
        if not is_array(value):
            return None
        self._left -= len(value)
        if self._left >= self._due or not (watched := self._watches(len(value))):
            return self._rows(self._made, value, unexpected_types)
        first = self._rows(self._empty, value[:watched], unexpected_types)
        others = self._rows(self._made, value[watched:], unexpected_types)
        return None if first is None or others is None else first + others

    def _rows(self, made: _Made, value: list[Any], unexpected_types: UnexpectedTypes) -> list[Lazy] | None:
        if made.sees_shapes:
            return self._by_shape(made, value, unexpected_types)
        make = made.rows
        if make is None:
            make = made.rows = generate_rows(self._cls, self.fields, made.hot, self._known)
        return make(value, unexpected_types)

    def _watches(self, count: int) -> int:
        """Return how many of the next `count` objects to make with empty slots, though some would be filled."""
        if self._left < 0:
            self._review()
        watched = min(count, self._watched)
        self._watched -= watched
        self._due = REVIEW if self._watched else 0
        return watched

    def _review(self) -> None:
        """Fill no longer what was not looked at since the last review, and begin to watch again."""
        hot = self._made.hot
        if self._reviewed:
            hot = frozenset(name for name in hot if self._looks.get(name, 0) * 2 >= WATCHED)
            self._made = self._functions(hot)
        self._reviewed = bool(hot)
        self._looks, self._left, self._watched = {}, REVIEW, WATCHED if hot else 0

    def _functions(self, hot: frozenset[str]) -> _Made:
        if len(self._sets) >= SETS:
            self._sets = {self._empty.hot: self._empty}
        return self._sets.setdefault(hot, _Made(hot))

    def _by_shape(
        self, made: _Made, value: list[Any], unexpected_types: UnexpectedTypes
    ) -> list[Lazy] | None:
        found: list[Lazy] = []
        last: tuple[str, ...] | None = None
        make: Make | None = None
        raw: dict[str, Any]
        for raw in value:
            # not is_object(): a call for each object of a page shows in the benchmark
            if type(raw) is not dict:
                return None
            # the rows of a list have their keys in one order: most look-ups are saved
            if (shape := tuple(raw)) != last or make is None:
                last, make = shape, made.by_shape.get(shape) or self._meet(made, shape)
            found.append(make(raw, unexpected_types))
        return found

    def _meet(self, made: _Made, shape: tuple[str, ...] | None) -> Make:
        """Return the function for a new order of keys: its own, as long as there are few."""
        if shape is not None and (len(made.by_shape) >= SHAPES or len(shape) > LONGEST):
            shape = None
        if (known := made.by_shape.get(shape)) is not None:
            return known
        make = generate_make(self._cls, self.fields, made.hot, shape, self._known)
        return made.by_shape.setdefault(shape, make)

    def _extra(self) -> Field:
        slot = slot_of(self._cls, "extra")
        return Field(
            name="extra",
            wire="",
            secret=False,
            required=True,
            get=slot.__get__,
            put=slot.__set__,
            types=None,
            usual=lambda value, _: None,
            changeable=True,
            read=lambda raw, _, __: self._unknown(raw),
        )

    def _unknown(self, raw: dict[str, Any]) -> dict[str, Any]:
        known = self._known
        return {
            key: masked(value) if secretive(key) else value for key, value in raw.items() if key not in known
        }


@cached
def maker_of(cls: type[Lazy]) -> Maker:
    """Return the maker of a class."""
    return Maker(cls)


def _field(cls: type[Lazy], name: str, wire: str, secret: bool) -> Field:
    if secret:
        mask(cls, name)
    slot, kind = slot_of(cls, name), plain_type(hints_of(cls)[name])
    required = getattr(attrs.fields(cast("Any", cls)), name).default is attrs.NOTHING
    return Field(
        name=name,
        wire=wire,
        secret=secret,
        required=required,
        get=slot.__get__,
        put=slot.__set__,
        types=json_types(kind),
        usual=_usual(cls, kind),
        changeable=kind is not datetime,
        read=_any(wire, kind, required),
    )


def _usual(cls: type[Lazy], kind: Any) -> Callable[[Any, UnexpectedTypes], Any]:
    """Return the converter of values in the usual form, which returns None for any other."""
    if kind is datetime:
        return usual_time
    item = get_args(kind)[0] if get_origin(kind) is list else kind
    # a model that holds itself could be nested deeper than Python's own recursion goes
    if not _is_model(item) or _holds(item, cls, set()):
        return lambda value, _: None
    return maker_of(item).one if item is kind else maker_of(item).rows


def _holds(cls: type[Lazy], wanted: type[Lazy], seen: set[type[Lazy]]) -> bool:
    """Return whether a model is another one, or has one inside at any depth."""
    if cls is wanted:
        return True
    seen.add(cls)
    kinds = [plain_type(hints_of(cls)[name]) for name, _, _ in fields_of(cls)]
    inside = {one for kind in kinds for one in (kind, *get_args(kind)) if _is_model(one)} - seen
    return any(_holds(one, wanted, seen) for one in inside)


def _any(wire: str, kind: Any, required: bool) -> Read:
    """Return the decoder of any value of a field."""
    convert = _convert(kind)

    def read(raw: dict[str, Any], unexpected_types: UnexpectedTypes, where: str) -> Any:
        value = raw.get(wire)
        if value is None:
            return unexpected("", unexpected_types, where) if required else None
        return convert(value, unexpected_types, where)

    return read


def _convert(kind: Any) -> Convert:
    if kind is datetime:
        return read_time
    if kind in SCALARS:
        return SCALARS[kind]
    if (usual := json_types(kind)) is None:
        # looked up when it is called: a model may hold itself, and its decoder does not exist yet
        return lambda value, unexpected_types, _: decoder(kind)(value, unexpected_types)
    return lambda value, unexpected_types, where: (
        value if usual == (object,) or type(value) in usual else unexpected(value, unexpected_types, where)
    )
