"""Straight-line functions from a JSON object to a model, generated for the fields that a program looks at.

The rows of a list have their keys in one order, so a function written for that order looks up no key. Such a function
fills only slots whose value is as usual. Everything else waits until it is looked at, and is counted there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from lemlist_async.core.lazy import Field, Lazy
from lemlist_async.core.wire import UnexpectedTypes
from lemlist_async.masked import masked, secretive

Make = Callable[[dict[str, Any], UnexpectedTypes], Lazy]
"""Function from a JSON object to a model."""
MakeRows = Callable[[list[Any], UnexpectedTypes], list[Lazy] | None]
"""Function from a list of JSON objects to models; None if something else is among them."""


def generate_make(
    cls: type[Lazy],
    fields: Mapping[str, Field],
    hot: Collection[str],
    shape: Sequence[str] | None,
    known: frozenset[str],
) -> Make:
    """Generate the function that makes a `cls`, with the slots of the `hot` fields filled.

    Args:
        cls: The model.
        fields: Its fields by their names in Python.
        hot: The fields to fill, and ``extra`` if unknown keys are to be put there.
        shape: The keys of the object in their order; None for objects with any keys.
        known: Names of all fields on the wire.
    """
    names: dict[str, Any] = {"known": known}
    lines = [*_lines(fields, hot, shape, known, names), "return self"]
    made: Make = _compiled("raw, unexpected_types", lines, cls, names)
    return made


def generate_rows(
    cls: type[Lazy], fields: Mapping[str, Field], hot: Collection[str], known: frozenset[str]
) -> MakeRows:
    """Generate the function for a list of objects with any keys; it returns None if something else is among them."""
    names: dict[str, Any] = {"known": known}
    lines = [
        "found = []",
        "for raw in value:",
        "    if type(raw) is not dict: return None",
        *(f"    {line}" for line in _lines(fields, hot, None, known, names)),
        "    found.append(self)",
        "return found",
    ]
    made: MakeRows = _compiled("value, unexpected_types", lines, cls, names)
    return made


def _compiled(parameters: str, lines: Sequence[str], cls: type[Lazy], names: dict[str, Any]) -> Any:
    source = f"def made({parameters}):\n" + "".join(f"    {line}\n" for line in lines)
    names |= {"cls": cls, "new": object.__new__, "masked": masked, "secretive": secretive}
    exec(source, names)  # noqa: S102  # the source holds names of our own classes, and keys as literals
    return names["made"]


def _lines(
    fields: Mapping[str, Field],
    hot: Collection[str],
    shape: Sequence[str] | None,
    known: frozenset[str],
    names: dict[str, Any],
) -> Iterator[str]:
    """Yield the lines that make `self` from `raw`, and put what they need into `names`."""
    yield from ("self = new(cls)", "self._raw = raw", "self._unexpected_types = unexpected_types")
    wanted = {field.wire: field for name, field in fields.items() if name in hot}
    yield from _by_key(wanted, names) if shape is None else _by_position(wanted, shape, names)
    if "extra" in hot:
        yield f"self.extra = {_unknown(shape, known)}"


def _by_key(wanted: Mapping[str, Field], names: dict[str, Any]) -> Iterator[str]:
    for index, (wire, field) in enumerate(wanted.items()):
        yield f"v{index} = raw.get({_literal(wire)})"
        yield _set(field, f"v{index}", names)


def _by_position(wanted: Mapping[str, Field], shape: Sequence[str], names: dict[str, Any]) -> Iterator[str]:
    if shape:
        yield "".join(f"v{index}, " for index in range(len(shape))) + "= raw.values()"
    for index, wire in enumerate(shape):
        if wire in wanted:
            yield _set(wanted[wire], f"v{index}", names)
    absent = [field.name for wire, field in wanted.items() if wire not in shape and not field.required]
    if absent:
        yield " = ".join(f"self.{name}" for name in absent) + " = None"


def _set(field: Field, v: str, names: dict[str, Any]) -> str:
    """Return the line that fills a slot with the local variable `v`, if that is of the usual type."""
    fill, usual = f"self.{field.name} = {v}", field.types
    if usual is None:
        names[f"{v}f"] = field.usual
        return f"if {v} is None or ({v} := {v}f({v}, unexpected_types)) is not None: {fill}"
    if usual == (object,):
        return fill
    for index, kind in enumerate(usual):
        names[f"{v}t{index}"] = kind
    types = [f"type({v}) is {v}t{index}" for index in range(len(usual))]
    return f"if {' or '.join(types if field.required else [*types, f'{v} is None'])}: {fill}"


def _unknown(shape: Sequence[str] | None, known: frozenset[str]) -> str:
    if shape is None:
        value = "masked(value) if secretive(key) else value"
        return f"{{key: {value} for key, value in raw.items() if key not in known}}"
    values = {wire: f"v{index}" for index, wire in enumerate(shape) if wire not in known}
    items = [f"{_literal(key)}: {f'masked({v})' if secretive(key) else v}" for key, v in values.items()]
    return f"{{{', '.join(items)}}}"


def _literal(key: str) -> str:
    # the repr of a subclass of str could inject code
    return str.__repr__(key)
