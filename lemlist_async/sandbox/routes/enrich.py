"""Enrichment: one job by query, many by body, one in place, and the poll for each."""

from __future__ import annotations

from typing import Any, Final, cast

from lemlist_async.sandbox.enrichment import (
    INPUTS,
    PRICES,
    advance,
    delivered,
    missing,
    start,
    start_for_lead,
)
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, objects, on_the_web, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "requests_of"]

_FLAGS: Final[dict[str, str]] = {
    "findEmail": "find_email",
    "verifyEmail": "verify",
    "linkedinEnrichment": "linkedin_enrichment",
    "findPhone": "find_phone",
}
_MAX_BULK: Final = 500


def requests_of(context: RequestContext) -> list[str]:
    """List the enrichments that the query's flags request, in the words of the bulk route."""
    return [request for flag, request in _FLAGS.items() if context.flag(flag)]


def enrich(context: RequestContext) -> Record:
    """Start the job that the query describes. The response is the id alone."""
    requests = requests_of(context)
    if not requests:
        flags = "findEmail, findPhone, linkedinEnrichment or verifyEmail"
        raise refuse(400, f"No enrichment requested ({flags} required)")
    _check_webhook(context)
    given = {name: value for name in INPUTS if (value := context.one(name))}
    if any(missing(request, given) for request in requests):
        raise refuse(400, "Bad request")
    return {"id": _promised(context, start(context.team, given, requests))}


def _promised(context: RequestContext, job: Record, metadata: Any = None) -> str:
    """Return the id of a job, and post its result where a webhook was named."""
    if (url := context.one("webhookUrl")) is not None:
        context.world.behaviour.post(url, lambda: delivered(context.team, job, metadata))
    return str(job["_id"])


def _check_webhook(context: RequestContext) -> None:
    url = context.one("webhookUrl")
    if url is not None and not on_the_web(url):
        raise refuse(400, "Invalid webhookUrl")


def get_enrichment(context: RequestContext) -> RouteResponse:
    """Poll a job: 202 with a body while it runs, 404 with a body for an unknown one."""
    job = context.team.enrichments.get(context.ids["enrichId"])
    if job is None:
        return respond({"enrichmentId": context.ids["enrichId"], "enrichmentStatus": "not-found"}, 404)
    if job["status"] == "in-progress":
        advance(context.team, job, context.world.behaviour.polls)
    view = {
        "enrichmentId": job["_id"],
        "enrichmentStatus": job["status"],
        "input": job["input"],
        "data": job["data"],
    }
    return respond(view, 202 if job["status"] == "in-progress" else 200)


def enrich_bulk(context: RequestContext) -> list[Record]:
    """Start up to 500 jobs, answered in order. Errors are reported per item."""
    rows = objects(context.json(), {"error": "WRONG_BODY_FORMAT"})
    if not rows:
        raise refuse(400, {"error": "NO_ENRICHMENTS_REQUESTED"})
    if len(rows) > _MAX_BULK:
        raise refuse(400, {"error": "TOO_MANY_ENRICHMENTS_REQUESTED"})
    _check_webhook(context)
    checked = [_checked(row) for row in rows]  # all of them before the first one starts
    return [_start_item(context, *item) for item in checked]


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


def _start_item(context: RequestContext, given: Record, requests: list[str], metadata: Any) -> Record:
    lack = next((code for request in requests if (code := missing(request, given))), None)
    head = (
        {"error": lack}
        if lack
        else {"id": _promised(context, start(context.team, given, requests), metadata)}
    )
    return head | ({} if metadata is None else {"metadata": metadata})


def enrich_lead(context: RequestContext) -> Record:
    """Enrich a lead in place. Refused while a job runs, or if the contact has the data (unless ``force=true``)."""
    lead = context.team.leads.get(context.ids["leadId"])
    if lead is None:
        raise refuse(404, {"error": "Lead not found", "code": "LEAD_NOT_FOUND"})
    contact = context.team.contacts.get(lead["contactId"])
    if contact is None:
        raise refuse(404, {"error": "Contact not found for this lead", "code": "CONTACT_NOT_FOUND"})
    requests = requests_of(context)
    if not requests:
        raise refuse(400, "Bad request")
    _check_webhook(context)
    jobs = [job for job in context.team.enrichments.values() if job.get("contactId") == contact["_id"]]
    if any(job["status"] == "in-progress" for job in jobs):
        raise refuse(409, {"error": "lead is already being enriched"})
    if not context.flag("force") and set(requests) <= _already(contact):
        reason = "Enrichment skipped: contact already has the requested data or was recently enriched"
        raise refuse(409, {"error": reason, "code": "ALREADY_ENRICHED"})
    return {"id": _promised(context, start_for_lead(context.team, lead, requests))}


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
