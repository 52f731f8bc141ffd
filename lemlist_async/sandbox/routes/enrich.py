"""Enrichment: one job by query, many by body, one in place, and the poll for each."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import urlsplit

from lemlist_async.sandbox.enrichment import (
    INPUTS,
    PRICES,
    advance,
    delivered,
    missing,
    start,
    start_for_lead,
)
from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse

from .common import QuietRoute, objects, texts

__all__ = ["ROUTES", "requests_of"]

_FLAGS: Final[dict[str, str]] = {
    "findEmail": "find_email",
    "verifyEmail": "verify",
    "linkedinEnrichment": "linkedin_enrichment",
    "findPhone": "find_phone",
}
_MAX_BULK: Final = 500


def requests_of(call: Call) -> list[str]:
    """What the flags of the query ask for, in the words of the bulk route."""
    return [request for flag, request in _FLAGS.items() if call.flag(flag)]


def enrich(call: Call) -> Record:
    """Everything is in the query; the answer is the id alone."""
    requests = requests_of(call)
    if not requests:
        flags = "findEmail, findPhone, linkedinEnrichment or verifyEmail"
        raise refuse(400, f"No enrichment requested ({flags} required)")
    _check_webhook(call)
    given = {name: value for name in INPUTS if (value := call.one(name))}
    if any(missing(request, given) for request in requests):
        raise refuse(400, "Bad request")
    return {"id": _promised(call, start(call.team, given, requests))}


def _promised(call: Call, job: Record, metadata: Any = None) -> str:
    """The id of a job, whose result is posted too where a webhook was named."""
    if (url := call.one("webhookUrl")) is not None:
        call.world.behaviour.post(url, lambda: delivered(call.team, job, metadata))
    return str(job["_id"])


def _check_webhook(call: Call) -> None:
    url = call.one("webhookUrl")
    if url is not None and not _on_the_web(url):
        raise refuse(400, "Invalid webhookUrl")


def _on_the_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def get_enrichment(call: Call) -> Answer:
    """202 with a body while it runs, 404 with a body if there is none such."""
    job = call.team.enrichments.get(call.ids["enrichId"])
    if job is None:
        return answer({"enrichmentId": call.ids["enrichId"], "enrichmentStatus": "not-found"}, 404)
    if job["status"] == "in-progress":
        advance(call.team, job, call.world.behaviour.polls)
    view = {
        "enrichmentId": job["_id"],
        "enrichmentStatus": job["status"],
        "input": job["input"],
        "data": job["data"],
    }
    return answer(view, 202 if job["status"] == "in-progress" else 200)


def enrich_bulk(call: Call) -> list[Record]:
    """Up to 500 jobs, answered in order; what cannot be done is told item by item."""
    rows = objects(call.json(), {"error": "WRONG_BODY_FORMAT"})
    if not rows:
        raise refuse(400, {"error": "NO_ENRICHMENTS_REQUESTED"})
    if len(rows) > _MAX_BULK:
        raise refuse(400, {"error": "TOO_MANY_ENRICHMENTS_REQUESTED"})
    _check_webhook(call)
    checked = [_checked(row) for row in rows]  # all of them before the first one starts
    return [_start_item(call, *item) for item in checked]


def _checked(item: Record) -> tuple[Record, list[str], Any]:
    given: object = item.get("input", {})
    requests: object = item.get("enrichmentRequests")
    metadata: object = item.get("metadata")
    values = cast("Record", metadata).values() if isinstance(metadata, dict) else ()
    problems = (
        (not isinstance(given, dict), "WRONG_INPUT_FORMAT"),
        (not all(isinstance(value, str) for value in values), "WRONG_METADATA_FORMAT"),
        (not requests, "NO_WORKFLOW_REQUESTED"),
    )
    for applies, code in problems:
        if applies:
            raise refuse(400, {"error": code})
    words = texts(requests, {"error": "WRONG_ENRICHMENT_REQUEST_FORMAT"})
    if any(word not in PRICES for word in words):
        raise refuse(400, {"error": "UNAUTHORIZED_WORKFLOW_REQUESTED"})
    return cast("Record", given), words, cast("Any", metadata)


def _start_item(call: Call, given: Record, requests: list[str], metadata: Any) -> Record:
    lack = next((code for request in requests if (code := missing(request, given))), None)
    head = {"error": lack} if lack else {"id": _promised(call, start(call.team, given, requests), metadata)}
    return head | ({} if metadata is None else {"metadata": metadata})


def enrich_lead(call: Call) -> Record:
    """In place: refused while one runs, and for what the contact already has unless ``force=true``."""
    lead = call.team.leads.get(call.ids["leadId"])
    if lead is None:
        raise refuse(404, {"error": "Lead not found", "code": "LEAD_NOT_FOUND"})
    contact = call.team.contacts.get(lead["contactId"])
    if contact is None:
        raise refuse(404, {"error": "Contact not found for this lead", "code": "CONTACT_NOT_FOUND"})
    requests = requests_of(call)
    if not requests:
        raise refuse(400, "Bad request")
    _check_webhook(call)
    jobs = [job for job in call.team.enrichments.values() if job.get("contactId") == contact["_id"]]
    if any(job["status"] == "in-progress" for job in jobs):
        raise refuse(409, {"error": "lead is already being enriched"})
    if not call.flag("force") and set(requests) <= _already(contact):
        reason = "Enrichment skipped: contact already has the requested data or was recently enriched"
        raise refuse(409, {"error": reason, "code": "ALREADY_ENRICHED"})
    return {"id": _promised(call, start_for_lead(call.team, lead, requests))}


def _already(contact: Record) -> set[str]:
    own = {"find_email"} if contact["email"] else set[str]()
    phone = {"find_phone"} if contact["fields"].get("phone") else set[str]()
    return own | phone | set(contact.get("enriched", []))


ROUTES = (
    Route("POST", "/enrich", enrich),
    QuietRoute("GET", "/enrich/{enrichId}", get_enrichment),
    Route("POST", "/v2/enrichments/bulk", enrich_bulk),
    QuietRoute("POST", "/leads/{leadId}/enrich", enrich_lead),
)
