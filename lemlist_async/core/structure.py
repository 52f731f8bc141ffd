"""JSON to models and back: one straight-line function per class, compiled when the class is first met.

Lenient in: an unknown key stays in `extra` under its own name, a value of an unexpected type is kept as it
came and counted. Exact out: `to_dict` gives back wire names, extras and nulls, so that nothing is lost.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from lemlist_async.core.wire import Surprises, is_array, is_object

T = TypeVar("T")
P = ParamSpec("P")


class _Absent:
    """Not there at all, which null must be told from."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


def cached(function: Callable[P, T]) -> Callable[P, T]:
    """`functools.cache` with the signature kept; to type checkers a model class does not look hashable."""
    return cast("Callable[P, T]", functools.cache(function))


@attrs.frozen
class Wire:
    """The name on the wire, where the rule (snake_case to camelCase) does not give it."""

    name: str


@attrs.frozen
class Secret:
    """Marks a field whose value is shown nowhere: a key, a hook's URL."""


Id = Annotated[str, Wire("_id")]


@attrs.define(kw_only=True, repr=False)
class Model:
    """What all answers have in common."""

    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Keys that this version of the library does not know, under their own names."""
    _wire: dict[str, tuple[Any, Any]] | None = attrs.field(default=None, init=False, eq=False)
    # what came, and what was made of it, where the one cannot be told from the other (null, "50" for 50)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Any:
        """Read a JSON object, such as the body of a webhook or what `to_dict` gave."""
        return decoder(cls)(dict(data), {})

    def to_dict(self) -> dict[str, Any]:
        """The JSON object again: wire names, extras and nulls included, times as text."""
        kept = self._wire or {}
        out = dict(self.extra)
        for name, wire, _ in fields_of(type(self)):
            value = getattr(self, name)
            came, made = kept.get(wire, (ABSENT, ABSENT))
            if made is not ABSENT and made == value:
                value = came
            elif value is None:
                continue
            if value is not ABSENT:
                out[wire] = unstructure(value)
        return out

    def __repr__(self) -> str:
        shown = [
            f"{name}={'…' if secret else repr(value)}"
            for name, _, secret in fields_of(type(self))
            if (value := getattr(self, name)) is not None
        ]
        if self.extra:
            shown.append(f"extra={{{', '.join(f'{key!r}: …' for key in self.extra)}}}")
        return f"{type(self).__name__}({', '.join(shown)})"


class SnakeModel(Model):
    """An answer whose keys lemlist spells in snake_case, as those of its databases."""


@dataclass_transform(kw_only_default=True, field_specifiers=(attrs.field,))
def model(cls: type[T]) -> type[T]:
    """Make a model: attrs, mutable, slotted, keyword-only."""
    return attrs.define(cls, kw_only=True, repr=False)


def camel(name: str) -> str:
    """snake_case to camelCase."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


@cached
def hints_of(cls: type) -> dict[str, Any]:
    """A class's annotations with their marks."""
    return get_type_hints(cls, include_extras=True)


def marks(hint: Any, kind: type[T]) -> Iterator[T]:
    """The marks of one kind on an annotation."""
    if get_origin(hint) is Annotated:
        yield from (mark for mark in hint.__metadata__ if isinstance(mark, kind))


@cached
def wire_name(cls: type, name: str) -> str:
    """The name of a field on the wire."""
    rule = str if SnakeModel in cls.__mro__ else camel
    return next((mark.name for mark in marks(hints_of(cls)[name], Wire)), rule(name))


@cached
def fields_of(cls: type[Model]) -> tuple[tuple[str, str, bool], ...]:
    """(name, wire name, whether it is secret) of each field of a model, `extra` left out."""
    hints = hints_of(cls)
    return tuple(
        (field.name, wire_name(cls, field.name), any(marks(hints[field.name], Secret)))
        for field in attrs.fields(cls)
        if field.name not in {"extra", "_wire"}
    )


def unstructure(value: Any) -> Any:
    """A model, a list or mapping of them, or a time, as JSON has it; all else as it is."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, datetime):
        return write_time(value)
    if is_array(value):
        return [unstructure(item) for item in value]
    if is_object(value):
        return {key: unstructure(item) for key, item in value.items()}
    return value


def write_time(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as lemlist writes it; a naive time is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Decoding -----------------------------------------------------------------------------------------------

Convert = Callable[[Any, Surprises, str], Any]
"""Of a value that is not yet what the field promises: (value, surprises, field) to what is kept."""


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


@cached
def decoder(into: Any) -> Callable[[Any, Surprises], Any]:
    """The function from parsed JSON to `into`: a model, a list or mapping of what this takes, or a scalar."""
    into = _plain(into)
    origin: Any = get_origin(into)
    if origin is list:
        return _list_of(decoder(get_args(into)[0]), str(into))
    if origin is dict:
        return _mapping_of(decoder(get_args(into)[1]), str(into))
    if isinstance(into, type) and issubclass(into, Model):
        return _compile(into)
    return lambda value, _: value


def _list_of(item: Callable[[Any, Surprises], Any], where: str) -> Callable[[Any, Surprises], Any]:
    def decode(value: Any, surprises: Surprises) -> Any:
        if not is_array(value):
            return _surprise(value, surprises, where)
        return [item(one, surprises) for one in value]

    return decode


def _mapping_of(item: Callable[[Any, Surprises], Any], where: str) -> Callable[[Any, Surprises], Any]:
    def decode(value: Any, surprises: Surprises) -> Any:
        if not is_object(value):
            return _surprise(value, surprises, where)
        return {key: item(one, surprises) for key, one in value.items()}

    return decode


def _compile(cls: type[Model]) -> Callable[[Any, Surprises], Any]:
    """Write and compile the decoder of a class.

    It takes each known key out of the object that the JSON parser has just made; what is left of that object
    is `extra`, so unknown keys cost nothing.
    """
    names: dict[str, Any] = {"new": object.__new__, "cls": cls, "surprise": _surprise, "remember": _remember}
    names["ABSENT"] = ABSENT
    lines = [
        "def decode(raw, surprises):",
        "    if type(raw) is not dict:",
        f"        return surprise(raw, surprises, {cls.__name__!r})",
        "    wire = remember(raw, cls) if None in raw.values() else None",
        "    self = new(cls)",
        "    pop = raw.pop",
    ]
    for index, (name, wire, _) in enumerate(fields_of(cls)):
        lines += _field(cls, name, wire, f"f{index}", names)
    lines += ["    self._wire = wire", "    self.extra = raw", "    return self"]
    exec("\n".join(lines), names)  # noqa: S102  # the source is made of our own class's names, nothing else
    made: Callable[[Any, Surprises], Any] = names["decode"]
    return made


def _field(cls: type[Model], name: str, wire: str, tag: str, names: dict[str, Any]) -> list[str]:
    kind, where = _plain(hints_of(cls)[name]), f"{cls.__name__}.{name}"
    if getattr(attrs.fields(cls), name).default is attrs.NOTHING:  # only an `id` may have none
        return [
            f"    v = pop({wire!r}, ABSENT)",
            "    if type(v) is not str:",
            f"        wire = wire or {{}}; surprise(v, surprises, {where!r})",
            f"        wire[{wire!r}] = (v, v if v is not ABSENT and v is not None else '')",
            f"        v = wire[{wire!r}][1]",
            "    self.id = v",
        ]
    take = f"    v = pop({wire!r}, None)"
    if kind is datetime:
        names[tag] = _time
        # 24 characters is the canonical form, which is written back just as it came
        return [
            take,
            "    if v is not None:",
            f"        t = {tag}(v, surprises, {where!r})",
            "        if t is not v and len(v) != 24:",
            f"            wire = wire or {{}}; wire[{wire!r}] = (v, t)",
            "        v = t",
            f"    self.{name} = v",
        ]
    if kind in _SCALARS:
        names[tag], names[f"{tag}t"] = _SCALARS[kind], kind
        return [
            take,
            f"    if v is not None and type(v) is not {tag}t:",
            f"        t = {tag}(v, surprises, {where!r})",
            "        if t is not v:",
            f"            wire = wire or {{}}; wire[{wire!r}] = (v, t)",
            "        v = t",
            f"    self.{name} = v",
        ]
    if kind is Any or kind is dict or kind is list or get_args(kind)[-1:] == (Any,):
        return [f"    self.{name} = pop({wire!r}, None)"]
    names[tag] = decoder(kind) if kind is not cls else _later(cls)
    return [take, f"    self.{name} = v if v is None else {tag}(v, surprises)"]


def _later(cls: type[Model]) -> Callable[[Any, Surprises], Any]:
    """The decoder of a class that holds itself, which is not there yet while it is being made."""

    def decode(value: Any, surprises: Surprises) -> Any:
        return decoder(cls)(value, surprises)

    return decode


def _remember(raw: dict[str, Any], cls: type[Model]) -> dict[str, tuple[Any, Any]]:
    """The known fields that came as null, which a missing key must be told from."""
    return {wire: (None, None) for _, wire, _ in fields_of(cls) if raw.get(wire, ABSENT) is None}
