"""Validators for the fields of option classes; each refuses a value with the name of the option."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from lemlist_async.errors import ConfigurationError

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def satisfies(words: str, holds: Callable[[Any], bool], *, or_none: bool = False) -> Check:
    """Return a validator for values of which `holds` is true; `words` say what they are: "a number from 1"."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not (holds(value) or (or_none and value is None)):
            name = f"{type(instance).__name__}.{attribute.name}"
            none = "None or " if or_none else ""
            raise ConfigurationError(f"{name} must be {none}{words}, not {_shown(value)}")

    return check


def number(
    low: float = 0,
    high: float | None = None,
    *,
    above: bool = False,
    whole: bool = False,
    infinite: bool = False,
    or_none: bool = False,
) -> Check:
    """Return a validator for numbers of a range; `above` leaves its lower end out, `infinite` lets infinity in."""
    kind = "a whole number" if whole else "a number"
    span = f"above {low:g}" if above else f"from {low:g}"
    if high is not None:
        span += f" and at most {high:g}" if above else f" to {high:g}"

    def holds(value: Any) -> bool:
        if not is_number(value, infinite=infinite) or (whole and not isinstance(value, int)):
            return False
        return (value > low if above else value >= low) and (high is None or value <= high)

    return satisfies(f"{kind} {span}", holds, or_none=or_none)


def one_of(values: Sequence[str]) -> Check:
    """Return a validator for words of a list."""
    return satisfies("one of " + ", ".join(values), lambda value: value in values)


def instance_of(kind: type) -> Check:
    """Return a validator for instances of a class."""
    words = "True or False" if kind is bool else f"a {kind.__name__}"
    return satisfies(words, lambda value: isinstance(value, kind))


def is_number(value: object, *, infinite: bool = False) -> bool:
    """Tell whether a value is a number that a float can hold; True and NaN are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) or (infinite and not math.isnan(value))
    except OverflowError:  # a whole number beyond all floats, which could not be added to a time
        return False


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a whole number of {value.bit_length()} bits"  # Python itself refuses to write very long ones
    return repr(value)
