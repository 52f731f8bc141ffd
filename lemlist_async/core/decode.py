"""JSON to models: a straight-line function for each class and each order of keys in which it comes.

Lenient: an unknown key stays in `extra` under its own name, a value of an unexpected type is kept as it came
and counted. Rows of one list have their keys in one order, so a function that knows the order asks for no key.
Times and models within the model are left to `late`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeGuard, Union, cast, get_args, get_origin

import attrs

from lemlist_async.core.headers import read_date
from lemlist_async.core.lazy import UNDECODED, make_lazy
from lemlist_async.core.structure import ABSENT, Model, cached, fields_of, hints_of
from lemlist_async.core.wire import UnexpectedTypes, is_array, is_object
from lemlist_async.masked import mask, masked, secretive

Decoder = Callable[[Any, UnexpectedTypes], Any]
Convert = Callable[[Any, UnexpectedTypes, str], Any]
"""Of a value that is not yet what the field promises: (value, unexpected_types, field) to what is kept."""

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
        item = get_args(into)[0]
        return _rows_of(item) if _is_model(item) else _list_of(decoder(item), str(into))
    if origin is dict:
        return _mapping_of(decoder(get_args(into)[1]), str(into))
    return _model(into) if _is_model(into) else lambda value, _: value


def _is_model(into: Any) -> TypeGuard[type[Model]]:
    return isinstance(into, type) and issubclass(into, Model)


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


def _model(cls: type[Model]) -> Decoder:
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


def _rows_of(cls: type[Model]) -> Decoder:
    """A list of models: a row of the shape of the one before it needs no look-up, and no call in between."""
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
def _shapes(cls: type[Model]) -> dict[tuple[str, ...], Decoder]:
    """The functions made so far, by the order of keys they are for."""
    return {}


def _meet(cls: type[Model], shape: tuple[str, ...]) -> Decoder:
    """The function for a new order of keys: one of its own, while they are few."""
    shapes = _shapes(cls)
    if len(shapes) >= SHAPES or len(shape) > LONGEST:
        return _of_any_shape(cls)
    return shapes.setdefault(shape, _written(cls, shape))


@cached
def _of_any_shape(cls: type[Model]) -> Decoder:
    return _written(cls, tuple(wire for _, wire, _ in fields_of(cls)), sparse=True)


def _kind(cls: type[Model], name: str) -> Any:
    return _plain(hints_of(cls)[name])


def _nested(kind: Any) -> Convert:
    # the decoder only when it is needed: a model may hold itself, and is not there yet
    return lambda value, unexpected_types, _: decoder(kind)(value, unexpected_types)


def _at_once(kind: Any) -> type | None:
    """The type in JSON of what is kept as it is, which is checked; `object` is not. None: there is more to do."""
    if kind in {Any, dict, list} or (get_origin(kind) in {dict, list} and get_args(kind)[-1] is Any):
        return object
    if get_origin(kind) in {dict, list} and _plain(get_args(kind)[-1]) in {Any, *_SCALARS}:
        return cast("type", get_origin(kind))
    return cast("type", kind) if kind in _SCALARS else None


def read_again(cls: type[Model], name: str, came: Any) -> Any:
    """What a value that came was read as, at first."""
    kind = _kind(cls, name)
    if came is None or came is ABSENT:
        return "" if _required(cls, name) else None
    return _time(came, {}, "") if kind is datetime else _SCALARS.get(kind, _unexpected)(came, {}, "")


# Writing the functions ----------------------------------------------------------------------------------


def _written(cls: type[Model], shape: Sequence[str], *, sparse: bool = False) -> Decoder:
    """The function for objects with these keys in this order; in a `sparse` one, values may be ABSENT.

    Keys go in as literals by `str.__repr__` itself: a subclass of str could write anything in its own.
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
    exec(source, names)  # noqa: S102  # made of our own class's names and of keys as literals, nothing else
    made: Decoder = names["decode"]
    return made


def _field(cls: type[Model], name: str, v: str, names: dict[str, Any]) -> Iterator[str]:
    """Check the value in the local variable `v`, and set the field."""
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


def _absent(cls: type[Model], names: Sequence[str]) -> Iterator[str]:
    optional = [name for name in names if not _required(cls, name)]
    if optional:
        yield " = ".join(f"self.{name}" for name in optional) + " = None"
    for name in names:
        if _required(cls, name):
            yield f"self.{name} = no_id(ABSENT, None, unexpected_types, '{cls.__name__}.{name}')"


def _required(cls: type[Model], name: str) -> bool:
    """Whether a field has no default; only an ``id`` may have none."""
    return getattr(attrs.fields(cls), name).default is attrs.NOTHING


# What the functions call --------------------------------------------------------------------------------


def _odd(value: Any, fix: Convert, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """What becomes of a value that is null, absent or of another type than promised."""
    return None if value is None or value is ABSENT else fix(value, unexpected_types, where)


def _no_id(value: Any, _: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """What an id becomes that is no text: empty where it is missing or null, else itself."""
    return _unexpected("" if value is ABSENT or value is None else value, unexpected_types, where)


def _unexpected(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    unexpected_types[where] = unexpected_types.get(where, 0) + 1
    return value


def _time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return _odd_time(value, unexpected_types, where)
    if (
        len(value) > 8 and value.isdigit()
    ):  # 13 digits are milliseconds, which are a day and an hour to fromisoformat
        return _odd_time(value, unexpected_types, where)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _odd_time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """A JavaScript date, an HTTP date, or seconds or milliseconds since 1970, as a number or a text."""
    text: Any = value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        text = str(int(value))
    if not isinstance(text, str) or (text.lstrip("-").isdigit() and not 9 < len(text) < 16):
        return _unexpected(value, unexpected_types, where)
    found = read_date(text.removesuffix(" UTC"))
    return _unexpected(value, unexpected_types, where) if found is None else found


def _int(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    # an SMTP mailbox has "50" where a Google one has 50
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is float else _unexpected(value, unexpected_types, where)


def _float(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    return value if type(value) is int else _unexpected(value, unexpected_types, where)


_SCALARS: dict[type, Convert] = {str: _unexpected, bool: _unexpected, int: _int, float: _float}
