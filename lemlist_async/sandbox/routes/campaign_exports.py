"""Exports of a campaign: its leads at once, or its statistics as a job with a file at the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from lemlist_async.sandbox.lifecycle.states import in_state
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import CSV, RouteResponse, refuse
from lemlist_async.sandbox.route import Route, Work
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, find
from lemlist_async.sandbox.routes.long_files import csv_file, json_rows
from lemlist_async.sandbox.slices import chosen
from lemlist_async.sandbox.tables import Record

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


def export_leads(context: RequestContext) -> Work:
    """Export leads. Without ``state`` the file is empty, as seen live, though the document says otherwise."""
    wanted, custom = set(context.many("state")), dict[str, None]()
    home = context.team.leads.in_campaign(campaign_of(context)["_id"])

    def is_wanted(lead: Record) -> bool:
        if not in_state(lead, wanted):
            return False
        custom.update(dict.fromkeys(lead["variables"]))
        return True

    leads = yield from chosen(home.values(), [is_wanted])
    if context.one("format") == "json":
        return (yield from json_rows(leads, _export_row))
    columns = [*_COLUMNS[:-3], *(name for name in custom if name not in _COLUMNS), *_COLUMNS[-3:]]
    return RouteResponse(200, (yield from csv_file(columns, leads, _export_row)), CSV)


def _export_row(lead: Record) -> Record:
    own = {
        "emailStatus": lead["emailStatus"],
        "lastState": lead["state"],
        "status": lead["status"],
        "_id": lead["_id"],
    }
    return {**lead["variables"], **own}


def start_export(context: RequestContext) -> Record:
    """Start an export job. Each GET starts a new one."""
    campaign = campaign_of(context)
    export_id = context.team.new_id("axp")
    export: Record = {
        "_id": export_id,
        "id": export_id,
        "teamId": context.team.id,
        "campaignId": campaign["_id"],
        "campaignName": campaign["name"],
        "status": "pending",
        "startedAt": context.team.stamp(),
        "progressIndex": 0,
        "progressTime": int(context.team.wall_clock() * 1000),
        "progressLastStepDuration": 0,
        "progressType": "starting",
        "progress": 0,
        "total": 0,
    }
    context.team.exports[export_id] = export
    return dict(export)


def get_export_status(context: RequestContext) -> Work:
    """Advance the job by one poll. Its state is in ``status.status``."""
    campaign = campaign_of(context)
    export_id = context.ids["exportId"]
    export = context.team.exports.get(export_id)
    if export is None or export["campaignId"] != campaign["_id"]:
        raise refuse(404, {"ok": False, "message": f"Export with id {export_id} not found"})
    if export["status"] == "pending":
        yield from _advance(context, campaign, export)
    return {"ok": True, "status": export}


def _advance(context: RequestContext, campaign: Record, export: Record) -> Generator[None, None, None]:
    polls = context.world.behaviour.polls
    if export["progressIndex"] < polls:
        done = export["progressIndex"] + 1
        export |= {
            "progressIndex": done,
            "progressType": "processing",
            "progress": 100 * done // (polls + 1),
            "total": 100,
        }
        return
    leads = context.team.leads_of(campaign["_id"])
    content = yield from csv_file(_COLUMNS, leads, _export_row)
    name = f"fil_{export['id']}.csv"
    context.team.files[name] = content
    export |= {
        "status": "done",
        "progressIndex": _LAST_STEP,
        "progressType": "done",
        "progress": 0,
        "total": 0,
        "fileSize": len(content),
        "endedAt": context.team.stamp(),
        "url": f"{context.base_url()}/files/exports/{name}",
    }


def set_export_email(context: RequestContext) -> Record:
    """Record the address. No mail is sent."""
    campaign = campaign_of(context)
    export = find(context, context.team.exports, context.ids["exportId"], "Export not found")
    if export["campaignId"] != campaign["_id"]:
        raise refuse(404, "Export not found")
    export["email"] = context.ids["email"]
    return {"ok": True, "status": export}


def download(context: RequestContext) -> RouteResponse:
    """Return the file of a finished job. Its address is the only secret."""
    name = context.ids["file"]
    content = next((team.files[name] for team in context.world.teams if name in team.files), None)
    if content is None:
        raise refuse(404, "File not found")
    return RouteResponse(200, content, CSV, {"Content-Disposition": f'attachment; filename="{name}"'})


ROUTES = (
    QuietRoute("GET", "/campaigns/{campaignId}/export/leads", export_leads),
    QuietRoute("GET", "/campaigns/{campaignId}/export/start", start_export),
    QuietRoute("GET", "/campaigns/{campaignId}/export/{exportId}/status", get_export_status),
    QuietRoute("PUT", "/campaigns/{campaignId}/export/{exportId}/email/{email}", set_export_email),
    Route("GET", "/files/exports/{file}", download, public=True),
)
