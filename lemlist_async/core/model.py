"""Base class of models, and the lossless way back to JSON."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, dataclass_transform

import attrs

from lemlist_async.core.decode import decoder, maker_of
from lemlist_async.core.lazy import Field, Lazy, Source
from lemlist_async.core.names import SnakeCase, fields_of
from lemlist_async.core.wire import is_array, is_object
from lemlist_async.errors import InvalidInputError
from lemlist_async.masked import HIDDEN, Masked

T = TypeVar("T")


@attrs.define(kw_only=True, repr=False, eq=False)
class Model(Lazy):
    """Base class of all models."""

    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Keys unknown to this version of the library, under their own names."""
    _source: Source | None = attrs.field(default=None, alias="_source", eq=False)
    # the JSON object as a field, so that attrs.evolve passes it on; a property below makes it opaque to attrs.asdict

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Decode a JSON object, such as the body of a webhook or the result of `to_dict`.

        Raises:
            InvalidInputError: a key, at any depth, is not a string.
        """
        # a copy: lazy fields are decoded later, when the caller may have changed the object
        read: Self = decoder(cls)(_copied(dict(data)), {})
        return read

    if not TYPE_CHECKING:  # a type checker must not take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Decode a field whose slot is empty: Python asks here for nothing else."""
            return maker_of(type(self)).look(self, name)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: wire names, with extras and nulls, and times as strings."""
        maker, raw = maker_of(type(self)), self._raw
        extra, *values = maker.values(self)
        out: dict[str, Any] = unstructure(extra)
        for field, value in zip(maker.fields.values(), values, strict=True):
            came = ABSENT if raw is None else raw.get(field.wire, ABSENT)
            given = value if value is came else _original(field, value, came)
            if given is not ABSENT:
                out[field.wire] = unstructure(given)
        return out

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model) or other.__class__ is not self.__class__:
            return NotImplemented
        maker = maker_of(type(self))
        return maker.values(self) == maker.values(other)

    def __hash__(self) -> int:
        raise TypeError(
            f"a {type(self).__name__} can be changed, and has no hash: take its id as a key, or id(…) for the object"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._shown())})"

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        """Yield to rich only what `repr` shows."""
        return self._shown()

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """Yield names and values without secrets; of unknown keys only the names."""
        maker = maker_of(type(self))
        extra, *values = maker.values(self)
        for field, value in zip(maker.fields.values(), values, strict=True):
            if value is not None:
                yield field.name, HIDDEN if field.secret else _short(value)
        if extra:
            yield "extra", dict.fromkeys(_some(extra), HIDDEN)


# attrs made a slot of the field
setattr(Model, "_source", property(Lazy._give_source, Lazy._take_source))  # noqa: B010  # pyright: ignore[reportPrivateUsage]

ABSENT: Any = object()
"""Marker of a missing key, as opposed to null."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types that JSON and models share."""
_LONGEST = 200
"""Characters of a text that `repr` shows."""
_MOST = 20
"""Items of a list or an object that `repr` shows."""
_DEEPEST = 4
"""Levels that `repr` shows."""


def _short(value: Any, left: int = _DEEPEST) -> Any:
    """Return a value as `repr` shows it: long strings, lists and objects are cut."""
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
    """Turn a class into a model: an attrs class that is mutable, slotted and keyword-only."""
    made: Any = attrs.define(cls, kw_only=True, repr=False, eq=False)
    made.__hash__ = Model.__hash__  # attrs leaves None, whose TypeError does not say what to do
    return cast("type[T]", made)


@model
class SnakeModel(SnakeCase, Model):
    """Model whose keys lemlist spells in snake_case, as those of its databases."""


def _original(field: Field, value: Any, raw: Any) -> Any:
    """Return the JSON for `value`: the original `raw`, unless the field was changed; ABSENT for a missing key."""
    if value is None:
        return None if raw is None else ABSENT
    if isinstance(value, Model) or is_array(value) or is_object(value):
        return value  # pyright: ignore[reportUnknownVariableType]  # a list of anything
    # an id that did not come is an empty text
    return raw if field.read({} if raw is ABSENT else {field.wire: raw}, {}, "") == value else value


def _copied(value: Any) -> Any:
    """Return a copy of JSON with plain strings as keys, for which decoders are generated."""
    if isinstance(value, str):  # the most frequent case first
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
    # the text of an enum or another subclass, whose own methods may return anything
    return str.__str__(key)


def unstructure(value: Any) -> Any:
    """Convert a model, a time, or a list or mapping of these to JSON; return anything else unchanged."""
    if type(value) in _PLAIN:
        return value
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
    """Return the result of `unstructure`, with ``…`` for secret fields and every string redacted by `redact`."""
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
            # a caller's own result may have keys that are not strings
            redact(key) if type(key) is str else key: without_secrets(item, redact)
            for key, item in value.items()
        }
    plain = unstructure(value)
    return redact(plain) if isinstance(plain, str) else plain


def write_time(value: datetime) -> str:
    """Format a time in ISO 8601 in UTC with milliseconds and ``Z``, as lemlist does; a naive time counts as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
