"""Schedules: the hours and days at which campaigns send."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import Between, Form, Length
from lemlist_async.pagination import Numbered, Pages
from lemlist_async.resources._base import IDEMPOTENT, UNSAFE, Resource, changes, within

Weekdays = Annotated[Sequence[int], Between(1, 7), Length(1, 7)]
Clock = Annotated[str, Form("clock")]


@model
class Schedule(Model):
    """When to send."""

    id: Id
    name: str | None = None
    seconds_to_wait: int | None = None
    """Seconds between two sends."""
    timezone: str | None = None
    """IANA name."""
    start: str | None = None
    """``HH:MM``."""
    end: str | None = None
    """``HH:MM``."""
    weekdays: list[int] | None = None
    """1 is Monday, 7 is Sunday."""
    public: bool | None = None
    """Whether it is offered as a template."""
    team_id: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    deleted_by: str | None = None
    deleted_at: datetime | None = None


@model
class DeletedSchedule(Model):
    """Deleted record."""

    id: Annotated[str | None, Wire("_id")] = None


@model
class ScheduleLink(Model):
    """A schedule with a campaign that keeps to it."""

    schedule_id: str | None = None
    campaign_id: str | None = None


class ScheduleOrder(TypedDict, total=False):
    """In which order to list."""

    sort_by: Annotated[Literal["createdAt"], InQuery()]
    sort_order: Annotated[Literal["asc", "desc"], InQuery()]


class NewSchedule(TypedDict, total=False):
    """A schedule to make."""

    name: Required[str]
    """Not unique."""
    timezone: Required[str]
    """IANA name."""
    start: Required[Clock]
    """``HH:MM``."""
    end: Required[Clock]
    """``HH:MM``."""
    weekdays: Required[Weekdays]
    """1 is Monday, 7 is Sunday."""
    seconds_to_wait: Annotated[int, Between(0)]
    """Seconds between two sends; by default 1200."""
    public: bool
    """Offer it as a template; by default False."""


class ScheduleChanges(TypedDict, total=False):
    """Fields to change; what is left out keeps its value."""

    name: str
    timezone: str
    start: Clock
    """``HH:MM``."""
    end: Clock
    """``HH:MM``."""
    weekdays: Weekdays
    """1 is Monday, 7 is Sunday."""
    seconds_to_wait: Annotated[int, Between(0)]
    """Seconds between two sends."""
    public: bool


class SchedulesResource(Resource):
    """`lemlist.schedules`."""

    def list(self, *, page_size: int = 100, **order: Unpack[ScheduleOrder]) -> Pages[Schedule]:
        """All schedules, `page_size` (1 to 100) a call.

        GET /schedules
        """
        return self._pages(
            Schedule,
            "/schedules",
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=encode(ScheduleOrder, order),
            under="schedules",
            changed_by=("/schedules",),
        )

    async def create(self, **fields: Unpack[NewSchedule]) -> Schedule:
        """A new schedule.

        POST /schedules
        """
        return await self._call(
            "POST",
            Schedule,
            "/schedules",
            effect=UNSAFE,
            payload=encode(NewSchedule, fields),
            verify="look for the name in schedules.list(sort_by='createdAt', sort_order='desc')",
        )

    async def get(self, schedule_id: str) -> Schedule:
        """One schedule.

        GET /schedules/{scheduleId}
        """
        return await self._call("GET", Schedule, "/schedules/{scheduleId}", schedule_id)

    async def update(self, schedule_id: str, **fields: Unpack[ScheduleChanges]) -> Schedule:
        """Change a schedule, for every campaign that keeps to it.

        PATCH /schedules/{scheduleId}
        """
        payload = changes(ScheduleChanges, fields)
        path = "/schedules/{scheduleId}"
        return await self._call("PATCH", Schedule, path, schedule_id, effect=IDEMPOTENT, payload=payload)

    async def delete(self, schedule_id: str) -> DeletedSchedule:
        """Delete a schedule; it is kept as deleted.

        DELETE /schedules/{scheduleId}
        """
        path = "/schedules/{scheduleId}"
        return await self._call("DELETE", DeletedSchedule, path, schedule_id, effect=IDEMPOTENT)

    async def list_for_campaign(self, campaign_id: str) -> builtins.list[Schedule]:
        """The schedules that a campaign keeps to.

        GET /campaigns/{campaignId}/schedules/
        """
        return await self._call("GET", list[Schedule], "/campaigns/{campaignId}/schedules/", campaign_id)

    async def attach(self, campaign_id: str, schedule_id: str) -> ScheduleLink:
        """Let a campaign keep to a schedule.

        POST /campaigns/{campaignId}/schedules/{scheduleId}
        """
        path = "/campaigns/{campaignId}/schedules/{scheduleId}"
        return await self._call("POST", ScheduleLink, path, campaign_id, schedule_id, effect=IDEMPOTENT)
