"""Figures of campaigns, counted from the leads and the history of the team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import orjson

from lemlist_async.sandbox.exchange import Call, Record, refuse
from lemlist_async.sandbox.state import Team

from .campaigns import senders_of
from .common import QuietRoute, campaign_of, texts

__all__ = ["ROUTES"]

_CHANNELS: Final[tuple[str, ...]] = ("email", "linkedin", "others")
_MAX_BATCH: Final = 100


def get_reports(call: Call) -> list[Record]:
    """One row per campaign that exists; the others are left out."""
    wanted = call.many("campaignIds")
    if not wanted:
        raise refuse(400, "Bad params: campaignIds is required")
    campaigns = call.team.campaigns
    return [_report(call.team, campaigns[campaign_id]) for campaign_id in wanted if campaign_id in campaigns]


def _report(team: Team, campaign: Record) -> Record:
    leads, events = (
        team.leads_of(campaign["_id"]),
        Counter(row["type"] for row in _events(team, campaign["_id"])),
    )
    states = Counter(lead["state"] for lead in leads)
    author = team.users.get(campaign["createdBy"], {"name": "", "email": ""})
    senders = senders_of(team, campaign)
    return {
        **{field: campaign[field] for field in ("_id", "name", "createdAt", "state", "status")},
        "creator": f"{campaign['createdBy']}|{author['email']}",
        "createdBy": author["name"],
        "labels": ",".join(campaign["labels"]),
        "totalCount": len(leads),
        "reviewedCount": sum(lead["status"] != "review" for lead in leads),
        "inSequenceLeadCount": sum(lead["status"] == "running" for lead in leads),
        "senderNames": ",".join(sender["email"] for sender in senders),
        "sendersUsers": ",".join(
            f"{team.users[sender['id']]['name']}:{sender['email']}" for sender in senders
        ),
        "reviewed": sum(lead["status"] != "review" for lead in leads),
        **{kind: events[kind] for kind in ("emailsSent", "emailsOpened", "emailsClicked", "emailsReplied")},
        "emailsUnsubscribed": states["emailsUnsubscribed"],
        "emailsInterested": events["emailsInterested"],
        **{kind: events[kind] for kind in ("linkedinSent", "linkedinOpened", "linkedinReplied")},
        "interested": states["interested"],
        "notInterested": states["notInterested"],
    }


def _events(team: Team, campaign_id: str) -> Iterable[Record]:
    return (activity for activity in team.activities.values() if activity.get("campaignId") == campaign_id)


def get_stats(call: Call) -> Record:
    """``channels`` is JSON text here."""
    campaign = campaign_of(call)
    given = {name: call.one(name) for name in ("startDate", "endDate", "sendUser", "ABSelected")}
    channels = call.one("channels")
    start, end = _window(call.team, given)
    return _stats(
        call.team, campaign, start, end, _CHANNELS if channels is None else _channels_of_text(channels)
    )


def _channels_of_text(channels: str) -> list[str]:
    try:
        chosen = texts(orjson.loads(channels), "Bad params: channels must be a valid array")
    except orjson.JSONDecodeError:
        raise refuse(400, "Bad params: channels must be a valid array") from None
    return _known_channels(
        chosen, 'Bad params: channels must be empty or contain "others", "email" or "linkedin"'
    )


def _known_channels(chosen: list[str], refusal: str) -> list[str]:
    if not all(channel in _CHANNELS for channel in chosen):
        raise refuse(400, refusal)
    return chosen or list(_CHANNELS)


def get_stats_batch(call: Call) -> Record:
    """A read; campaigns that do not exist are listed under ``errors``."""
    body = call.record()
    campaign_ids = texts(body.get("campaignIds") or None, "Bad params: campaignIds must be a non-empty array")
    if len(campaign_ids) > _MAX_BATCH:
        raise refuse(400, f"Bad params: campaignIds must contain at most {_MAX_BATCH} items")
    start, end = _window(call.team, body)
    refusal = 'Bad params: channels must be an array of "others", "email" or "linkedin"'
    channels = _known_channels(texts(body.get("channels", []), refusal), refusal)
    campaigns = call.team.campaigns
    return {
        "results": [
            {"campaignId": campaign_id, **_stats(call.team, campaigns[campaign_id], start, end, channels)}
            for campaign_id in campaign_ids
            if campaign_id in campaigns
        ],
        "errors": [
            {"campaignId": campaign_id, "error": "Campaign not found"}
            for campaign_id in campaign_ids
            if campaign_id not in campaigns
        ],
    }


def _window(team: Team, given: Record) -> tuple[datetime, datetime]:
    """The span of time asked for, once everything else that both routes take is found right."""
    try:
        start, end = (datetime.fromisoformat(given.get(name) or "") for name in ("startDate", "endDate"))
    except (ValueError, TypeError):
        raise refuse(400, "Bad params: startDate and endDate are required") from None
    if given.get("ABSelected") not in (None, "A", "B"):
        raise refuse(400, "Bad params: ABSelected must be A or B")
    _check_sender(team, given.get("sendUser"))
    return start.astimezone(), end.astimezone()


def _check_sender(team: Team, send_user: str | None) -> None:
    if send_user is None:
        return
    user_id, bar, email = send_user.partition("|")
    if not (user_id and bar and email):
        raise refuse(
            400, "Bad param format: sendUser must be formatted as follow: <sendUserId>|<sendUserEmail>"
        )
    if team.users.get(user_id, {}).get("email") != email:
        raise refuse(400, "Bad params: the send user email is not related to the send user id")


def _stats(team: Team, campaign: Record, start: datetime, end: datetime, channels: Iterable[str]) -> Record:
    leads = team.leads_of(campaign["_id"])
    channels = set(channels)
    rows = [
        row
        for row in _events(team, campaign["_id"])
        if start <= datetime.fromisoformat(row["createdAt"]) <= end and _channel(row["type"]) in channels
    ]
    states = Counter(lead["state"] for lead in leads)
    return {
        "nbLeads": len(leads),
        "nbLeadsLaunched": sum(lead["status"] != "review" for lead in leads),
        "nbLeadsReached": _people(rows, "Sent", "Done"),
        "nbLeadsOpened": _people(rows, "Opened"),
        "nbLeadsInteracted": _people(rows, "Clicked", "Accepted"),
        "nbLeadsAnswered": _people(rows, "Replied"),
        "nbLeadsInterested": states["interested"],
        "nbLeadsNotInterested": states["notInterested"],
        "nbLeadsUnsubscribed": states["emailsUnsubscribed"],
        "nbLeadsInterrupted": sum(lead["isPaused"] for lead in leads),
        **_message_counts(rows),
        "steps": _steps(team, campaign, rows),
        # not in the document, but live answers carry it
        "perChannel": {
            name: _message_counts([row for row in rows if _channel(row["type"]) == name]) for name in channels
        },
    }


def _channel(kind: str) -> str:
    return next(
        (
            channel
            for channel, prefix in (("email", "emails"), ("linkedin", "linkedin"))
            if kind.startswith(prefix)
        ),
        "others",
    )


def _people(rows: Iterable[Record], *endings: str) -> int:
    return len({row.get("leadId") for row in rows if row["type"].endswith(endings)})


def _message_counts(rows: list[Record]) -> Record:
    endings = Counter(row["type"] for row in rows)

    def count(*ends: str) -> int:
        return sum(number for kind, number in endings.items() if kind.endswith(ends))

    sent, bounced = count("Sent"), count("Bounced")
    return {
        "messagesSent": sent,
        "messagesNotSent": count("Failed"),
        "messagesBounced": bounced,
        "delivered": sent - bounced,
        "opened": count("Opened"),
        "clicked": count("Clicked"),
        "replied": count("Replied"),
        "invitationAccepted": count("InviteAccepted"),
        "meetingBooked": count("meetingBooked"),
    }


def _steps(team: Team, campaign: Record, rows: list[Record]) -> list[Record]:
    sequence = team.sequences[campaign["sequenceId"]]
    return [
        {
            "index": number + 1,
            "sequenceId": sequence["_id"],
            "sequenceStep": number,
            "taskType": step["type"],
            **_step_counts([row for row in rows if row.get("stepId") == step["_id"]]),
        }
        for number, step in enumerate(sequence["steps"])
    ]


def _step_counts(rows: list[Record]) -> Record:
    counts = _message_counts(rows)
    return {
        "invited": sum(row["type"] == "linkedinInviteDone" for row in rows),
        "sent": counts["messagesSent"],
        **{name: counts[name] for name in ("delivered", "opened", "clicked", "replied")},
        "notDelivered": counts["messagesNotSent"],
        "bounced": counts["messagesBounced"],
        "unsubscribed": sum(row["type"] == "emailsUnsubscribed" for row in rows),
    }


ROUTES = (
    QuietRoute("GET", "/campaigns/reports", get_reports),
    QuietRoute("GET", "/v2/campaigns/{campaignId}/stats", get_stats),
    QuietRoute("POST", "/v2/campaigns/stats/batch", get_stats_batch),
)
