"""Figures of campaigns: reports, and counters over a span of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from datetime import datetime
from typing import Final

from lemlist_async.core.json import loads
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Work
from lemlist_async.sandbox.routes.campaigns import senders_of
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, texts
from lemlist_async.sandbox.slices import slices
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.statistics import CHANNELS, count_leads, history, stats
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_MAX_BATCH: Final = 100


def get_reports(context: RequestContext) -> Work:
    """Return one row per existing campaign and leave out the others."""
    wanted = context.many("campaignIds")
    if not wanted:
        raise refuse(400, "Bad params: campaignIds is required")
    campaigns = context.team.campaigns
    rows = list[Record]()
    for campaign_id in wanted:
        if campaign_id in campaigns:
            rows.append((yield from _report(context.team, campaigns[campaign_id])))
    return rows


def _report(team: Team, campaign: Record) -> Generator[None, None, Record]:
    leads = yield from count_leads(team, campaign["_id"])
    rows = yield from history(team, campaign["_id"])
    # of leads and not of messages
    seen = set[tuple[str, str]]()
    for part in slices(rows):
        seen |= {(row["type"], row.get("leadId") or row["_id"]) for row in part}
        yield
    kinds = Counter(kind for kind, _ in seen)
    author = team.users.get(campaign["createdBy"], {"name": "", "email": ""})
    senders = senders_of(team, campaign)
    return {
        **{field: campaign[field] for field in ("_id", "name", "createdAt", "state", "status")},
        "creator": f"{campaign['createdBy']}|{author['email']}",
        "createdBy": author["name"],
        "labels": ",".join(campaign["labels"]),
        "totalCount": leads.total,
        "reviewedCount": leads.launched,
        "inSequenceLeadCount": leads.running,
        "senderNames": ",".join(sender["email"] for sender in senders),
        "sendersUsers": ",".join(
            f"{team.users[sender['id']]['name']}:{sender['email']}" for sender in senders
        ),
        "reviewed": leads.launched,
        **{kind: kinds[kind] for kind in ("emailsSent", "emailsOpened", "emailsClicked", "emailsReplied")},
        "emailsUnsubscribed": leads.states["emailsUnsubscribed"],
        "emailsInterested": kinds["emailsInterested"],
        **{kind: kinds[kind] for kind in ("linkedinSent", "linkedinOpened", "linkedinReplied")},
        "interested": leads.interested,
        "notInterested": leads.not_interested,
    }


def get_stats(context: RequestContext) -> Work:
    """Return the counters of one campaign. ``channels`` is JSON text here."""
    campaign = campaign_of(context)
    given = {name: context.one(name) for name in ("startDate", "endDate", "sendUser", "ABSelected")}
    channels = context.one("channels")
    start, end = _window(context.team, given)
    chosen = CHANNELS if channels is None else _channels_of_text(channels)
    return (yield from stats(context.team, campaign, start, end, chosen))


def _channels_of_text(channels: str) -> list[str]:
    try:
        chosen = texts(loads(channels), "Bad params: channels must be a valid array")
    except ValueError:
        raise refuse(400, "Bad params: channels must be a valid array") from None
    return _known_channels(
        chosen, 'Bad params: channels must be empty or contain "others", "email" or "linkedin"'
    )


def _known_channels(chosen: list[str], refusal: str) -> list[str]:
    if not all(channel in CHANNELS for channel in chosen):
        raise refuse(400, refusal)
    return chosen or list(CHANNELS)


def get_stats_batch(context: RequestContext) -> Work:
    """Return counters of several campaigns. Unknown campaigns are listed under ``errors``."""
    body = context.record()
    campaign_ids = texts(body.get("campaignIds") or None, "Bad params: campaignIds must be a non-empty array")
    if len(campaign_ids) > _MAX_BATCH:
        raise refuse(400, f"Bad params: campaignIds must contain at most {_MAX_BATCH} items")
    start, end = _window(context.team, body)
    refusal = 'Bad params: channels must be an array of "others", "email" or "linkedin"'
    channels = _known_channels(texts(body.get("channels", []), refusal), refusal)
    campaigns, results = context.team.campaigns, list[Record]()
    for campaign_id in campaign_ids:
        if campaign_id in campaigns:
            figures = yield from stats(context.team, campaigns[campaign_id], start, end, channels)
            results.append({"campaignId": campaign_id, **figures})
    return {
        "results": results,
        "errors": [
            {"campaignId": campaign_id, "error": "Campaign not found"}
            for campaign_id in campaign_ids
            if campaign_id not in campaigns
        ],
    }


def _window(team: Team, given: Record) -> tuple[datetime, datetime]:
    """Read the span of time, after all other parameters of both routes were checked."""
    try:
        start, end = (datetime.fromisoformat(given.get(name) or "") for name in ("startDate", "endDate"))
    except (ValueError, TypeError):
        raise refuse(400, "Bad params: startDate and endDate are required") from None
    if given.get("ABSelected") not in (None, "A", "B"):
        raise refuse(400, "Bad params: ABSelected must be A or B")
    _check_sender(team, given.get("sendUser"))
    try:
        return start.astimezone(), end.astimezone()
    except (OverflowError, ValueError, OSError):  # at the ends of the calendar
        raise refuse(400, "Bad params: startDate and endDate are required") from None


def _check_sender(team: Team, send_user: object) -> None:
    if send_user is None:
        return
    user_id, bar, email = send_user.partition("|") if isinstance(send_user, str) else ("", "", "")
    if not (user_id and bar and email):
        raise refuse(
            400, "Bad param format: sendUser must be formatted as follow: <sendUserId>|<sendUserEmail>"
        )
    if team.users.get(user_id, {}).get("email") != email:
        raise refuse(400, "Bad params: the send user email is not related to the send user id")


ROUTES = (
    QuietRoute("GET", "/campaigns/reports", get_reports),
    # older than the document, and still called by connectors; its figures are those of v2
    QuietRoute("GET", "/campaigns/{campaignId}/stats", get_stats),
    QuietRoute("GET", "/v2/campaigns/{campaignId}/stats", get_stats),
    QuietRoute("POST", "/v2/campaigns/stats/batch", get_stats_batch),
)
