"""Decoders from JSON to models: one generated straight-line function per class and order of keys.

Lenient: an unknown key stays in `extra` under its own name; a value of an unexpected type is kept and counted.
The rows of a list have their keys in one order, so a function written for that order looks up no key.
Dates and nested models are left to `lazy`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeGuard, Union, cast, get_args, get_origin

import attrs

from lemlist_async.core.headers import read_date
from lemlist_async.core.lazy import UNDECODED, Lazy, make_lazy
from lemlist_async.core.names import cached, fields_of, hints_of
from lemlist_async.core.wire import UnexpectedTypes, is_array, is_object
from lemlist_async.masked import mask, masked, secretive

Decoder = Callable[[Any, UnexpectedTypes], Any]
Convert = Callable[[Any, UnexpectedTypes, str], Any]
"""Converter of a value of an unexpected type: (value, unexpected_types, field) to the value to keep."""


class _Absent:
    """Marker of a missing key, as opposed to null."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"  # copies must be the same object: it is compared by identity


ABSENT: Any = _Absent()

SHAPES = 16
"""Orders of keys per class that get their own function; each takes about a millisecond to compile."""
LONGEST = 200
"""Most keys of an object that gets its own function; compiling more takes longer than it saves."""


@cached
def decoder(into: Any) -> Decoder:
    """Return the function from parsed JSON to `into`: a model, a scalar, or a list or mapping of these."""
    into = _plain(into)
    origin: Any = get_origin(into)
    if origin is list:
        item = get_args(into)[0]
        return _rows_of(item) if _is_model(item) else _list_of(decoder(item), str(into))
    if origin is dict:
        return _mapping_of(decoder(get_args(into)[1]), str(into))
    return _model(into) if _is_model(into) else lambda value, _: value


def _is_model(into: Any) -> TypeGuard[type[Lazy]]:
    return isinstance(into, type) and issubclass(into, Lazy)


def _plain(hint: Any) -> Any:
    """Return an annotation without marks and None, and with literals as their base type."""
    if get_origin(hint) is Annotated:
        return _plain(hint.__origin__)
    if get_origin(hint) in {Union, types.UnionType}:
        rest = [_plain(arg) for arg in get_args(hint) if arg is not type(None)]
        return rest[0] if len({id(kind) for kind in rest}) == 1 else Any
    if get_origin(hint) is Literal:
        return cast("Any", type)(get_args(hint)[0])
    return hint


def _list_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if not is_array(value):
            return _unexpected(value, unexpected_types, where)
        return [item(one, unexpected_types) for one in value]

    return decode


def _mapping_of(item: Decoder, where: str) -> Decoder:
    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if not is_object(value):
            return _unexpected(value, unexpected_types, where)
        return {key: item(one, unexpected_types) for key, one in value.items()}

    return decode


def _model(cls: type[Lazy]) -> Decoder:
    fields = fields_of(cls)
    for name, wire, secret in fields:
        if secret:
            mask(cls, name)
        if _at_once(kind := _kind(cls, name)) is None:
            make_lazy(cls, name, wire, _time if kind is datetime else _nested(kind))
    shapes = _shapes(cls)

    def decode(raw: Any, unexpected_types: UnexpectedTypes) -> Any:
        # not is_object(): a call for each object of a page shows in the benchmark
        kind = type(raw)  # pyright: ignore[reportUnknownVariableType]  # Any has no type to know
        if kind is not dict:
            return _unexpected(raw, unexpected_types, cls.__name__)
        shape: tuple[str, ...] = tuple(raw)
        known = shapes.get(shape) or _meet(cls, shape)
        return known(raw, unexpected_types)

    return decode


def _rows_of(cls: type[Lazy]) -> Decoder:
    """Return the decoder of a list of models: a row with the keys of the row before it needs no look-up."""
    one, shapes = decoder(cls), _shapes(cls)

    def decode(value: Any, unexpected_types: UnexpectedTypes) -> Any:
        if not is_array(value):
            return _unexpected(value, unexpected_types, f"list[{cls.__name__}]")
        found: list[Any] = []
        last, known = None, one
        for raw in value:
            kind = type(raw)  # pyright: ignore[reportUnknownVariableType]  # as above
            if kind is dict:
                shape: tuple[str, ...] = tuple(raw)
                if shape != last:
                    last, known = shape, shapes.get(shape) or _meet(cls, shape)
                found.append(known(raw, unexpected_types))
            else:
                found.append(one(raw, unexpected_types))
        return found

    return decode


@cached
def _shapes(cls: type[Lazy]) -> dict[tuple[str, ...], Decoder]:
    """Return the functions generated so far, by order of keys."""
    return {}


def _meet(cls: type[Lazy], shape: tuple[str, ...]) -> Decoder:
    """Return the function for a new order of keys: its own, as long as there are few."""
    shapes = _shapes(cls)
    if len(shapes) >= SHAPES or len(shape) > LONGEST:
        return _of_any_shape(cls)
    return shapes.setdefault(shape, _written(cls, shape))


@cached
def _of_any_shape(cls: type[Lazy]) -> Decoder:
    return _written(cls, tuple(wire for _, wire, _ in fields_of(cls)), sparse=True)


def _kind(cls: type[Lazy], name: str) -> Any:
    return _plain(hints_of(cls)[name])


def _nested(kind: Any) -> Convert:
    # looked up when it is called: a model may hold itself, and its decoder does not exist yet
    return lambda value, unexpected_types, _: decoder(kind)(value, unexpected_types)


def _at_once(kind: Any) -> type | None:
    """Return the JSON type of fields that need no conversion; `object` if any type will do, None for other fields."""
    if kind in {Any, dict, list} or (get_origin(kind) in {dict, list} and get_args(kind)[-1] is Any):
        return object
    if get_origin(kind) in {dict, list} and _plain(get_args(kind)[-1]) in {Any, *_SCALARS}:
        return cast("type", get_origin(kind))
    return cast("type", kind) if kind in _SCALARS else None


def decode_field(cls: type[Lazy], name: str, raw: Any) -> Any:
    """Decode the JSON value of one field."""
    kind = _kind(cls, name)
    if raw is None or raw is ABSENT:
        return "" if _required(cls, name) else None
    return _time(raw, {}, "") if kind is datetime else _SCALARS.get(kind, _unexpected)(raw, {}, "")


# Generated functions ------------------------------------------------------------------------------------


def _written(cls: type[Lazy], shape: Sequence[str], *, sparse: bool = False) -> Decoder:
    """Generate the function for objects with these keys in this order; in a `sparse` one, values may be ABSENT.

    `str.__repr__` makes literals of the keys: the repr of a subclass of str could inject code.
    """
    names: dict[str, Any] = {
        "cls": cls,
        "new": object.__new__,
        "odd": _odd,
        "no_id": _no_id,
        "ABSENT": ABSENT,
        "UNDECODED": UNDECODED,
        "masked": masked,
        "secretive": secretive,
    }
    fields = {wire: name for name, wire, _ in fields_of(cls)}
    lines = ["self = new(cls)"]
    if sparse:
        lines += [f"v{index} = raw.get({str.__repr__(wire)}, ABSENT)" for index, wire in enumerate(shape)]
    elif shape:
        lines.append("".join(f"v{index}, " for index in range(len(shape))) + "= raw.values()")
    for index, wire in enumerate(shape):
        if wire in fields:
            lines += _field(cls, fields[wire], f"v{index}", names)
    lines += _absent(cls, [name for wire, name in fields.items() if wire not in shape])
    unknown = ", ".join(
        f"{str.__repr__(wire)}: {f'masked(v{index})' if secretive(wire) else f'v{index}'}"
        for index, wire in enumerate(shape)
        if wire not in fields
    )
    one = "masked(value) if secretive(key) else value"
    rest = f"{{key: {one} for key, value in raw.items() if key not in known}}" if sparse else f"{{{unknown}}}"
    names["known"] = frozenset(fields)
    lines += [
        "self._raw = raw",
        "self._unexpected_types = unexpected_types",
        f"self.extra = {rest}",
        "return self",
    ]
    source = "def decode(raw, unexpected_types):\n" + "".join(f"    {line}\n" for line in lines)
    exec(source, names)  # noqa: S102  # the source holds names of our own classes, and keys as literals
    made: Decoder = names["decode"]
    return made


def _field(cls: type[Lazy], name: str, v: str, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that check the value in the local variable `v`, and set the field."""
    kind, f, t = _kind(cls, name), f"{v}f", f"{v}t"
    names[f], names[t] = _SCALARS.get(kind, _unexpected), _at_once(kind)
    odd = f"{v} = {'no_id' if _required(cls, name) else 'odd'}({v}, {f}, unexpected_types, '{cls.__name__}.{name}')"
    if names[t] is None:
        yield f"{v} = None if {v} is ABSENT else UNDECODED"
    elif names[t] is object:
        yield f"if {v} is ABSENT: {v} = None"
    else:
        yield f"if type({v}) is not {t}: {odd}"
    yield f"self.{name} = {v}"


def _absent(cls: type[Lazy], names: Sequence[str]) -> Iterator[str]:
    optional = [name for name in names if not _required(cls, name)]
    if optional:
        yield " = ".join(f"self.{name}" for name in optional) + " = None"
    for name in names:
        if _required(cls, name):
            yield f"self.{name} = no_id(ABSENT, None, unexpected_types, '{cls.__name__}.{name}')"


def _required(cls: type[Lazy], name: str) -> bool:
    """Return whether a field has no default; only an ``id`` may have none."""
    return getattr(attrs.fields(cast("Any", cls)), name).default is attrs.NOTHING


# Helpers of the generated functions ---------------------------------------------------------------------


def _odd(value: Any, fix: Convert, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """Return the value to keep for one that is null, absent or of an unexpected type."""
    return None if value is None or value is ABSENT else fix(value, unexpected_types, where)


def _no_id(value: Any, _: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """Return the value to keep for an id that is not a string: empty if it is missing or null, otherwise itself."""
    return _unexpected("" if value is ABSENT or value is None else value, unexpected_types, where)


def _unexpected(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    unexpected_types[where] = unexpected_types.get(where, 0) + 1
    return value


def _time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return _odd_time(value, unexpected_types, where)
    # fromisoformat takes the 13 digits of epoch milliseconds for a day and an hour
    if len(value) > 8 and value.isdigit():
        return _odd_time(value, unexpected_types, where)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _odd_time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """Decode a JavaScript date, an HTTP date, or epoch seconds or milliseconds as a number or a string."""
    text: Any = value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        text = str(int(value))
    if not isinstance(text, str) or (text.lstrip("-").isdigit() and not 9 < len(text) < 16):
        return _unexpected(value, unexpected_types, where)
    found = read_date(text.removesuffix(" UTC"))
    return _unexpected(value, unexpected_types, where) if found is None else found


def _int(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    # lemlist sends "50" for an SMTP mailbox where it sends 50 for a Google one
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is float else _unexpected(value, unexpected_types, where)


def _float(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    return value if type(value) is int else _unexpected(value, unexpected_types, where)


_SCALARS: dict[type, Convert] = {str: _unexpected, bool: _unexpected, int: _int, float: _float}
