"""Checks of arguments against lemlist's document before anything is sent.

The annotation of a field holds its checks: a closed `Literal` accepts its values only, and `Literal[...] | str` any
text, since lemlist adds to that list. Marks beside the type give a range, a length or a form. `Lemlist.request` sends
values that lemlist introduced later.
"""

from __future__ import annotations

import enum
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeGuard, Union, cast, get_args, get_origin, is_typeddict

import attrs

from lemlist_async.core.names import marks
from lemlist_async.errors import InvalidInputError


@attrs.frozen
class Between:
    """Documented range of a number."""

    low: float
    high: float = math.inf


@attrs.frozen
class Length:
    """Documented range of the length of a text or a list."""

    low: int = 0
    high: int | None = None


@attrs.frozen
class Form:
    """Documented form of a text: a key of `FORMS`."""

    name: str


Take = Callable[[str, Any], Any]
"""Check: (name, value) to the value to send; raises InvalidInputError where lemlist would refuse it."""
Nested = Callable[[type, Any], Any]
"""Encoder of nested values: (TypedDict, mapping) to a JSON object."""


_WEB = re.compile(
    r"https?://[^\s/?#\x00-\x1f\x7f\ud800-\udfff][^\s\x00-\x1f\x7f\ud800-\udfff]*", re.IGNORECASE
)

# Forms --------------------------------------------------------------------------------------------------


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and _is_moment(text)


def is_web_address(text: str) -> bool:
    """Return whether a text is an http or https address without blanks, control characters and lone surrogates."""
    return _WEB.fullmatch(text) is not None


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


FORMS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "clock": ("a time of day such as '09:30'", _matches(r"([01]\d|2[0-3]):[0-5]\d")),
    "date-time": ("a time in ISO 8601", _is_moment),
    "date": ("a day such as '2026-03-04'", _is_day),
    "moment": (
        "a time in ISO 8601, or seconds since 1970",
        lambda text: _is_moment(text) or text.isdigit(),
    ),
    "email": ("an e-mail address", lambda text: re.fullmatch(r"[^\s@]+@[^\s@]+", text) is not None),
    "url": ("an http or https URL", is_web_address),
}
"""Forms of texts: the words for an error, and the test."""


def check_form(name: str, value: str, form: str) -> str:
    """Return a text that has the form that lemlist documents.

    Raises:
        InvalidInputError: the text has another form.
    """
    wanted, fits = FORMS[form]
    if not fits(value):
        raise InvalidInputError(f"{name} must be {wanted}, not {value!r}")
    return value


def check_campaign_id(value: object) -> str:
    """Return the id of a campaign.

    Raises:
        InvalidInputError: the value does not begin with ``cam_``.
    """
    if not isinstance(value, str) or not value.startswith("cam_"):
        # lemlist answers 200 to another id, and creates nothing
        raise InvalidInputError(f"a campaign id begins with cam_, and {_shown(value)} does not")
    return value


def check_flat(name: str, value: object) -> None:
    """Refuse a nested value, which lemlist would store as the text ``[object Object]``.

    Raises:
        InvalidInputError: the value is a mapping, a list, a tuple or a set.
    """
    if isinstance(value, Mapping | list | tuple | set):
        raise InvalidInputError(f"{name!r} is nested, which lemlist keeps as '[object Object]'; flatten it")


def chosen(name: str, value: Any, among: Any) -> Any:
    """Return a value that is one of a `Literal`'s.

    Raises:
        InvalidInputError: the value is not among them.
    """
    members = among.__args__
    return value if type(value) is str and value in members else _chosen(name, value, members)


# Lists --------------------------------------------------------------------------------------------------


def many(name: str, value: Any, low: int = 0, high: int | None = None) -> list[Any]:
    """The items of a list, tuple, set or iterator.

    Raises:
        InvalidInputError: it is one text, whose characters would count as items, or no list at all; or it has
            fewer items than `low`, or more than `high`.
    """
    if isinstance(value, str | bytes | bytearray):
        raise InvalidInputError(f"{name} must be a list, not one text: put it in brackets")
    if not is_many(value):
        raise InvalidInputError(f"{name} must be a list, not {type(value).__name__}")
    items = list(value)
    check_length(name, items, Length(low, high))
    return items


def texts(name: str, value: Any, low: int = 0, high: int | None = None) -> list[str]:
    """Return the items of a list of texts.

    Raises:
        InvalidInputError: as `many`, or an item is not a text.
    """
    return [_text(f"{name}[{place}]", item) for place, item in enumerate(many(name, value, low, high))]


def is_many(value: Any) -> TypeGuard[Iterable[Any]]:
    """Return whether a value is a collection, but neither text nor a mapping."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be a text, not {type(value).__name__}")
    return value


# Ranges -------------------------------------------------------------------------------------------------


def check_number(name: str, value: Any, span: Between) -> None:
    """Refuse a value that is not a number in its range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"{name} must be a number, not {type(value).__name__}")
    if not span.low <= value <= span.high:
        limits = f"at least {span.low:g}" if span.high == math.inf else f"from {span.low:g} to {span.high:g}"
        raise InvalidInputError(f"{name} must be {limits}, not {value!r}")


def check_length(name: str, value: Any, span: Length) -> None:
    """Refuse a text or a list that is too short or too long."""
    count = len(value) if hasattr(value, "__len__") else -1
    if count < 0:
        raise InvalidInputError(f"{name} must be a text or a list, not {type(value).__name__}")
    what = "character" if isinstance(value, str) else "item"
    if count < span.low:
        raise InvalidInputError(f"{name} must have at least {_counted(span.low, what)}, not {count}")
    if span.high is not None and count > span.high:
        raise InvalidInputError(f"{name} may have at most {_counted(span.high, what)}, not {count}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


# From annotations ---------------------------------------------------------------------------------------


def taker(hint: Any, nested: Nested) -> Take:
    """Return the function that checks values of an annotation; None passes as null."""
    own = _Marks(
        next(marks(hint, Between), None),
        next(marks(hint, Length), None),
        tuple(FORMS[mark.name] for mark in marks(hint, Form)),
    )
    kinds = _alternatives(hint)
    inside = next((kind for kind in kinds if get_origin(kind) is Sequence), None)
    scalars = [kind for kind in kinds if kind is not inside]
    one = None if inside is not None and not scalars else _one(scalars, own, nested)
    several = None if inside is None else _several(get_args(inside)[0], own, nested)

    def take(name: str, value: Any) -> Any:
        if value is None:
            return None
        if several is not None and (one is None or is_many(value)):
            return several(name, value)
        return value if one is None else one(name, value)

    return take


def unchecked(hint: Any) -> type | None:
    """Return the type whose values pass `taker` unchanged; None if all values are checked."""
    kinds = _alternatives(hint)
    if get_origin(hint) is Annotated and any(
        isinstance(mark, Between | Length | Form) for mark in hint.__metadata__
    ):
        return None
    return next((kind for kind in (str, bool) if kind in kinds), None)


@attrs.frozen
class _Marks:
    between: Between | None
    length: Length | None
    forms: tuple[tuple[str, Callable[[str], bool]], ...]

    def check(self, name: str, value: Any) -> None:
        if self.between is not None:
            check_number(name, value, self.between)
        if isinstance(value, str):
            for wanted, fits in self.forms:
                if not fits(value):
                    raise InvalidInputError(f"{name} must be {wanted}, not {value!r}")


def _alternatives(hint: Any) -> list[Any]:
    """Return the types of a union, without marks and None."""
    if get_origin(hint) is Annotated:
        return _alternatives(hint.__origin__)
    if get_origin(hint) in {Union, types.UnionType}:
        return [one for arg in get_args(hint) for one in _alternatives(arg) if one is not type(None)]
    return [hint]


def _several(item: Any, own: _Marks, nested: Nested) -> Take:
    inner = taker(item, nested)
    length = own.length or Length()

    def take(name: str, value: Any) -> list[Any]:
        items = [inner(name, one) for one in many(name, value, length.low, length.high)]
        for one in items:
            if one is None:
                raise InvalidInputError(f"{name} holds None, which is no item")
            own.check(name, one)
        return items

    return take


def _one(kinds: Sequence[Any], own: _Marks, nested: Nested) -> Take:
    spec = next((kind for kind in kinds if is_typeddict(kind)), None)
    if spec is not None:
        return lambda name, value: nested(spec, _mapping(name, value))
    literals = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    if literals and str not in kinds:
        return lambda name, value: _chosen(name, value, literals)
    allowed = [_KINDS[kind] for kind in map(_plain, kinds) if kind in _KINDS]
    if Any in kinds or not allowed:
        allowed = []

    def take(name: str, value: Any) -> Any:
        if allowed and not any(fits(value) for _, fits in allowed):
            raise InvalidInputError(f"{name} must be {allowed[0][0]}, not {_shown(value)}")
        own.check(name, value)
        if own.length is not None:
            check_length(name, value, own.length)
        return value

    return take


def _plain(kind: Any) -> Any:
    """Return `str` for a Literal of texts, the origin of a generic type, or the type itself."""
    if get_origin(kind) is Literal:
        return type(cast("object", get_args(kind)[0]))
    return get_origin(kind) or kind


def _chosen(name: str, value: Any, among: Sequence[Any]) -> Any:
    given = value.value if isinstance(value, enum.Enum) else value
    # `in` takes True for 1
    if not any(given == one and isinstance(given, bool) is isinstance(one, bool) for one in among):
        raise InvalidInputError(f"{name} must be one of {', '.join(map(repr, among))}, not {_shown(value)}")
    return given


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{name} must be a mapping, not {_shown(value)}")
    return cast("Mapping[str, Any]", value)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def _is_text(value: Any) -> bool:
    # a number or a day is as good as its text; lemlist would turn a nested value into "[object Object]"
    return isinstance(value, str | date | enum.Enum) or _is_number(value)


_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", _is_text),
    bool: ("True or False", lambda value: isinstance(value, bool)),
    int: ("a whole number", _is_whole),
    float: ("a number", _is_number),
    datetime: ("a time", lambda value: isinstance(value, date)),
    date: ("a day", lambda value: isinstance(value, date)),
    Mapping: ("a mapping", lambda value: isinstance(value, Mapping)),
}
