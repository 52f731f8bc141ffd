"""Types of events against the vendor's document, and its activities as events."""

import json
import os
import pathlib
from typing import Any, get_args

import pytest

from lemlist_async.resources.webhooks import EventType
from lemlist_async.webhooks import Event, parse

pytestmark = pytest.mark.skipif("LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI is not set")


def document() -> Any:
    return json.loads(pathlib.Path(os.environ["LEMLIST_OPENAPI"]).read_bytes())


def activities() -> list[dict[str, Any]]:
    """The document's example of activities."""
    answer = document()["paths"]["/activities"]["get"]["responses"]["200"]["content"]["application/json"]
    examples: list[dict[str, Any]] = answer["example"]
    return examples


def test_the_types_are_those_of_the_document() -> None:
    schemas = document()["components"]["schemas"]
    assert set(get_args(EventType)) == set(schemas["Webhook"]["properties"]["type"]["enum"])


def test_every_type_takes_the_examples_of_activities() -> None:
    examples = activities()
    assert len(examples) > 5
    for kind in get_args(EventType):
        for example in examples:
            body = example | {"type": kind, "secret": "s3cret"}
            # what lemlist repeats of the type would go before another one
            body["metaData"] = {**example.get("metaData", {}), "type": kind}
            found = parse(json.dumps(body), secret="s3cret")
            del body["secret"]
            assert isinstance(found, Event)
            assert found.to_dict() == body
            assert found.created_at is not None
