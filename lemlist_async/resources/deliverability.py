"""Deliverability alerts: word when e-mails stop arriving as they should. A beta of lemlist's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Between, Form
from lemlist_async.pagination import Pages, Whole
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, Resource, changes

Widget = Literal["warmup", "outreach"]
Metric = Literal["inboxRate", "spamRate", "score", "deliveryRate", "bounceRate"]
Severity = Literal["warning", "critical"]
Scope = Literal["global", "mailbox", "domain"]
Comparison = Literal["equal", "below", "above"]
PeriodMode = Literal["rolling", "consecutive"]


@model
class AlertChannel(Model):
    """Whether an alert goes through a channel."""

    enabled: bool | None = None
    addresses: list[str] | None = None
    """Only for e-mail."""


@model
class AlertChannels(Model):
    """Channels of an alert."""

    email: AlertChannel | None = None
    inapp: AlertChannel | None = None
    webhook: AlertChannel | None = None
    slack: AlertChannel | None = None


@model
class DeliverabilityAlert(Model):
    """Condition and channels of an alert."""

    id: Id
    team_id: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    widget: Widget | str | None = None
    metric: Metric | str | None = None
    severity: Severity | str | None = None
    scope: Scope | str | None = None
    scope_entities: list[str] | None = None
    """``userId|email|mailboxId`` for mailboxes, else domains."""
    threshold: float | None = None
    """0 to 100."""
    comparison_operator: Comparison | str | None = None
    period_days: int | None = None
    period_mode: PeriodMode | str | None = None
    channel_config: AlertChannels | None = None
    enabled: bool | None = None
    last_checked_at: datetime | None = None
    last_triggered_at: datetime | None = None
    recheck_delay_hours: int | None = None
    """Hours of silence after an alert."""


@model
class DeletedAlert(Model):
    """Whether an alert was deleted."""

    deleted: bool | None = None


class ToEmail(TypedDict, total=False):
    """Alerts by e-mail."""

    enabled: bool
    addresses: Annotated[Sequence[str], Form("email")]
    """One at least, if enabled."""


class ToChannel(TypedDict, total=False):
    """Alerts through another channel."""

    enabled: bool


class ChannelConfig(TypedDict, total=False):
    """Channels of an alert; at least one must be enabled."""

    email: ToEmail
    inapp: ToChannel
    webhook: ToChannel
    """Needs a webhook for ``deliverabilityAlertTriggered``."""
    slack: ToChannel
    """Needs a Slack connection."""


class NewAlert(TypedDict, total=False):
    """An alert to set up."""

    widget: Required[Widget]
    metric: Required[Metric]
    severity: Required[Severity]
    scope: Required[Scope]
    scope_entities: Sequence[str]
    """For mailboxes ``userId|email|mailboxId``, for domains the bare domain."""
    threshold: Required[Annotated[float, Between(0, 100)]]
    comparison_operator: Required[Comparison]
    period_days: Required[Annotated[int, Between(1, 30)]]
    period_mode: Required[PeriodMode]
    channel_config: ChannelConfig
    """By default in the app only."""
    recheck_delay_hours: Annotated[int, Between(0)]
    """Hours of silence after an alert; by default 12."""


class AlertChanges(TypedDict, total=False):
    """Fields to change; what is left out keeps its value."""

    threshold: Annotated[float, Between(0, 100)]
    comparison_operator: Comparison
    period_days: Annotated[int, Between(1, 30)]
    period_mode: PeriodMode
    channel_config: ChannelConfig
    scope_entities: Sequence[str]
    """For mailboxes ``userId|email|mailboxId``, for domains the bare domain."""
    enabled: bool


class DeliverabilityResource(Resource):
    """`lemlist.deliverability`."""

    def list_alerts(self) -> Pages[DeliverabilityAlert]:
        """All alerts, in one call.

        GET /deliverability/alerts
        """
        return self._pages(DeliverabilityAlert, "/deliverability/alerts", scheme=Whole(), under="alerts")

    async def create_alert(self, **fields: Unpack[NewAlert]) -> DeliverabilityAlert:
        """Set up an alert.

        Raises:
            ConflictError: there is an identical one.

        POST /deliverability/alerts
        """
        return await self._call(
            "POST",
            DeliverabilityAlert,
            "/deliverability/alerts",
            effect=DEDUPABLE,
            payload=encode(NewAlert, fields),
            verify="look for the alert in deliverability.list_alerts()",
        )

    async def get_alert(self, alert_id: str) -> DeliverabilityAlert:
        """One alert.

        GET /deliverability/alerts/{alertId}
        """
        return await self._call("GET", DeliverabilityAlert, "/deliverability/alerts/{alertId}", alert_id)

    async def update_alert(self, alert_id: str, **fields: Unpack[AlertChanges]) -> DeliverabilityAlert:
        """Change an alert, or suspend it.

        PATCH /deliverability/alerts/{alertId}
        """
        payload = changes(AlertChanges, fields)
        path = "/deliverability/alerts/{alertId}"
        return await self._call(
            "PATCH", DeliverabilityAlert, path, alert_id, effect=IDEMPOTENT, payload=payload
        )

    async def delete_alert(self, alert_id: str) -> DeletedAlert:
        """Delete an alert.

        DELETE /deliverability/alerts/{alertId}
        """
        path = "/deliverability/alerts/{alertId}"
        return await self._call("DELETE", DeletedAlert, path, alert_id, effect=IDEMPOTENT)
