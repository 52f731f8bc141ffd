"""The comparison of a newer document with this library."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.contract.drift import drift

pytestmark = pytest.mark.skipif(
    "LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI names no document"
)


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document, to be changed, and to be compared in its new form."""
    document = json.loads(Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())

    def compare() -> list[str]:
        path = tmp_path / "newer.json"
        path.write_text(json.dumps(document))
        monkeypatch.setenv("LEMLIST_OPENAPI", str(path))
        return list(drift())

    return document["paths"], compare


def test_the_document_that_the_library_was_made_from_has_no_difference(newer: Any) -> None:
    _, compare = newer
    assert compare() == []


def test_what_is_new_and_what_is_gone_is_named(newer: Any) -> None:
    paths, compare = newer
    paths["/robots"] = {"get": {"responses": {}}}
    paths["/team"]["get"].setdefault("parameters", []).append({"name": "deep", "in": "query"})
    del paths["/schedules"]["post"]
    assert compare() == [
        "new operation: GET /robots",
        "operation that is gone: POST /schedules",
        "new parameter: GET /team ?deep",
    ]
