"""The sandbox against the vendor's document: every operation is there, and refuses a wrong key in its words."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.router import Router
from lemlist_async.sandbox.routes import all_routes

DOCUMENT = os.environ.get("LEMLIST_OPENAPI")
needs_document = pytest.mark.skipif(
    not DOCUMENT, reason="LEMLIST_OPENAPI does not name the vendor's document"
)
VERBS = {"get", "post", "put", "patch", "delete"}
OURS = {
    ("GET", "/files/exports/{file}"),  # where finished exports lie; the document has no such path
    ("POST", "/campaigns/{campaignId}/leads/{email}"),  # older than the document
    ("GET", "/campaigns/{campaignId}/stats"),  # older than the document
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = json.loads(Path(DOCUMENT or "").read_text())["paths"]
    for template, item in paths.items():
        for method in VERBS & item.keys():
            yield method.upper(), template, item[method]


def routes() -> dict[tuple[str, str], Route]:
    return {(route.method, route.template): route for route in all_routes()}


def documented(operation: dict[str, Any], status: str) -> Any:
    """The body that the document shows for a status: text, JSON or None."""
    content = operation["responses"].get(status, {}).get("content", {})
    return next((form["example"] for form in content.values()), None)


@needs_document
def test_every_operation_of_the_document_is_routed_and_no_other() -> None:
    expected = {(method, template) for method, template, _ in operations()}
    assert len(expected) == 143
    assert Router(all_routes()).operations - OURS == expected


@needs_document
def test_every_operation_refuses_a_wrong_key_as_documented() -> None:
    known = routes()
    wrong = {
        (method, template): documented(operation, "401")
        for method, template, operation in operations()
        if "401" in operation["responses"]
        and known[method, template].unauthorized != documented(operation, "401")
    }
    assert wrong == {}


@needs_document
def test_every_operation_refuses_another_verb_as_documented() -> None:
    known = routes()
    bodies = [
        (known[method, template].bad_method, documented(operation, "405"))
        for method, template, operation in operations()
    ]
    shown = [(ours, theirs) for ours, theirs in bodies if theirs is not None]
    assert len(shown) == 6
    assert all(ours == theirs for ours, theirs in shown)


def test_no_operation_is_routed_twice() -> None:
    listed = [(route.method, route.template) for route in all_routes()]
    assert len(listed) == len(set(listed)) == 146


@pytest.mark.parametrize("route", list(all_routes()), ids=lambda route: f"{route.method} {route.template}")
def test_every_template_leads_back_to_its_route(route: Route) -> None:
    values = {name: "a@b.example" if name == "email" else "x_1" for name in route.names}
    match = Router(all_routes()).find(route.method, route.template.format(**values))
    assert match is not None
    assert match.route.template == route.template
    assert match.ids == values
