"""Models: what their fields are called on the wire, and their way back to JSON with nothing lost."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    ParamSpec,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_origin,
    get_type_hints,
)

import attrs

from lemlist_async.core.lazy import Lazy, Source
from lemlist_async.core.wire import is_array, is_object
from lemlist_async.errors import InvalidInputError
from lemlist_async.masked import HIDDEN, Masked

T = TypeVar("T")
P = ParamSpec("P")


class _Absent:
    """Not there at all, which null must be told from."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"  # a copy is the same: it is told by identity


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
class Model(Lazy):
    """What all answers have in common."""

    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Keys that this version of the library does not know, under their own names."""
    _source: Source | None = attrs.field(default=None, alias="_source", eq=False)
    # the JSON object as a field, so that attrs.evolve hands it on: a property below, and opaque to attrs.asdict

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a JSON object, such as the body of a webhook or what `to_dict` gave.

        Raises:
            InvalidInputError: a key, at any depth, is no string.
        """
        from lemlist_async.core.decode import decoder  # which imports this module

        # a copy: a part may be read later, and the given object have changed by then
        read: Self = decoder(cls)(_copied(dict(data)), {})
        return read

    def to_dict(self) -> dict[str, Any]:
        """The JSON object again: wire names, extras and nulls included, times as text."""
        out: dict[str, Any] = unstructure(self.extra)
        for name, wire, _ in fields_of(type(self)):
            value = getattr(self, name)
            if self._raw is not None:
                value = _as_it_came(type(self), name, value, self._raw.get(wire, ABSENT))
            elif value is None:
                continue
            if value is not ABSENT:
                out[wire] = unstructure(value)
        return out

    def __hash__(self) -> int:
        raise TypeError(
            f"a {type(self).__name__} can be changed, and has no hash: take its id as a key, or id(…) for the object"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._shown())})"

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        """Give rich what `repr` shows, and no more."""
        return self._shown()

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """Names and values without secrets; of unknown keys the names alone."""
        for name, _, secret in fields_of(type(self)):
            if (value := getattr(self, name)) is not None:
                yield name, HIDDEN if secret else _short(value)
        if self.extra:
            yield "extra", dict.fromkeys(_some(self.extra), HIDDEN)


# attrs has made a slot of it
setattr(Model, "_source", property(Lazy._give_source, Lazy._take_source))  # noqa: B010  # pyright: ignore[reportPrivateUsage]

_LONGEST = 200
"""Characters of a text that `repr` shows."""
_MOST = 20
"""Items of a list or an object that `repr` shows."""
_DEEPEST = 4
"""Levels that `repr` shows."""


def _short(value: Any, left: int = _DEEPEST) -> Any:
    """A value as `repr` shows it: texts, lists and objects are cut where they are long."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    if left < 1 and (is_array(value) or is_object(value)):
        return HIDDEN
    if is_object(value):
        return {key: item if item is HIDDEN else _short(item, left - 1) for key, item in _some(value).items()}
    if is_array(value):
        return [_short(item, left - 1) for item in value[:_MOST]] + [HIDDEN] * (len(value) > _MOST)
    return value  # pyright: ignore[reportUnknownVariableType]  # anything


def _some(items: Mapping[str, Any]) -> dict[str, Any]:
    shown = {_short(key): value for key, value in itertools.islice(items.items(), _MOST)}
    return shown if len(items) <= _MOST else {**shown, "…": HIDDEN}


@dataclass_transform(kw_only_default=True, field_specifiers=(attrs.field,))
def model(cls: type[T]) -> type[T]:
    """Make a model: attrs, mutable, slotted, keyword-only."""
    made: Any = attrs.define(cls, kw_only=True, repr=False)
    made.__hash__ = Model.__hash__  # where attrs leaves None, whose error does not say what to do
    return cast("type[T]", made)


@model
class SnakeModel(Model):
    """An answer whose keys lemlist spells in snake_case, as those of its databases."""


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
        if field.name not in {"extra", "_source"}
    )


def _as_it_came(cls: type[Model], name: str, value: Any, came: Any) -> Any:
    """What stands for `value` in JSON: what came, unless it was changed; ABSENT for nothing."""
    if value is None:
        return None if came is None else ABSENT
    if value is came or isinstance(value, Model) or is_array(value) or is_object(value):
        return value  # pyright: ignore[reportUnknownVariableType]  # a list of anything
    from lemlist_async.core.decode import read_again  # which imports this module

    return came if read_again(cls, name, came) == value else value


def _copied(value: Any) -> Any:
    """JSON that a program gives, copied, with plain strings as keys: decoders are written for those that came."""
    if isinstance(value, str):  # most of what there is
        return value
    if is_object(value):
        return {_key(key): _copied(item) for key, item in value.items()}
    if is_array(value):
        return [_copied(item) for item in value]
    return _copied(value.to_dict()) if isinstance(value, Model) else unstructure(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidInputError(
            f"the keys of a JSON object are strings, and one is of type {type(key).__name__}"
        )
    # of an enum or another subclass, the text: what its own methods make of it is anybody's guess
    return str.__str__(key)


def unstructure(value: Any) -> Any:
    """A model, a list or mapping of them, or a time, as JSON has it; all else as it is."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, Masked):
        return str.__str__(value)
    if is_array(value):
        return [unstructure(item) for item in value]
    if is_object(value):
        return {key: unstructure(item) for key, item in value.items()}
    return value


def without_secrets(value: Any, redact: Callable[[str], str]) -> Any:
    """What `unstructure` gives, with ``…`` for secret fields, and every text as `redact` leaves it."""
    if isinstance(value, Model):
        out = value.to_dict()
        for name, wire, secret in fields_of(type(value)):
            if wire in out and out[wire] is not None:
                inner = getattr(value, name)
                out[wire] = str(HIDDEN) if secret else inner if isinstance(inner, Model | list) else out[wire]
        value = out
    if is_array(value):
        return [without_secrets(item, redact) for item in value]
    if is_object(value):
        return {
            # a result of the caller's own may have keys that are no texts
            redact(key) if type(key) is str else key: without_secrets(item, redact)
            for key, item in value.items()
        }
    plain = unstructure(value)
    return redact(plain) if isinstance(plain, str) else plain


def write_time(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as lemlist writes it; a naive time is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
