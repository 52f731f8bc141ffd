"""Strict mode: requests held against the vendor's OpenAPI document, which the user has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs

from lemlist_async.core.json import loads
from lemlist_async.sandbox.auth import TOKEN_PARAMETER
from lemlist_async.sandbox.tables import Record

__all__ = ["Document", "Violation"]

_VERBS: Final = ("get", "post", "put", "patch", "delete")
# the names of custom variables are the keys of the query; the document shows three samples
_FREE_QUERY: Final = "/leads/{leadId}/variables"


@attrs.frozen
class Violation:
    """One way in which a request differs from the vendor's document."""

    method: str
    template: str
    """The document's path template; "" for an unknown path."""
    reason: str


@attrs.define(eq=False)
class Document:
    """The vendor's document. OSError or ValueError if it cannot be read, ImportError without the extra `sandbox`."""

    path: str | os.PathLike[str]
    _operations: dict[tuple[str, str], Record] = attrs.field(init=False)
    _validator: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        try:
            from openapi_schema_validator import OAS30Validator, oas30_format_checker
        except ImportError:
            raise ImportError("a document needs the extra: pip install 'lemlist-async[sandbox]'") from None
        whole: object = loads(Path(self.path).read_bytes())
        if not isinstance(whole, dict) or "paths" not in whole:
            raise ValueError(f"{os.fspath(self.path)} is no OpenAPI document: it has no paths")
        document = cast("Record", whole)
        self._validator = OAS30Validator(document, format_checker=oas30_format_checker)
        self._operations = {
            (verb.upper(), template): {
                **operation,
                "parameters": [*item.get("parameters", ()), *operation.get("parameters", ())],
            }
            for template, item in document["paths"].items()
            for verb, operation in item.items()
            if verb in _VERBS
        }

    def violations(
        self,
        method: str,
        template: str,
        ids: Mapping[str, str],
        query: Mapping[str, list[str]],
        body: bytes,
        content_type: str,
    ) -> Iterator[Violation]:
        """Yield the ways in which a request differs from the document."""
        operation = self._operations.get((method, template))
        if operation is None:
            yield Violation(method, template, "the document has no such operation")
            return
        reasons = (
            *self._of_values(operation, template, ids, query),
            *self._of_body(operation, body, content_type),
        )
        for reason in reasons:
            yield Violation(method, template, reason)

    def _of_values(
        self, operation: Record, template: str, ids: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> Iterator[str]:
        declared = {(one["in"], one["name"]): one for one in operation["parameters"]}
        for (place, name), parameter in declared.items():
            values = query.get(name, []) if place == "query" else [ids[name]] if name in ids else []
            if not values and place == "query" and parameter.get("required"):
                yield f"the query has no {name}"
            for value in values:
                yield from self._of_text(f"{name} of the {place}", parameter.get("schema", {}), value)
        for name in query:
            if ("query", name) not in declared and name != TOKEN_PARAMETER and template != _FREE_QUERY:
                yield f"the query has {name}, which the document does not know"

    def _of_text(self, place: str, schema: Record, text: str) -> Iterator[str]:
        # lists in a query are comma lists, though the document types their items
        parts = text.split(",") if "enum" in schema else [text]
        for part in parts:
            value = _typed(str(schema.get("type", "string")), part)
            yield from (f"{place}: {reason}" for reason in self._against(schema, value))

    def _of_body(self, operation: Record, body: bytes, content_type: str) -> Iterator[str]:
        declared: Record = operation.get("requestBody", {}).get("content", {})
        kind = content_type.partition(";")[0].strip().lower()
        if not body:
            if operation.get("requestBody", {}).get("required"):
                yield "the body is missing"
        elif not declared:
            yield "the operation takes no body"
        elif kind not in declared:
            yield f"the content type is {kind or 'missing'}, not {' or '.join(declared)}"
        elif kind == "application/json":
            yield from self._of_json(declared[kind].get("schema", {}), body)

    def _of_json(self, schema: Record, body: bytes) -> Iterator[str]:
        try:
            value: object = loads(body)
        except ValueError:
            yield "the body is no JSON"
            return
        yield from (f"the body: {reason}" for reason in self._against(schema, value))

    def _against(self, schema: Record, value: object) -> Iterator[str]:
        for error in self._validator.evolve(schema=schema).iter_errors(value):
            place = ".".join(str(part) for part in error.absolute_path)
            yield f"{place}: {error.message}" if place else str(error.message)


def _typed(kind: str, text: str) -> object:
    """Return the value that a text of a query stands for; the text itself if it is none of its type."""
    if kind == "integer" and re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
