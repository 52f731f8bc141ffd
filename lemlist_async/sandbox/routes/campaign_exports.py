"""Exports of a campaign: its leads at once, or its statistics as a job with a file at the end."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.exchange import CSV, Answer, Call, Record, Route, refuse

from .common import QuietRoute, campaign_of, csv_answer, csv_bytes, find

__all__ = ["ROUTES"]

_COLUMNS: Final[tuple[str, ...]] = (
    "emailStatus",
    "email",
    "firstName",
    "lastName",
    "picture",
    "phone",
    "linkedinUrl",
    "timezone",
    "companyName",
    "companyDomain",
    "icebreaker",
    "jobTitle",
    "lastState",
    "status",
    "_id",
)
_LAST_STEP: Final = 6


def export_leads(call: Call) -> object:
    """Without ``state`` nobody, as seen live, though the document says all."""
    wanted = set(call.many("state"))
    leads = [lead for lead in call.team.leads_of(campaign_of(call)["_id"]) if wanted & {"all", lead["state"]}]
    rows = [_export_row(lead) for lead in leads]
    if call.one("format") == "json":
        return rows
    custom = dict.fromkeys(name for row in rows for name in row if name not in _COLUMNS)
    return csv_answer([*_COLUMNS[:-3], *custom, *_COLUMNS[-3:]], rows)


def _export_row(lead: Record) -> Record:
    own = {
        "emailStatus": lead["emailStatus"],
        "lastState": lead["state"],
        "status": lead["status"],
        "_id": lead["_id"],
    }
    return {**lead["variables"], **own}


def start_export(call: Call) -> Record:
    """A GET that makes a job, each time a new one."""
    campaign = campaign_of(call)
    export_id = call.team.new_id("axp")
    export: Record = {
        "_id": export_id,
        "id": export_id,
        "teamId": call.team.id,
        "campaignId": campaign["_id"],
        "campaignName": campaign["name"],
        "status": "pending",
        "startedAt": call.team.stamp(),
        "progressIndex": 0,
        "progressTime": int(call.team.wall_clock() * 1000),
        "progressLastStepDuration": 0,
        "progressType": "starting",
        "progress": 0,
        "total": 0,
    }
    call.team.exports[export_id] = export
    return dict(export)


def get_export_status(call: Call) -> Record:
    """Each poll moves the job on; its word is ``status.status``."""
    campaign = campaign_of(call)
    export_id = call.ids["exportId"]
    export = call.team.exports.get(export_id)
    if export is None or export["campaignId"] != campaign["_id"]:
        raise refuse(404, {"ok": False, "message": f"Export with id {export_id} not found"})
    if export["status"] == "pending":
        _advance(call, campaign, export)
    return {"ok": True, "status": export}


def _advance(call: Call, campaign: Record, export: Record) -> None:
    polls = call.world.behaviour.polls
    if export["progressIndex"] < polls:
        done = export["progressIndex"] + 1
        export |= {
            "progressIndex": done,
            "progressType": "processing",
            "progress": 100 * done // (polls + 1),
            "total": 100,
        }
        return
    content = csv_bytes(_COLUMNS, (_export_row(lead) for lead in call.team.leads_of(campaign["_id"])))
    name = f"fil_{export['id']}.csv"
    call.team.files[name] = content
    export |= {
        "status": "done",
        "progressIndex": _LAST_STEP,
        "progressType": "done",
        "progress": 0,
        "total": 0,
        "fileSize": len(content),
        "endedAt": call.team.stamp(),
        "url": f"{call.world.behaviour.public_url()}/files/exports/{name}",
    }


def set_export_email(call: Call) -> Record:
    """Notes the address; no mail is sent."""
    campaign = campaign_of(call)
    export = find(call, call.team.exports, call.ids["exportId"], "Export not found")
    if export["campaignId"] != campaign["_id"]:
        raise refuse(404, "Export not found")
    export["email"] = call.ids["email"]
    return {"ok": True, "status": export}


def download(call: Call) -> Answer:
    """The file of a finished job; its address is the only secret."""
    name = call.ids["file"]
    content = next((team.files[name] for team in call.world.teams if name in team.files), None)
    if content is None:
        raise refuse(404, "File not found")
    return Answer(200, content, CSV, {"Content-Disposition": f'attachment; filename="{name}"'})


ROUTES = (
    QuietRoute("GET", "/campaigns/{campaignId}/export/leads", export_leads),
    QuietRoute("GET", "/campaigns/{campaignId}/export/start", start_export),
    QuietRoute("GET", "/campaigns/{campaignId}/export/{exportId}/status", get_export_status),
    QuietRoute("PUT", "/campaigns/{campaignId}/export/{exportId}/email/{email}", set_export_email),
    Route("GET", "/files/exports/{file}", download, public=True),
)
