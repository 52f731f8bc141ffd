"""Deliverability alerts; closed beta, errors are JSON with a code."""

from __future__ import annotations

from typing import Any, Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, answer, refuse

from .common import QuietRoute, is_email

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
    """Refuse the first of the named fields that is not right."""
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
    if fields["scope"] != "global" and not entities:
        raise _wrong("INVALID_SCOPE")
    if fields["scope"] == "mailbox" and any(str(entity).count("|") != 2 for entity in entities):
        raise _wrong("INVALID_SCOPE_ENTITY_FORMAT")  # user|address|mailbox


def _check_channels(config: Record) -> None:
    if not any(channel.get("enabled") for channel in config.values()):
        raise _wrong("NO_CHANNEL_ENABLED")
    mail = config.get("email", {})
    if mail.get("enabled") and not mail.get("addresses"):
        raise _wrong("EMAIL_REQUIRED")
    if not all(is_email(address) for address in mail.get("addresses", [])):
        raise _wrong("INVALID_EMAIL")


def list_alerts(call: Call) -> Record:
    """All of them."""
    return {"alerts": list(call.team.alerts.values()), "total": len(call.team.alerts)}


def create_alert(call: Call) -> Answer:
    """One of each kind; without channels it shows in the app."""
    if not call.team.beta:
        raise refuse(403)
    body = call.record()
    _check(body, (*_CHOICES, *_RANGES))
    _check_scope(body)
    config = {name: {"enabled": False} for name in _CHANNELS} | body.get(
        "channelConfig", {"inapp": {"enabled": True}}
    )
    _check_channels(config)
    fields: Record = {"scopeEntities": [], **{name: body[name] for name in _IDENTITY if name in body}}
    if any(_identity(alert) == _identity(fields) for alert in call.team.alerts.values()):
        raise refuse(409)
    alert: Record = {"_id": call.team.new_id("dac"), "teamId": call.team.id, "createdBy": call.team.user_id}
    alert |= dict.fromkeys(("createdAt", "updatedAt"), call.team.stamp()) | fields
    alert |= {
        "channelConfig": config,
        "enabled": True,
        "recheckDelayHours": body.get("recheckDelayHours", 12),
    }
    return answer(call.team.alerts.keep(alert), 201)


def _identity(alert: Record) -> Record:
    return {name: alert.get(name) for name in _IDENTITY}


def _alert_of(call: Call) -> Record:
    alert_id = call.ids["alertId"]
    if not alert_id.startswith("dac_"):
        raise refuse(400)
    alert = call.team.alerts.get(alert_id)
    if alert is None:
        raise refuse(404)
    return alert


def get_alert(call: Call) -> Record:
    """One alert."""
    return _alert_of(call)


def update_alert(call: Call) -> Record:
    """Changes what is given; checked as at creation."""
    alert, body = _alert_of(call), call.record()
    changes = {name: body[name] for name in _EDITABLE if name in body}
    after = alert | changes
    _check(after, (*_CHOICES, *_RANGES))
    _check_scope(after)
    _check_channels(after["channelConfig"])
    alert |= changes | {"updatedAt": call.team.stamp()}
    return alert


def delete_alert(call: Call) -> Record:
    """For good."""
    del call.team.alerts[_alert_of(call)["_id"]]
    return {"deleted": True}


ROUTES = (
    QuietRoute("GET", "/deliverability/alerts", list_alerts),
    QuietRoute("POST", "/deliverability/alerts", create_alert),
    QuietRoute("GET", "/deliverability/alerts/{alertId}", get_alert),
    QuietRoute("PATCH", "/deliverability/alerts/{alertId}", update_alert),
    QuietRoute("DELETE", "/deliverability/alerts/{alertId}", delete_alert),
)
