"""Reference pages of the operations: one for each area of the API, with the models of its responses."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import attrs

from docs.site import types
from docs.site.examples import Example
from docs.site.types import Field
from lemlist_async import Effect, Lemlist
from lemlist_async.core.model import Model
from tests.contract.operations import ROWS, UNDOCUMENTED

EFFECTS = {
    Effect.READ: "read",
    Effect.IDEMPOTENT: "idempotent",
    Effect.DEDUPABLE: "dedup-able",
    Effect.UNSAFE: "unsafe",
}
AREAS = tuple(dict.fromkeys(row.name.partition(".")[0] for row in ROWS))
_SECTION = re.compile(r"^(Raises|Args|Returns|Yields|Fields):$", re.MULTILINE)
_WIRE = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) (/\S*)$", re.MULTILINE)


@attrs.frozen
class Doc:
    """Docstring of a method, taken apart."""

    text: str
    raises: tuple[tuple[str, str], ...]
    wires: tuple[str, ...]

    @classmethod
    def of(cls, thing: object) -> Doc:
        """Take the docstring of a function apart."""
        whole = inspect.getdoc(thing) or ""
        wires = tuple(f"{verb} {path}" for verb, path in _WIRE.findall(whole))
        parts = _SECTION.split(_WIRE.sub("", whole))
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        return cls(parts[0].strip(), tuple(entries(sections.get("Raises", ""))), wires)


def entries(section: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a docstring's section, each with what is said of it."""
    for entry in re.split(r"\n(?= {4}\S)", section.rstrip("\n")):
        name, _, about = " ".join(entry.split()).partition(": ")
        if name:
            yield name, about


def area_page(area: str, examples: dict[str, Example]) -> str:
    """Return the page of one area."""
    resource = type(getattr(Lemlist("a-key", "http://localhost:1"), area))
    about = inspect.getdoc(vars(Lemlist)[area].func) or ""
    parts = [f"# lemlist.{area}\n\n{about}\n"]
    for name, function in vars(resource).items():
        if not name.startswith("_") and inspect.isfunction(function):
            parts.append(_method(area, name, function, examples.get(f"{area}.{name}")))
    parts.append("## Models\n\nEach has `extra` too: what lemlist sends and this version does not know.\n")
    parts += [_model(model) for model in _models(resource)]
    return "\n".join(parts)


def _method(area: str, name: str, function: Any, example: Example | None) -> str:
    doc, hints = Doc.of(function), get_type_hints(function, include_extras=True)
    rows = [row for row in ROWS if row.name == f"{area}.{name}"]
    effects = dict.fromkeys(EFFECTS[row.effect] for row in rows)
    lines = [f"({area}.{name})=", f"## {name}", ""]
    lines += [
        f"`{wire}`" + (", not in lemlist's document" if wire in UNDOCUMENTED else "") for wire in doc.wires
    ]
    if effects:
        lines += ["", f"Effect of a repeat: [{' or '.join(effects)}](../faults.md)"]
    lines += ["", markdown(doc.text), ""]
    if example is not None:
        lines += ["```python", _call(name, function, example.source), "```", ""]
    lines += table(("argument", "type", "default", ""), _arguments(function, hints))
    lines += ["", f"Returns `{types.shown(hints['return'])}`.", ""]
    lines += [f"- `{error}`: {markdown(about)}" for error, about in doc.raises]
    return "\n".join(lines) + "\n"


def _call(name: str, function: Any, source: str) -> str:
    if inspect.iscoroutinefunction(function):
        return f"await {source}"
    returned = str(inspect.signature(function).return_annotation)
    if returned.startswith("Pages"):
        return f"async for one in {source}:\n    print(one)"
    return (
        f"async for row in {source}:\n    print(row)" if returned.startswith("CsvFile") else f"await {source}"
    )


def _arguments(function: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for parameter in itertools.islice(inspect.signature(function).parameters.values(), 1, None):
        hint = hints[parameter.name]
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from types.keys_of(get_args(hint)[0])
            continue
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "required" if parameter.default is parameter.empty else repr(parameter.default)
        yield Field(star + parameter.name, types.shown(hint), "" if star else default, types.ranges(hint))


def _models(resource: Any) -> list[type[Model]]:
    """Return the models of the module of a resource, in the order in which they stand there."""
    modules = [sys.modules[resource.__module__]]
    beside = sys.modules.get(f"{resource.__module__}_models")
    return [
        found
        for module in [*modules, *([beside] if beside else [])]
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Model) and found.__module__ == module.__name__
    ]


def _model(model: type[Model]) -> str:
    lines = [f"({model.__name__})=", f"### {model.__name__}", "", markdown(inspect.getdoc(model) or ""), ""]
    lines += table(("field", "type", "lemlist's name", ""), types.fields_of_model(model))
    return "\n".join(lines) + "\n"


def table(head: tuple[str, str, str, str], fields: Iterable[Field]) -> list[str]:
    """Return the lines of a table; none without a field."""
    rows = [
        f"| `{field.name}` | `{_cell(field.type)}` | {_code(field.default)} | {_cell(markdown(field.about))} |"
        for field in fields
    ]
    return [f"| {' | '.join(head)} |", "|---|---|---|---|", *rows] if rows else []


def _code(text: str) -> str:
    return text if text in {"", "required", "not sent"} else f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def markdown(text: str) -> str:
    """Return the text of a docstring as Markdown."""
    return text.replace("``", "`")
