"""JSON to models: a straight-line function for each class and each order of keys in which it comes.

Lenient: an unknown key stays in `extra` under its own name, a value of an unexpected type is kept as it came
and counted. Rows of one list have their keys in one order, so a function that knows the order asks for no key.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import attrs

from lemlist_async.core.structure import ABSENT, Model, cached, fields_of, hints_of
from lemlist_async.core.wire import Surprises, is_array, is_object

Decoder = Callable[[Any, Surprises], Any]
Convert = Callable[[Any, Surprises, str], Any]
"""Of a value that is not yet what the field promises: (value, surprises, field) to what is kept."""
Kept = dict[str, tuple[Any, Any]]
"""What came and what was made of it, where `to_dict` could not tell: ``{"page": ("0", 0), "url": (None, None)}``."""

SHAPES = 16
"""Orders of keys, for each class, that get a function of their own: about a millisecond each."""
LONGEST = 200
"""Keys of an object that gets one; to compile more takes longer than it could save."""


@cached
def decoder(into: Any) -> Decoder:
    """The function from parsed JSON to `into`: a model, a list or mapping of what this takes, or a scalar."""
    into = _plain(into)
    origin: Any = get_origin(into)
    if origin is list:
        return _list_of(decoder(get_args(into)[0]), str(into))
    if origin is dict:
        return _mapping_of(decoder(get_args(into)[1]), str(into))
    if isinstance(into, type) and issubclass(into, Model):
        return _model(into)
    return lambda value, _: value


def _plain(hint: Any) -> Any:
    """An annotation without marks, without None, and with open literals as their base type."""
    if get_origin(hint) is Annotated:
        return _plain(hint.__origin__)
    if get_origin(hint) in {Union, types.UnionType}:
        rest = [_plain(arg) for arg in get_args(hint) if arg is not type(None)]
        return rest[0] if len({id(kind) for kind in rest}) == 1 else Any
    if get_origin(hint) is Literal:
        return cast("Any", type)(get_args(hint)[0])
    return hint


def _list_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, surprises: Surprises) -> Any:
        if not is_array(value):
            return _surprise(value, surprises, where)
        return [item(one, surprises) for one in value]

    return decode


def _mapping_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, surprises: Surprises) -> Any:
        if not is_object(value):
            return _surprise(value, surprises, where)
        return {key: item(one, surprises) for key, one in value.items()}

    return decode


def _model(cls: type[Model]) -> Decoder:
    shapes: dict[tuple[str, ...], Decoder] = {}
    wires = tuple(wire for _, wire, _ in fields_of(cls))

    @functools.cache
    def of_any_shape() -> Decoder:
        return _in_one_order(_written(cls, wires, sparse=True), wires)

    def meet(shape: tuple[str, ...]) -> Decoder:
        if len(shapes) >= SHAPES or len(shape) > LONGEST:
            return of_any_shape()
        return shapes.setdefault(shape, _written(cls, shape))

    def decode(raw: Any, surprises: Surprises) -> Any:
        # not is_object(): a call for each object of a page shows in the benchmark
        kind = type(raw)  # pyright: ignore[reportUnknownVariableType]  # Any has no type to know
        if kind is not dict:
            return _surprise(raw, surprises, cls.__name__)
        shape: tuple[str, ...] = tuple(raw)
        try:
            known = shapes[shape]
        except KeyError:
            known = meet(shape)
        return known(raw, surprises)

    return decode


def _in_one_order(decode: Decoder, wires: Sequence[str]) -> Decoder:
    """Bring the known keys into the order that `decode` was written for, and keep the others."""
    known = frozenset(wires)

    def sorted_first(raw: dict[str, Any], surprises: Surprises) -> Any:
        found = decode({wire: raw.get(wire, ABSENT) for wire in wires}, surprises)
        found.extra = {key: value for key, value in raw.items() if key not in known}
        return found

    return sorted_first


# Writing the functions ----------------------------------------------------------------------------------


def _written(cls: type[Model], shape: Sequence[str], *, sparse: bool = False) -> Decoder:
    """The function for objects with these keys in this order; in a `sparse` one, values may be ABSENT."""
    names: dict[str, Any] = {
        "cls": cls, "new": object.__new__, "isoformat": datetime.fromisoformat, "empty": _empty, "odd": _odd,
        "no_id": _no_id, "ABSENT": ABSENT,
    }  # fmt: skip
    fields = {wire: name for name, wire, _ in fields_of(cls)}
    lines = ["self, kept = new(cls), None"]
    if shape:
        lines.append(f"{''.join(f'v{index}, ' for index in range(len(shape)))}= raw.values()")
    for index, wire in enumerate(shape):
        if wire in fields:
            lines += _field(_Place(cls, fields[wire], wire, index, sparse), names)
    lines += _absent(cls, [(name, wire) for wire, name in fields.items() if wire not in shape])
    unknown = ", ".join(f"{wire!r}: v{index}" for index, wire in enumerate(shape) if wire not in fields)
    lines += ["self._wire = kept", f"self.extra = {{{unknown}}}", "return self"]
    source = "def decode(raw, surprises):\n" + "".join(f"    {line}\n" for line in lines)
    exec(source, names)  # noqa: S102  # made of our own class's names and of keys as literals, nothing else
    made: Decoder = names["decode"]
    return made


@attrs.frozen
class _Place:
    """A field, and the local variable that holds its value."""

    cls: type[Model]
    name: str
    wire: str
    index: int
    sparse: bool

    @property
    def var(self) -> str:
        return f"v{self.index}"

    @property
    def where(self) -> str:
        return f"{self.cls.__name__}.{self.name}"

    @property
    def required(self) -> bool:
        return _required(self.cls, self.name)

    @property
    def empty(self) -> str:
        """The test for null, or for nothing at all."""
        return f"{self.var} is None" + (f" or {self.var} is ABSENT" if self.sparse else "")

    def aside(self, function: str, fix: str) -> str:
        """The slow way: what does not come as promised is converted, counted, remembered."""
        call = f"{function}({self.var}, {fix}, kept, {self.wire!r}, surprises, {self.where!r})"
        return f"kept = kept or {{}}; {self.var} = {call}"


def _field(place: _Place, names: dict[str, Any]) -> Iterator[str]:
    kind, v, f = _plain(hints_of(place.cls)[place.name]), place.var, f"f{place.index}"
    if kind is datetime:
        names[f] = _time
        yield from (
            "try:",
            # only the form that lemlist writes, 2026-03-04T05:06:07.089Z, goes back as it came
            f"    t = isoformat({v}) if len({v}) == 24 and {v}[10::13] == 'TZ' else None",
            "except (TypeError, ValueError):",
            "    t = None",
            f"if t is None: {place.aside('odd', f)}",
            f"else: {v} = t",
        )
    elif kind in _SCALARS:
        names[f], names[f"{f}t"] = _SCALARS[kind], kind
        yield f"if type({v}) is not {f}t: {place.aside('no_id' if place.required else 'odd', f)}"
    else:
        yield f"if {place.empty}: kept = kept or {{}}; {v} = empty({v}, kept, {place.wire!r})"
        if not _takes_anything(kind):
            names[f] = decoder(kind) if kind is not place.cls else _later(kind)
            yield f"else: {v} = {f}({v}, surprises)"
    yield f"self.{place.name} = {v}"


def _takes_anything(kind: Any) -> bool:
    return kind in {Any, dict, list} or get_args(kind)[-1:] == (Any,)


def _absent(cls: type[Model], missing: Sequence[tuple[str, str]]) -> Iterator[str]:
    optional = [name for name, _ in missing if not _required(cls, name)]
    if optional:
        yield " = ".join(f"self.{name}" for name in optional) + " = None"
    for name, wire in missing:
        if _required(cls, name):
            where = f"{cls.__name__}.{name}"
            yield f"kept = kept or {{}}; self.{name} = no_id(ABSENT, None, kept, {wire!r}, surprises, {where!r})"


def _required(cls: type[Model], name: str) -> bool:
    """Whether a field has no default; only an ``id`` may have none."""
    return getattr(attrs.fields(cls), name).default is attrs.NOTHING


def _later(cls: type[Model]) -> Decoder:
    """The decoder of a class that holds itself, which is not there yet while it is being made."""

    def decode(value: Any, surprises: Surprises) -> Any:
        return decoder(cls)(value, surprises)

    return decode


# What the functions call --------------------------------------------------------------------------------


def _empty(value: Any, kept: Kept, wire: str) -> None:
    """Remember a null, which a missing key must be told from."""
    if value is None:
        kept[wire] = (None, None)


def _odd(value: Any, fix: Convert, kept: Kept, wire: str, surprises: Surprises, where: str) -> Any:
    """What becomes of a value that is null, absent or of another type than promised."""
    if value is None or value is ABSENT:
        return _empty(value, kept, wire)
    made = fix(value, surprises, where)
    if made is not value:
        kept[wire] = (value, made)
    return made


def _no_id(value: Any, _: Any, kept: Kept, wire: str, surprises: Surprises, where: str) -> Any:
    """What an id becomes that is no text: empty where it is missing or null, else itself."""
    made = "" if value is ABSENT or value is None else value
    kept[wire] = (value, made)
    return _surprise(made, surprises, where)


def _surprise(value: Any, surprises: Surprises, where: str) -> Any:
    surprises[where] = surprises.get(where, 0) + 1
    return value


def _time(value: Any, surprises: Surprises, where: str) -> Any:
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return _surprise(value, surprises, where)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _int(value: Any, surprises: Surprises, where: str) -> Any:
    # an SMTP mailbox has "50" where a Google one has 50
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is float else _surprise(value, surprises, where)


def _float(value: Any, surprises: Surprises, where: str) -> Any:
    return value if type(value) is int else _surprise(value, surprises, where)


_SCALARS: dict[type, Convert] = {str: _surprise, bool: _surprise, int: _int, float: _float}
