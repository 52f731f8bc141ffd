"""The vendor's document, read where LEMLIST_OPENAPI points; it is no part of this repository."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

_VERBS = ("get", "post", "put", "patch", "delete")


@attrs.frozen
class Operation:
    """One operation of the document."""

    wire: str
    query: frozenset[str]
    body: frozenset[str]
    examples: tuple[tuple[str, Any], ...]
    """Status and JSON of each example of a success."""


def load() -> list[Operation]:
    """All operations of the document."""
    document = json.loads(pathlib.Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())
    reader = _Reader(document)
    return [
        reader.operation(verb, path, item)
        for path, item in document["paths"].items()
        for verb in _VERBS
        if verb in item
    ]


def answers() -> list[tuple[str, Any]]:
    """(operation, schema) of each JSON answer of a success, references resolved."""
    document = json.loads(pathlib.Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())
    reader = _Reader(document)
    return [
        (f"{verb.upper()} {path}", reader.resolved(schema))
        for path, item in document["paths"].items()
        for verb in _VERBS
        if verb in item
        for schema in reader.answers(item[verb]["responses"])
    ]


@attrs.frozen
class Constraint:
    """One thing that the document asks of a value to send."""

    wire: str
    place: str
    """``query state``, ``path email`` or ``body filters[].filterId``."""
    kind: str
    """The word of JSON Schema, such as ``minItems``; ``required`` for each name that is required."""
    value: Any

    def __str__(self) -> str:
        return f"{self.wire} {self.place} {self.kind}"


_KINDS = (
    "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
    "minProperties", "maxProperties", "uniqueItems",
)  # fmt: skip


def constraints() -> list[Constraint]:
    """All that the document asks of parameters and bodies."""
    document = json.loads(pathlib.Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())
    reader = _Reader(document)
    return [
        Constraint(f"{verb.upper()} {path}", place, kind, value)
        for path, item in document["paths"].items()
        for verb in _VERBS
        if verb in item
        for place, kind, value in reader.constraints(verb, item)
    ]


class _Reader:
    def __init__(self, document: Any) -> None:
        self._document = document

    def operation(self, verb: str, path: str, item: Mapping[str, Any]) -> Operation:
        spec = item[verb]
        parameters = [
            self._resolve(one) for one in (*item.get("parameters", ()), *spec.get("parameters", ()))
        ]
        content = self._resolve(spec.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return Operation(
            f"{verb.upper()} {path}",
            frozenset(one["name"] for one in parameters if one["in"] == "query"),
            frozenset(self._names(schema)) if schema else frozenset(),
            tuple(self._examples(spec["responses"])),
        )

    def answers(self, responses: Mapping[str, Any]) -> Iterator[Any]:
        for status, response in responses.items():
            media = self._resolve(response).get("content", {}).get("application/json", {})
            if status.startswith("2") and "schema" in media:
                yield media["schema"]

    def resolved(self, schema: Any, left: int = 8) -> Any:
        schema = self._resolve(schema)
        if not isinstance(schema, dict) or left < 1:
            return schema
        return {
            name: [self.resolved(one, left - 1) for one in inner]
            if isinstance(inner, list)
            else {key: self.resolved(one, left - 1) for key, one in inner.items()}
            if name == "properties"
            else self.resolved(inner, left - 1)
            for name, inner in schema.items()
        }

    def constraints(self, verb: str, item: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
        spec = item[verb]
        for one in (*item.get("parameters", ()), *spec.get("parameters", ())):
            parameter = self._resolve(one)
            place = f"{parameter['in']} {parameter['name']}"
            if parameter.get("required") and parameter["in"] == "query":
                yield place, "required", True
            yield from self._asked(parameter.get("schema", {}), place)
        content = self._resolve(spec.get("requestBody", {})).get("content", {})
        yield from self._asked(content.get("application/json", {}).get("schema", {}), "body")

    def _asked(self, schema: Any, place: str) -> Iterator[tuple[str, str, Any]]:
        schema = self._resolve(schema)
        yield from ((place, kind, schema[kind]) for kind in _KINDS if kind in schema)
        for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
            yield from self._asked(branch, place)
        inside = f"{place} " if place == "body" else f"{place}."
        for name in schema.get("required", ()):
            yield f"{inside}{name}", "required", True
        for name, inner in schema.get("properties", {}).items():
            yield from self._asked(inner, f"{inside}{name}")
        if "items" in schema:
            yield from self._asked(schema["items"], f"{place} []" if place == "body" else f"{place}[]")

    def _examples(self, responses: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for status, response in responses.items():
            media = self._resolve(response).get("content", {}).get("application/json", {})
            if status.startswith("2"):
                if "example" in media:
                    yield status, media["example"]
                for one in media.get("examples", {}).values():
                    yield status, self._resolve(one)["value"]

    def _names(self, schema: Any, prefix: str = "") -> Iterator[str]:
        schema = self._resolve(schema)
        if "properties" in schema:
            for name, inner in schema["properties"].items():
                yield from self._names(inner, f"{prefix}.{name}" if prefix else name)
        elif schema.get("type") == "array":
            inner = self._resolve(schema["items"])
            yield from self._names(inner, f"{prefix}[]") if "properties" in inner else (prefix,)
        else:
            yield prefix

    def _resolve(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            target = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node
