"""Strict mode: requests are held against an OpenAPI document that the user has."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox
from tests.support.sandbox_api import Api, connected

pytest.importorskip("openapi_schema_validator")

TEXT = {"type": "string"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "components": {
        "schemas": {
            "Campaign": {"type": "object", "properties": {"name": TEXT, "emoji": {**TEXT, "nullable": True}}}
        }
    },
    "paths": {
        "/campaigns": {
            "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 100}}],
            "get": {
                "parameters": [
                    {"in": "query", "name": "status", "schema": {**TEXT, "enum": ["draft", "running"]}},
                    {"in": "query", "name": "archived", "schema": {"type": "boolean"}},
                    {"in": "query", "name": "score", "schema": {"type": "number"}},
                ]
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Campaign"}}},
                }
            },
        },
        "/tasks": {
            "get": {"parameters": [{"in": "query", "name": "filters", "required": True, "schema": TEXT}]}
        },
        "/leads/{leadId}/variables": {
            "post": {"parameters": [{"in": "query", "name": "sample", "schema": TEXT}]}
        },
    },
}


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, Api]]:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(DOCUMENT))
    async with Sandbox(limit=None, document=file) as sandbox, connected(sandbox) as session:
        yield sandbox, Api(session, sandbox.url)


GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "GET /campaigns",
        {"params": {"limit": "10", "status": "draft,running", "archived": "true", "score": "1.5"}},
    ),
    ("POST /campaigns", {"json": {"name": "Spring", "emoji": None}}),
    ("POST /leads/lea_12345/variables", {"params": {"anything": "x"}}),
]
BAD: list[tuple[str, dict[str, Any], str]] = [
    (
        "GET /campaigns",
        {"params": {"limmit": "10"}},
        "the query has limmit, which the document does not know",
    ),
    ("GET /campaigns", {"params": {"limit": "ten"}}, "limit of the query: 'ten' is not of type 'integer'"),
    (
        "GET /campaigns",
        {"params": {"limit": "500"}},
        "limit of the query: 500 is greater than the maximum of 100",
    ),
    (
        "GET /campaigns",
        {"params": {"archived": "True"}},
        "archived of the query: 'True' is not of type 'boolean'",
    ),
    ("GET /campaigns", {"params": {"status": "draft,gone"}}, "status of the query: 'gone' is not one of"),
    ("GET /campaigns", {"json": {}}, "the operation takes no body"),
    ("POST /campaigns", {}, "the body is missing"),
    ("POST /campaigns", {"json": {"name": 3}}, "the body: name: 3 is not of type 'string'"),
    (
        "POST /campaigns",
        {"data": b"{}"},
        "the content type is application/octet-stream, not application/json",
    ),
    (
        "POST /campaigns",
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        "the body is no JSON",
    ),
    ("GET /tasks", {}, "the query has no filters"),
    ("GET /team", {}, "the document has no such operation"),
]


@pytest.mark.parametrize(("operation", "arguments"), GOOD)
async def test_a_request_as_documented_is_no_violation(
    strict: tuple[Sandbox, Api], operation: str, arguments: dict[str, Any]
) -> None:
    sandbox, api = strict
    await api(operation, **arguments)
    assert not sandbox.violations


@pytest.mark.parametrize(("operation", "arguments", "reason"), BAD)
async def test_a_violation_is_reported_with_its_reason(
    strict: tuple[Sandbox, Api], operation: str, arguments: dict[str, Any], reason: str
) -> None:
    sandbox, api = strict
    await api(operation, **arguments)
    (found,) = sandbox.violations
    assert found.reason.startswith(reason)
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    method, _, path = operation.partition(" ")
    assert await order.ok("GET /violations") == [{"method": method, "template": path, "reason": found.reason}]
    sandbox.reset()
    assert not sandbox.violations


def test_a_file_that_is_no_document_is_refused(tmp_path: Path) -> None:
    for text in ("[]", "{}", "x"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match=r"paths|JSON|unexpected|Expecting"):
            Sandbox(document=tmp_path / "a.json")
    with pytest.raises(OSError, match="none"):
        Sandbox(document=tmp_path / "none")


@pytest.mark.skipif(
    "LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI does not name the vendor's document"
)
async def test_this_client_keeps_to_the_vendors_document() -> None:
    async with Sandbox(limit=None, document=os.environ["LEMLIST_OPENAPI"]) as sandbox:
        home = sandbox.team().add_campaign()["_id"]
        async with Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            await lemlist.campaigns.create(name="Spring")
            await lemlist.leads.create(home, email="ann@b.example", first_name="Ann")
            _ = [campaign async for campaign in lemlist.campaigns.list()]
        assert not sandbox.violations
        async with connected(sandbox) as session:
            await Api(session, sandbox.url)("GET /campaigns?limmit=3")
        assert [row.reason for row in sandbox.violations] == [
            "the query has limmit, which the document does not know"
        ]
