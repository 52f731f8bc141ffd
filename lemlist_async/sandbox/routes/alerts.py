"""Deliverability alerts: a closed beta whose errors are JSON with a code."""

from __future__ import annotations

from typing import Any, Final, cast

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.routes.common import QuietRoute, is_email, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "widget": ("warmup", "outreach"),
    "metric": ("inboxRate", "spamRate", "score", "deliveryRate", "bounceRate"),
    "severity": ("warning", "critical"),
    "scope": ("global", "mailbox", "domain"),
    "comparisonOperator": ("equal", "below", "above"),
    "periodMode": ("rolling", "consecutive"),
}
_RANGES: Final[dict[str, tuple[int, int]]] = {"threshold": (0, 100), "periodDays": (1, 30)}
_IDENTITY: Final[tuple[str, ...]] = (*_CHOICES, *_RANGES, "scopeEntities")
_EDITABLE: Final[tuple[str, ...]] = (
    "threshold",
    "comparisonOperator",
    "periodDays",
    "periodMode",
    "channelConfig",
    "scopeEntities",
    "enabled",
)
_CHANNELS: Final[tuple[str, ...]] = ("inapp", "email", "webhook", "slack")
_FIELDS_AS_CODES: Final[dict[str, str]] = {
    "comparisonOperator": "COMPARISON_OPERATOR",
    "periodMode": "PERIOD_MODE",
    "periodDays": "PERIOD_DAYS",
}


def _wrong(code: str) -> Exception:
    return refuse(400, {"error": f"DELIVERABILITY_ALERT_{code}"})


def _check(fields: Record, names: tuple[str, ...]) -> None:
    """Refuse the first invalid field among the named ones."""
    for name in names:
        value: Any = fields.get(name)
        if name in _CHOICES:
            right = value in _CHOICES[name]
        else:
            low, high = _RANGES[name]
            right = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not right:
            raise _wrong(f"INVALID_{_FIELDS_AS_CODES.get(name, name.upper())}")


def _check_scope(fields: Record) -> None:
    entities = fields.get("scopeEntities", [])
    if not isinstance(entities, list) or (fields["scope"] != "global" and not entities):
        raise _wrong("INVALID_SCOPE")
    named = cast("list[object]", entities)
    if fields["scope"] == "mailbox" and any(str(entity).count("|") != 2 for entity in named):
        raise _wrong("INVALID_SCOPE_ENTITY_FORMAT")  # user|address|mailbox


def _channels(config: object) -> dict[str, Record]:
    """Return the channels; an object that is none counts as none enabled."""
    given = cast("Record", config) if isinstance(config, dict) else {}
    return {name: channel if isinstance(channel, dict) else {} for name, channel in given.items()}


def _check_channels(channels: dict[str, Record]) -> None:
    if not any(channel.get("enabled") for channel in channels.values()):
        raise _wrong("NO_CHANNEL_ENABLED")
    mail = channels.get("email", {})
    if mail.get("enabled") and not mail.get("addresses"):
        raise _wrong("EMAIL_REQUIRED")
    texts(mail.get("addresses", []), {"error": "DELIVERABILITY_ALERT_INVALID_EMAIL"})
    if not all(is_email(address) for address in mail.get("addresses", [])):
        raise _wrong("INVALID_EMAIL")


def list_alerts(context: RequestContext) -> Record:
    """List all alerts."""
    return {"alerts": list(context.team.alerts.values()), "total": len(context.team.alerts)}


def create_alert(context: RequestContext) -> RouteResponse:
    """Create an alert, at most one of each kind. Without channels it shows in the app."""
    if not context.team.beta:
        raise refuse(403)
    body = context.record()
    _check(body, (*_CHOICES, *_RANGES))
    _check_scope(body)
    given = body.get("channelConfig", {"inapp": {"enabled": True}})
    config = {name: {"enabled": False} for name in _CHANNELS} | _channels(given)
    _check_channels(config)
    fields: Record = {"scopeEntities": [], **{name: body[name] for name in _IDENTITY if name in body}}
    if any(_identity(alert) == _identity(fields) for alert in context.team.alerts.values()):
        raise refuse(409)
    alert: Record = {
        "_id": context.team.new_id("dac"),
        "teamId": context.team.id,
        "createdBy": context.team.user_id,
    }
    alert |= dict.fromkeys(("createdAt", "updatedAt"), context.team.stamp()) | fields
    alert |= {
        "channelConfig": config,
        "enabled": True,
        "recheckDelayHours": body.get("recheckDelayHours", 12),
    }
    return respond(context.team.alerts.keep(alert), 201)


def _identity(alert: Record) -> Record:
    return {name: alert.get(name) for name in _IDENTITY}


def _alert_of(context: RequestContext) -> Record:
    alert_id = context.ids["alertId"]
    if not alert_id.startswith("dac_"):
        raise refuse(400)
    alert = context.team.alerts.get(alert_id)
    if alert is None:
        raise refuse(404)
    return alert


def get_alert(context: RequestContext) -> Record:
    """Return one alert."""
    return _alert_of(context)


def update_alert(context: RequestContext) -> Record:
    """Change the given fields, with the checks of a creation."""
    alert, body = _alert_of(context), context.record()
    changes = {name: body[name] for name in _EDITABLE if name in body}
    if "channelConfig" in changes:
        changes["channelConfig"] = _channels(changes["channelConfig"])
    after = alert | changes
    _check(after, (*_CHOICES, *_RANGES))
    _check_scope(after)
    _check_channels(after["channelConfig"])
    alert |= changes | {"updatedAt": context.team.stamp()}
    return alert


def delete_alert(context: RequestContext) -> Record:
    """Delete an alert for good."""
    del context.team.alerts[_alert_of(context)["_id"]]
    return {"deleted": True}


ROUTES = (
    QuietRoute("GET", "/deliverability/alerts", list_alerts),
    QuietRoute("POST", "/deliverability/alerts", create_alert),
    QuietRoute("GET", "/deliverability/alerts/{alertId}", get_alert),
    QuietRoute("PATCH", "/deliverability/alerts/{alertId}", update_alert),
    QuietRoute("DELETE", "/deliverability/alerts/{alertId}", delete_alert),
)
