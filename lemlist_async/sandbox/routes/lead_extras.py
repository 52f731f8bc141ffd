"""Parts of leads: variables in the query, voice notes by upload, segments of a CRM."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from lemlist_async.sandbox.auth import TOKEN_PARAMETER
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import Refusal, refuse
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, find, require
from lemlist_async.sandbox.routes.leads import insert_lead
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

MAX_AUDIO: Final = 20 * 1024 * 1024


def add_variables(context: RequestContext) -> Record:
    """Create a variable for every key of the query. An existing one is refused."""
    lead, given = _lead_and_variables(context)
    known = [name for name in given if name in lead["variables"]]
    if known:
        raise refuse(400, f"Variables {', '.join(known)} already exist")
    return _set(context, lead, given)


def update_variables(context: RequestContext) -> Record:
    """Set existing variables."""
    lead, given = _lead_and_variables(context)
    _refuse_unknown(lead, given)
    return _set(context, lead, given)


def erase_variables(context: RequestContext) -> Record:
    """Blank variables and keep their names."""
    lead, given = _lead_and_variables(context)
    _refuse_unknown(lead, given)
    return _set(context, lead, dict.fromkeys(given, ""))


def _lead_and_variables(context: RequestContext) -> tuple[Record, dict[str, str]]:
    lead_id = context.ids["leadId"]
    if "@" in lead_id:
        raise refuse(400, "Invalid leadId")
    lead = find(context, context.team.leads, lead_id, "Lead not found")
    given = {name: values[-1] for name, values in context.query.items() if name != TOKEN_PARAMETER}
    if not given:
        raise refuse(400, "Bad params")
    return lead, given


def _refuse_unknown(lead: Record, given: dict[str, str]) -> None:
    if any(name not in lead["variables"] for name in given):
        raise refuse(400, "Variable not found")


def _set(context: RequestContext, lead: Record, variables: dict[str, str]) -> Record:
    lead["variables"] |= variables
    lead["updatedAt"] = context.team.stamp()
    return {"ok": True}


def upload_audio(context: RequestContext) -> Record:
    """Store a voice note: multipart with one part ``file``; lead and step are in the query."""
    lead = context.team.leads.get(context.one("leadId") or "")
    step_id = context.one("stepId")
    if lead is None or not step_id:
        raise refuse(400, "Bad team")
    name, content = _file_of(context)
    file_id = context.team.new_id("fil")
    context.team.files[f"{file_id}.m4a"] = content
    lead.setdefault("audio", {})[step_id] = {"fileId": file_id, "fileName": name, "size": len(content)}
    status = {
        "url": f"{context.base_url()}/files/exports/{file_id}.m4a",
        "teamId": context.team.id,
        "campaignId": lead["campaignId"],
        "leadId": lead["_id"],
        "fileName": name,
    }
    return {"ok": True, "status": status}


def _file_of(context: RequestContext) -> tuple[str, bytes]:
    """Return name and content of the part ``file``."""
    head = f"Content-Type: {context.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + context.body)
    for part in message.iter_parts() if message.is_multipart() else ():
        named = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if named == "file" and isinstance(content, bytes) and 0 < len(content) <= MAX_AUDIO:
            return part.get_filename() or "file", content
    raise refuse(400, "Invalid audio file")


def list_crm_filters(context: RequestContext) -> list[Record]:
    """List the segments of one CRM and member, optionally of one type."""
    crm, user_id, kind = (context.one(name) for name in ("crm", "userId", "type"))
    if not crm or not user_id:
        raise refuse(400, "Bad params: crm and userId are required")
    return [
        {"id": int(number), "name": row["name"]}
        for number, row in context.team.crm_filters.items()
        if row["crm"] == crm and row["userId"] == user_id and kind in (None, row["type"])
    ]


def import_leads(context: RequestContext) -> Record:
    """Import the people of a segment. Refused ones are left out."""
    campaign, body = campaign_of(context), context.record()
    crm, user_id, filter_id = (require(body, name) for name in ("crm", "userId", "filterId"))
    segment = context.team.crm_filters.get(filter_id)
    if segment is None or (segment["crm"], segment["userId"]) != (crm, user_id):
        raise refuse(400, "Bad params: filterId is unknown")
    for person in segment["people"]:
        try:
            insert_lead(context, campaign, person, deduplicate=body.get("deduplicate") is True)
        except Refusal:
            continue
    return {"ok": True}


ROUTES = (
    QuietRoute("POST", "/leads/{leadId}/variables", add_variables),
    QuietRoute("PATCH", "/leads/{leadId}/variables", update_variables),
    QuietRoute("DELETE", "/leads/{leadId}/variables", erase_variables),
    QuietRoute("POST", "/leads/audio", upload_audio),
    QuietRoute("GET", "/crm/filters", list_crm_filters),
    QuietRoute("POST", "/campaigns/{campaignId}/leads/import", import_leads),
)
