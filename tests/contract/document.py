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
