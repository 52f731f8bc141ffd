"""Enrichment jobs: required inputs, results, prices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["INPUTS", "PRICES", "advance", "delivered", "missing", "start", "start_for_lead"]

PRICES: Final[dict[str, int]] = {"find_email": 5, "verify": 1, "find_phone": 20, "linkedin_enrichment": 1}
"""Credits per kind with a result. A miss is free."""

_RESULTS: Final[dict[str, tuple[str, str]]] = {
    "find_email": ("email", "email"),
    "verify": ("email", "email"),
    "find_phone": ("phone", "phone"),
    "linkedin_enrichment": ("linkedin", "firstName"),
}
"""Field of each kind's result, and the part of it that is present only for a hit."""

INPUTS: Final[tuple[str, ...]] = (
    "email",
    "linkedinUrl",
    "firstName",
    "lastName",
    "companyDomain",
    "companyName",
    "jobTitle",
)


def start(team: Team, given: Record, requests: Iterable[str], **links: str) -> Record:
    """Start a job. Its result is decided at its end."""
    job: Record = {
        "_id": team.new_id("enr"),
        "status": "in-progress",
        "polls": 0,
        "input": given,
        "requests": list(requests),
        "data": Record(),
    }
    return team.enrichments.keep(job | links)


def start_for_lead(team: Team, lead: Record, requests: Iterable[str]) -> Record:
    """Start a job for a lead and its contact."""
    given = {name: lead["variables"][name] for name in INPUTS if lead["variables"].get(name)}
    return start(team, given, requests, leadId=lead["_id"], contactId=lead["contactId"])


def missing(request: str, given: Record) -> str | None:
    """Return the error code of a missing input, None if the enrichment can start."""
    named = bool(given.get("firstName") and given.get("lastName"))
    company = bool(given.get("companyName") or given.get("companyDomain"))
    linkedin = bool(given.get("linkedinUrl"))
    if request == "find_phone":
        return None if linkedin else "MISSING_LINKEDIN_URL"
    if request == "verify":
        return None if given.get("email") else "MISSING_EMAIL"
    if request == "find_email":  # the documents ask for companyName as well, and connectors never send it
        return None if linkedin or (named and given.get("companyDomain")) else "MISSING_INPUTS"
    return None if linkedin or given.get("email") or (named and company) else "MISSING_INPUTS"


def advance(team: Team, job: Record, polls: int) -> None:
    """Advance a job by one poll. It is done after ``polls`` polls."""
    if job["polls"] < polls:
        job["polls"] += 1
        return
    _finish(team, job)


def delivered(team: Team, job: Record, metadata: Any) -> Record:
    """Build the webhook's body and finish the job. Its words differ from a poll's."""
    if job["status"] == "in-progress":
        _finish(team, job)
    data = {request: job["data"].get(_RESULTS[request][0], {}) for request in job["requests"]}
    beside = {} if metadata is None else {"metadata": metadata}
    return {"data": [{"id": job["_id"], "data": data, **beside}]}


def _finish(team: Team, job: Record) -> None:
    job |= {"status": "done", "data": _found(job)}
    _charge(team, sum(PRICES[request] for request in job["requests"] if _has_value(request, job["data"])))
    _write_back(team, job)
    team.on_activity({"type": "enrichmentDone", "data": [{"id": job["_id"]}]})


def _write_back(team: Team, job: Record) -> None:
    """Write the result into the lead and its contact."""
    lead, contact = team.leads.get(job.get("leadId", "")), team.contacts.get(job.get("contactId", ""))
    if lead is None or contact is None:
        return
    contact["enriched"] = sorted({*contact.get("enriched", []), *job["requests"]})
    address, phone = (job["data"].get(part, {}).get(part) for part in ("email", "phone"))
    if address and not contact["email"] and team.contacts.by_email(address) is None:
        team.contacts.set_email(contact, address)
        lead["variables"]["email"] = address
    if phone:
        lead["variables"]["phone"] = contact["fields"]["phone"] = phone


def _found(job: Record) -> Record:
    """Return the result of a job. All people are known, except those with the first name "Nobody"."""
    given: Record = job["input"]
    known = given.get("firstName") != "Nobody"
    first, last = given.get("firstName", "first"), given.get("lastName", "last")
    domain = given.get("companyDomain") or "found.example"
    address = given.get("email") or f"{first}.{last}@{domain}".lower()
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
    part, field = _RESULTS[request]
    return bool(data.get(part, {}).get(field))


def _charge(team: Team, price: int) -> None:
    """Charge credits, those that expire first. A balance stays at zero or above."""
    for purse in ("freemium", "gifted", "subscription", "paid"):
        taken = min(price, team.credits[purse])
        team.credits[purse] -= taken
        price -= taken
