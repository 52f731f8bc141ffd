"""lemwarm: the warm-up of mailboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.validation import Between
from lemlist_async.resources._base import IDEMPOTENT, Done, Resource, changes


@model
class Deliverability(Model):
    """Deliverability of a mailbox."""

    score: int | None = None
    """0 to 100."""
    last_at: datetime | None = None


@model
class LemwarmSettings(Model):
    """Warm-up settings of a mailbox. The last four fields are documented, the others were seen in responses."""

    warm_email_max: int | None = None
    """E-mails a day at most."""
    warm_email_rampup: int | None = None
    """More e-mails with each day."""
    active_at: datetime | None = None
    deliverability: Deliverability | None = None
    active: bool | None = None
    daily_limit: int | None = None
    warmup_template: str | None = None
    warm_daily_variance_enabled: bool | None = None


class LemwarmChanges(TypedDict, total=False):
    """Settings to change; what is left out keeps its value."""

    warm_email_max: Annotated[int, Between(0, 40)]
    """E-mails a day at most: 1 to 40, and 0 for teams with that beta."""
    warm_email_rampup: Annotated[int, Between(0, 40)]
    """More e-mails with each day: 1 to 40, and 0 for teams with that beta."""
    internal_communication_percent: Annotated[int, Between(0, 100)]
    """Share of the e-mails that go to members of the team, in percent."""
    answer_percentage: Annotated[int, Between(0, 100)]
    """Share of the e-mails that are answered, in percent."""
    warm_use_plaintext: bool
    warm_daily_variance_enabled: bool
    """Vary the number from day to day."""


class LemwarmResource(Resource):
    """`lemlist.lemwarm`; mailboxes are found through `users.get`."""

    async def start(self, mailbox_id: str) -> Done:
        """Begin the warm-up of a mailbox.

        POST /lemwarm/{userMailboxId}/start
        """
        return await self._call("POST", Done, "/lemwarm/{userMailboxId}/start", mailbox_id, effect=IDEMPOTENT)

    async def pause(self, mailbox_id: str) -> Done:
        """Suspend the warm-up of a mailbox.

        POST /lemwarm/{userMailboxId}/pause
        """
        return await self._call("POST", Done, "/lemwarm/{userMailboxId}/pause", mailbox_id, effect=IDEMPOTENT)

    async def get_settings(self, mailbox_id: str) -> LemwarmSettings:
        """Warm-up settings of a mailbox.

        GET /lemwarm/{userMailboxId}/settings
        """
        return await self._call("GET", LemwarmSettings, "/lemwarm/{userMailboxId}/settings", mailbox_id)

    async def update_settings(self, mailbox_id: str, **fields: Unpack[LemwarmChanges]) -> Done:
        """Change the warm-up settings of a mailbox.

        PATCH /lemwarm/{userMailboxId}/settings
        """
        payload = changes(LemwarmChanges, fields)
        path = "/lemwarm/{userMailboxId}/settings"
        return await self._call("PATCH", Done, path, mailbox_id, effect=IDEMPOTENT, payload=payload)
