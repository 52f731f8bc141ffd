"""What is refused before anything is sent, and refusals that several calls behind one pass on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lemlist_async import Call, Lemlist
from lemlist_async.errors import (
    BadRequestError,
    ConflictError,
    DecodeError,
    InvalidInputError,
    UnexpectedStatusError,
)
from lemlist_async.resources.leads import MAX_AUDIO
from tests.contract.recording import Recorder

REFUSED: dict[str, tuple[Callable[[Lemlist], Awaitable[Any]], str]] = {
    "nobody to get": (lambda c: c.leads.get(), "either the id of a lead or an email"),
    "two to get": (
        lambda c: c.leads.get("lea_1", email="a@b.example"),
        "either the id of a lead or an email",
    ),
    "no sound": (lambda c: c.leads.upload_audio("lea_1", "stp_1", b"", filename="a"), "not 0$"),
    "too much sound": (
        lambda c: c.leads.upload_audio("lea_1", "stp_1", bytes(MAX_AUDIO + 1), filename="a"),
        "from 1 to 20971520 bytes",
    ),
    "a variable twice": (
        lambda c: c.leads.create("cam_1", email="a@b.example", variables={"email": "c@d.example"}),
        "'email' is given as a field and as a custom one",
    ),
    "a nested variable": (lambda c: c.leads.add_variables("lea_1", {"a": {"b": 1}}), "flatten it"),
    "a null variable": (lambda c: c.leads.update_variables("lea_1", {"a": None}), "NoneType"),
    "no variable": (lambda c: c.leads.erase_variables("lea_1", []), "no variable is given"),
    "a contact without a key": (lambda c: c.contacts.upsert(first_name="Ann"), "give contact_id, email"),
    "a company without a key": (lambda c: c.companies.upsert(name="Acme"), "give company_id, or both"),
    "too many to look up": (lambda c: c.contacts.look_up(["ctc_1"] * 101), "from 1 to 100, not 101"),
    "nobody to look up": (lambda c: c.companies.look_up([]), "from 1 to 100, not 0"),
    "too long a name": (lambda c: c.contacts.create_list("a" * 201), "from 1 to 200, not 201"),
    "too many for a list": (lambda c: c.contacts.add_to_list("clt_1", ["ctc_1"] * 1001), "at most 1000"),
    "too many values": (lambda c: c.unsubscribes.add_many(["a"] * 10_001), "at most 10000"),
    "too many people": (
        lambda c: c.enrichments.start_many([{"input": {}, "enrichment_requests": ["verify"]}] * 501),
        "from 1 to 500, not 501",
    ),
    "a signal about nobody": (lambda c: c.signal_agents.push("wl_1"), "give contact or company"),
    "too many custom fields": (
        lambda c: c.signal_agents.push(
            "wl_1",
            company={"domain": "a.example", "name": "A"},
            custom_fields={str(number): "x" for number in range(21)},
        ),
        "at most 20",
    ),
    "a label for a contact": (lambda c: c.inbox.drafts("labels", "usr_1").collect(), "another route"),
    "too large a page": (lambda c: c.activities.list(page_size=101).collect(), "from 1 to 100, not 101"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_lemlist_would_refuse_is_not_sent(name: str) -> None:
    use, message = REFUSED[name]
    with pytest.raises(InvalidInputError, match=message):
        await use(Recorder("a-key", "http://localhost:1"))


class Refusing(Lemlist):
    """A client whose operations answer with what is given for them: JSON, or an error."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("a-key", "http://localhost:1")
        self._answers = answers

    async def send(self, call: Call[Any]) -> Any:
        answer = self._answers[call.method]
        answer = answer.pop(0) if isinstance(answer, list) else answer
        if isinstance(answer, Exception):
            raise answer
        assert call.decode is not None
        return call.decode(answer, {})


async def test_an_export_that_failed_or_has_no_id_is_an_error() -> None:
    begun = {"_id": "axp_1", "id": "axp_1", "status": "pending"}
    failed = {"ok": True, "status": {"status": "error"}}
    lost = {"ok": True, "status": {"status": "done"}}
    for status in (failed, lost):
        with pytest.raises(UnexpectedStatusError, match="the export failed"):
            await Refusing(GET=[begun, status]).campaigns.export_stats("cam_1")
    with pytest.raises(DecodeError, match="no id"):
        await Refusing(GET=[{}]).campaigns.export_stats("cam_1")


async def test_a_refusal_of_variables_for_another_reason_is_passed_on() -> None:
    refused = BadRequestError("Invalid leadId", status=400)
    with pytest.raises(BadRequestError, match="Invalid leadId"):
        await Refusing(PATCH=refused).leads.set_variables("ann@example.com", {"plan": "paid"})


async def test_variables_that_appear_meanwhile_are_not_added() -> None:
    missing = BadRequestError("Variable not found", status=400)
    client = Refusing(PATCH=[missing, {"ok": True}])
    await client.leads.set_variables("lea_1", {"plan": "paid"})


async def test_a_conflict_of_hooks_that_no_list_explains_is_passed_on() -> None:
    taken = ConflictError("A webhook with this targetUrl already exists", status=409)
    with pytest.raises(ConflictError):
        await Refusing(GET=[[], []], POST=taken).webhooks.ensure("https://hooks.example.com")


def test_an_export_is_shown_by_its_operation() -> None:
    client = Recorder("a-key", "http://localhost:1")
    assert repr(client.contacts.export()) == "<CsvFile GET /contacts/export>"
