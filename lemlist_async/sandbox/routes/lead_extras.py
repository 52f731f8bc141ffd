"""What hangs on leads: variables in the query, voice notes by upload, segments of a CRM."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from lemlist_async.sandbox.exchange import Call, Record, Refusal, refuse

from .common import QuietRoute, campaign_of, find, require
from .leads import insert_lead

__all__ = ["ROUTES"]

MAX_AUDIO: Final = 20 * 1024 * 1024
_AUTH: Final = "access_token"


def add_variables(call: Call) -> Record:
    """Every key of the query is a new variable; one that exists is refused."""
    lead, given = _lead_and_variables(call)
    known = [name for name in given if name in lead["variables"]]
    if known:
        raise refuse(400, f"Variables {', '.join(known)} already exist")
    return _set(call, lead, given)


def update_variables(call: Call) -> Record:
    """Sets variables that exist."""
    lead, given = _lead_and_variables(call)
    _refuse_unknown(lead, given)
    return _set(call, lead, given)


def erase_variables(call: Call) -> Record:
    """Blanks them; the names stay."""
    lead, given = _lead_and_variables(call)
    _refuse_unknown(lead, given)
    return _set(call, lead, dict.fromkeys(given, ""))


def _lead_and_variables(call: Call) -> tuple[Record, dict[str, str]]:
    lead_id = call.ids["leadId"]
    if "@" in lead_id:
        raise refuse(400, "Invalid leadId")
    lead = find(call, call.team.leads, lead_id, "Lead not found")
    given = {name: values[-1] for name, values in call.query.items() if name != _AUTH}
    if not given:
        raise refuse(400, "Bad params")
    return lead, given


def _refuse_unknown(lead: Record, given: dict[str, str]) -> None:
    if any(name not in lead["variables"] for name in given):
        raise refuse(400, "Variable not found")


def _set(call: Call, lead: Record, variables: dict[str, str]) -> Record:
    lead["variables"] |= variables
    lead["updatedAt"] = call.team.stamp()
    return {"ok": True}


def upload_audio(call: Call) -> Record:
    """Multipart with one part ``file``; lead and step are in the query."""
    lead = call.team.leads.get(call.one("leadId") or "")
    step_id = call.one("stepId")
    if lead is None or not step_id:
        raise refuse(400, "Bad team")
    name, content = _file_of(call)
    file_id = call.team.new_id("fil")
    call.team.files[f"{file_id}.m4a"] = content
    lead.setdefault("audio", {})[step_id] = {"fileId": file_id, "fileName": name, "size": len(content)}
    status = {
        "url": f"{call.world.behaviour.public_url()}/files/exports/{file_id}.m4a",
        "teamId": call.team.id,
        "campaignId": lead["campaignId"],
        "leadId": lead["_id"],
        "fileName": name,
    }
    return {"ok": True, "status": status}


def _file_of(call: Call) -> tuple[str, bytes]:
    """Name and content of the part ``file``."""
    head = f"Content-Type: {call.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    for part in message.iter_parts() if message.is_multipart() else ():
        named = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if named == "file" and isinstance(content, bytes) and 0 < len(content) <= MAX_AUDIO:
            return part.get_filename() or "file", content
    raise refuse(400, "Invalid audio file")


def list_crm_filters(call: Call) -> list[Record]:
    """The segments of one CRM and member, of one type if asked."""
    crm, user_id, kind = (call.one(name) for name in ("crm", "userId", "type"))
    if not crm or not user_id:
        raise refuse(400, "Bad params: crm and userId are required")
    return [
        {"id": int(number), "name": row["name"]}
        for number, row in call.team.crm_filters.items()
        if row["crm"] == crm and row["userId"] == user_id and kind in (None, row["type"])
    ]


def import_leads(call: Call) -> Record:
    """The people of a segment; those that are refused are left out."""
    campaign, body = campaign_of(call), call.record()
    crm, user_id, filter_id = (require(body, name) for name in ("crm", "userId", "filterId"))
    segment = call.team.crm_filters.get(filter_id)
    if segment is None or (segment["crm"], segment["userId"]) != (crm, user_id):
        raise refuse(400, "Bad params: filterId is unknown")
    for person in segment["people"]:
        try:
            insert_lead(call, campaign, person, deduplicate=body.get("deduplicate") is True)
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
