"""Input that is refused before anything is sent, and errors that methods of several calls pass on."""

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
    "no variable": (lambda c: c.leads.clear_variables("lea_1", []), "names must have at least 1 item, not 0"),
    "a contact without a key": (lambda c: c.contacts.upsert(first_name="Ann"), "give contact_id, email"),
    "a company without a key": (lambda c: c.companies.upsert(name="Acme"), "give company_id, or both"),
    "too many to look up": (
        lambda c: c.contacts.look_up(["ctc_1"] * 101),
        "ids_or_emails may have at most 100 items, not 101",
    ),
    "nobody to look up": (
        lambda c: c.companies.look_up([]),
        "ids_or_domains must have at least 1 item, not 0",
    ),
    "too long a name": (
        lambda c: c.contacts.create_list("a" * 201),
        "name may have at most 200 characters, not 201",
    ),
    "too many for a list": (lambda c: c.contacts.add_to_list("clt_1", ["ctc_1"] * 1001), "at most 1000"),
    "too many values": (lambda c: c.unsubscribes.add_many(["a"] * 10_001), "at most 10000"),
    "too many people": (
        lambda c: c.enrichments.start_many([{"input": {}, "enrichment_requests": ["verify"]}] * 501),
        "people may have at most 500 items, not 501",
    ),
    "a signal about nobody": (lambda c: c.signal_agents.push_signal("wl_1"), "give contact or company"),
    "too many custom fields": (
        lambda c: c.signal_agents.push_signal(
            "wl_1",
            company={"domain": "a.example", "name": "A"},
            custom_fields={str(number): "x" for number in range(21)},
        ),
        "at most 20",
    ),
    "a lead without anything": (lambda c: c.leads.create("cam_1"), "nothing is known of the person"),
    "a lead of nulls": (lambda c: c.leads.create("cam_1", email=None), "nothing is known of the person"),
    "no address": (lambda c: c.leads.list_by_email("ann"), "email must be an e-mail address, not 'ann'"),
    "an hour that is none": (
        lambda c: c.schedules.create(name="a", timezone="UTC", start="25:00", end="18:00", weekdays=[1]),
        "start must be a time of day such as '09:30', not '25:00'",
    ),
    "no weekdays": (lambda c: c.schedules.update("skd_1", weekdays=[]), "weekdays must have at least 1 item"),
    "a weekday that is none": (lambda c: c.schedules.update("skd_1", weekdays=[8]), "from 1 to 7, not 8"),
    "no campaigns": (lambda c: c.campaigns.list_reports([]), "campaign_ids must have at least 1 item"),
    "no tasks": (lambda c: c.tasks.ignore([]), "task_ids must have at least 1 item"),
    "a priority that is none": (lambda c: c.tasks.update("opp_1", priority=7), "one of 0, 1, 2, not 7"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a priority as truth": (lambda c: c.tasks.update("opp_1", priority=True), "one of 0, 1, 2, not True"),
    "no moment": (
        lambda c: c.activities.list(min_date="yesterday").collect(),
        "min_date must be a time in ISO 8601, or seconds since 1970, not 'yesterday'",
    ),
    "no day": (
        lambda c: c.tasks.list(filters=[{"filter_id": "dueDate", "since": "2026-03-04T05:06"}]).collect(),
        "since must be a day such as '2026-03-04'",
    ),
    "no time": (
        lambda c: c.campaigns.get_stats("cam_1", start_date="today", end_date="2026-03-04"),
        "start_date must be a time in ISO 8601, not 'today'",
    ),
    "no URL": (
        lambda c: c.webhooks.create(target_url="ftp://x.example"),
        "target_url must be an http or https",
    ),
    "nothing to find": (
        lambda c: c.enrichments.start(email="a@b.example"),
        "give at least one of find_email",
    ),
    "nothing to find of a lead": (
        lambda c: c.enrichments.start_for_lead("lea_1", find_email=False),
        "give at least one of find_email",
    ),
    "two companies": (
        lambda c: c.contacts.list(company_id="cpn_1", company_domain="a.example").collect(),
        "company_domain and company_id exclude one another",
    ),
    "a flag that is a text": (
        lambda c: c.leads.create("cam_1", email="a@b.example", find_email="yes"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "find_email must be True or False, not 'yes'",
    ),
    "a nested field": (
        lambda c: c.leads.create("cam_1", email={"a": 1}),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "email must be a text, not dict",
    ),
    "an empty search": (lambda c: c.contacts.list_lists(search=""), "search is empty"),
    "an empty id in a query": (lambda c: c.signal_agents.delete(""), "watchListId is empty"),
    "a list for one value": (
        lambda c: c.unsubscribes.add(["@a.example"]),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "add takes one value; add_many takes a list",
    ),
    "variables that are a list": (
        lambda c: c.leads.create("cam_1", email="a@b.example", variables=[("a", 1)]),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "variables are a mapping",
    ),
    "a label for a contact": (lambda c: c.inbox.list_drafts("labels", "usr_1").collect(), "another route"),
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
