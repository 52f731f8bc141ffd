"""Comparison of the rows and the models with a vendor's document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from lemlist_async import Lemlist
from lemlist_async.core.model import Model
from lemlist_async.core.names import fields_of, hints_of
from tests.contract.document import Operation, answers
from tests.contract.operations import ROWS
from tests.contract.recording import Row

NOT_OFFERED = {
    "DELETE /campaigns/{campaignId}/leads/": "it does not say which lead",
}
NOT_SENT = {
    "GET /campaigns": {"offset": "pages are numbered"},
    "GET /schedules": {"offset": "pages are numbered"},
    "POST /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
    "PATCH /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
    "DELETE /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
}
UNDECLARED = {
    "Lead.Company name": "an example of a custom variable",
}


def rows_of(operation: Operation) -> list[Row]:
    """The rows of an operation of the document."""
    return [row for row in ROWS if row.wire == operation.wire]


def unsent(operation: Operation) -> tuple[set[str], set[str]]:
    """Parameters, and fields of the body, that the document has and no row sends."""
    rows = rows_of(operation)
    query = {name.removesuffix("[]") for row in rows for name in row.query.split()}
    body = {name for row in rows for name in row.body.split()}
    # a free mapping has a name of ours below its own
    kept = {name for name in operation.body if any(f"{sent}.".startswith(f"{name}.") for sent in body)}
    return set(operation.query - query), set(operation.body - kept)


def undeclared_keys() -> tuple[dict[str, None], int]:
    """``Model.key`` of what the document has in an answer and no model, and the number of answers compared."""
    missing: dict[str, None] = {}
    looked_at = 0
    client = Lemlist("a-key", "http://localhost:1")
    for wire, schema in answers():
        for row in (row for row in ROWS if row.wire == wire):
            area, _, name = row.name.partition(".")
            kind = get_type_hints(getattr(type(getattr(client, area)), name)).get("return")
            for model in models_in(kind):
                # the answer itself, or what stands in it under the one key that is given to the caller
                inside = [schema, *schema.get("properties", {}).values()]
                best = max((fit(one, model) for one in inside), key=lambda found: found[0])
                looked_at += best[0] > 0
                if best[0]:
                    missing.update(dict.fromkeys(undeclared(best[1], model)))
    return missing, looked_at


def models_in(hint: Any) -> list[type[Model]]:
    """The models of an annotation: of a list, a mapping, pages, a union."""
    if isinstance(hint, type) and issubclass(hint, Model):
        return [hint]
    return [model for arg in get_args(hint) for model in models_in(arg)]


def object_of(schema: Any) -> Any:
    """The schema of an object, or of the items of an array, or of the values of a mapping."""
    if not isinstance(schema, dict):
        return {}
    if schema.get("type") == "array":
        return object_of(schema.get("items", {}))
    return schema if "properties" in schema else schema.get("additionalProperties", {})


def fit(schema: Any, model: type[Model]) -> tuple[int, Any]:
    """Count the fields of a model that a schema names, and return the schema too."""
    found = object_of(schema)
    names = found.get("properties", {}) if isinstance(found, dict) else {}
    return len(names.keys() & {wire for _, wire, _ in fields_of(model)}), found


def undeclared(schema: Any, model: type[Model]) -> Iterator[str]:
    """``Model.key`` of each property that is no field of the model, or of one within it."""
    fields = {wire: name for name, wire, _ in fields_of(model)}
    for key, inner in schema.get("properties", {}).items():
        if key not in fields:
            yield f"{model.__name__}.{key}"
            continue
        for within in models_in(hints_of(model)[fields[key]]):
            found = object_of(inner)
            if isinstance(found, dict) and "properties" in found:
                yield from undeclared(found, within)
