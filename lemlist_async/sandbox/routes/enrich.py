"""Enrichment: jobs that cost credits when they find something, and are polled until done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast
from urllib.parse import urlsplit

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse
from lemlist_async.sandbox.state import Team

from .common import QuietRoute, objects, texts
from .contacts import domain_of

__all__ = ["ROUTES", "requests_of", "start_for_lead"]

_FLAGS: Final[dict[str, str]] = {
    "findEmail": "find_email",
    "verifyEmail": "verify",
    "linkedinEnrichment": "linkedin_enrichment",
    "findPhone": "find_phone",
}
PRICES: Final[dict[str, int]] = {"find_email": 5, "verify": 1, "find_phone": 20, "linkedin_enrichment": 1}
_INPUTS: Final[tuple[str, ...]] = (
    "email",
    "linkedinUrl",
    "firstName",
    "lastName",
    "companyDomain",
    "companyName",
    "jobTitle",
)
_MAX_BULK: Final = 500


def requests_of(call: Call) -> list[str]:
    """What the flags of the query ask for, in the words of the bulk route."""
    return [request for flag, request in _FLAGS.items() if call.flag(flag)]


def start(team: Team, given: Record, requests: Iterable[str], **links: str) -> Record:
    """Begin a job; what it finds is decided at its end."""
    job: Record = {
        "_id": team.new_id("enr"),
        "status": "in-progress",
        "polls": 0,
        "input": given,
        "requests": list(requests),
        "data": Record(),
    }
    return team.enrichments.keep(job | links)


def enrich(call: Call) -> Record:
    """Everything is in the query; the answer is the id alone."""
    requests = requests_of(call)
    if not requests:
        flags = "findEmail, findPhone, linkedinEnrichment or verifyEmail"
        raise refuse(400, f"No enrichment requested ({flags} required)")
    _check_webhook(call)
    given = {name: value for name in _INPUTS if (value := call.one(name))}
    if any(_missing(request, given) for request in requests):
        raise refuse(400, "Bad request")
    return {"id": start(call.team, given, requests)["_id"]}


def _check_webhook(call: Call) -> None:
    url = call.one("webhookUrl")
    if url is not None and urlsplit(url).scheme not in ("http", "https"):
        raise refuse(400, "Invalid webhookUrl")


def _missing(request: str, given: Record) -> str | None:
    """The code of what an enrichment lacks, None if it can be done."""
    named = bool(given.get("firstName") and given.get("lastName"))
    employed = bool(given.get("companyName") and given.get("companyDomain"))
    linkedin = bool(given.get("linkedinUrl"))
    if request == "find_phone":
        return None if linkedin else "MISSING_LINKEDIN_URL"
    if request == "verify":
        return None if given.get("email") else "MISSING_EMAIL"
    if request == "find_email":
        return None if linkedin or (named and employed) else "MISSING_INPUTS"
    company = bool(given.get("companyName") or given.get("companyDomain"))
    return None if linkedin or given.get("email") or (named and company) else "MISSING_INPUTS"


def get_enrichment(call: Call) -> Answer:
    """202 with a body while it runs, 404 with a body if there is none such."""
    job = call.team.enrichments.get(call.ids["enrichId"])
    if job is None:
        return answer({"enrichmentId": call.ids["enrichId"], "enrichmentStatus": "not-found"}, 404)
    if job["status"] == "in-progress":
        _advance(call, job)
    view = {
        "enrichmentId": job["_id"],
        "enrichmentStatus": job["status"],
        "input": job["input"],
        "data": job["data"],
    }
    return answer(view, 202 if job["status"] == "in-progress" else 200)


def _advance(call: Call, job: Record) -> None:
    if job["polls"] < call.world.behaviour.polls:
        job["polls"] += 1
        return
    job |= {"status": "done", "data": _found(job)}
    _charge(
        call.team, sum(PRICES[request] for request in job["requests"] if _has_value(request, job["data"]))
    )
    _write_back(call.team, job)


def _write_back(team: Team, job: Record) -> None:
    """What was found for a lead goes into the lead and its contact."""
    lead, contact = team.leads.get(job.get("leadId", "")), team.contacts.get(job.get("contactId", ""))
    if lead is None or contact is None:
        return
    contact["enriched"] = sorted({*contact.get("enriched", []), *job["requests"]})
    address, phone = (job["data"].get(part, {}).get(part) for part in ("email", "phone"))
    if address and not contact["email"]:
        team.set_email(contact, address)
        lead["variables"]["email"] = address
    if phone:
        lead["variables"]["phone"] = contact["fields"]["phone"] = phone


def _found(job: Record) -> Record:
    """Whom the sandbox knows: everybody whose first name is not Nobody."""
    given: Record = job["input"]
    known = given.get("firstName") != "Nobody"
    first, last = given.get("firstName", "first"), given.get("lastName", "last")
    domain = given.get("companyDomain") or "found.example"
    address = given.get("email") or f"{first}.{last}@{domain_of(domain)}".lower()
    profile = {"firstName": first, "lastName": last, "linkedinUrl": given.get("linkedinUrl")}
    email = {"email": address, "notFound": False} if known else {"notFound": True}
    parts: Record = {
        "find_email": {"email": email},
        "verify": {
            "email": {
                "email": address,
                "status": "deliverable" if known else "undeliverable",
                "notFound": False,
            }
        },
        "find_phone": {"phone": {"phone": "+33100000000"} if known else {"notFound": True}},
        "linkedin_enrichment": {"linkedin": profile if known else {}},
    }
    data: Record = {}
    for request in job["requests"]:
        data |= parts[request]
    return data


def _has_value(request: str, data: Record) -> bool:
    part, field = {
        "find_email": ("email", "email"),
        "verify": ("email", "email"),
        "find_phone": ("phone", "phone"),
        "linkedin_enrichment": ("linkedin", "firstName"),
    }[request]
    return bool(data.get(part, {}).get(field))


def _charge(team: Team, price: int) -> None:
    """Take credits, the ones that expire first; a balance does not go below zero."""
    for purse in ("freemium", "gifted", "subscription", "paid"):
        taken = min(price, team.credits[purse])
        team.credits[purse] -= taken
        price -= taken


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
    missing = next((code for request in requests if (code := _missing(request, given))), None)
    head = {"error": missing} if missing else {"id": start(call.team, given, requests)["_id"]}
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
    return {"id": start_for_lead(call.team, lead, requests)["_id"]}


def _already(contact: Record) -> set[str]:
    own = {"find_email"} if contact["email"] else set[str]()
    phone = {"find_phone"} if contact["fields"].get("phone") else set[str]()
    return own | phone | set(contact.get("enriched", []))


def start_for_lead(team: Team, lead: Record, requests: Iterable[str]) -> Record:
    """Begin a job for a lead and its contact."""
    given = {name: lead["variables"][name] for name in _INPUTS if lead["variables"].get(name)}
    return start(team, given, requests, leadId=lead["_id"], contactId=lead["contactId"])


ROUTES = (
    Route("POST", "/enrich", enrich),
    QuietRoute("GET", "/enrich/{enrichId}", get_enrichment),
    Route("POST", "/v2/enrichments/bulk", enrich_bulk),
    QuietRoute("POST", "/leads/{leadId}/enrich", enrich_lead),
)
