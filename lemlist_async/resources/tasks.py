"""Tasks: what members have to do by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import AsText, InQuery, encode
from lemlist_async.core.validation import Form, Length, texts
from lemlist_async.pagination import Numbered, Pages
from lemlist_async.resources._base import IDEMPOTENT, UNSAFE, Done, Resource, changes

TaskType = Literal["email", "manual", "phone", "linkedin"]
Priority = Literal[0, 1, 2]
"""A text on its way out, and a number on its way back."""


@model
class Task(Model):
    """A task that is not done."""

    id: Id
    type: str | None = None
    """More of them than can be made, such as ``linkedinInvite`` and ``emailsReplied``."""
    title: str | None = None
    content: str | None = None
    """Text given as `message`."""
    priority: int | None = None
    """0 to 2."""
    user_id: str | None = None
    """Assignee, given as `assigned_to`."""
    due_date: datetime | None = None
    status: Literal["pending", "completed", "ignored"] | str | None = None
    lead_id: str | None = None
    contact_id: str | None = None
    campaign_id: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None


class TaskFilter(TypedDict, total=False):
    """One condition on tasks; which of the other keys count depends on `filter_id`."""

    filter_id: Required[
        Literal[
            "fullName", "email", "phone", "linkedin", "campaignId", "campaignState", "type", "assignedTo",
            "dueDate",
        ]
    ]  # fmt: skip
    value: str
    """For the first four: the whole text."""
    regex: str
    """For the first four: a pattern instead."""
    include: Annotated[Sequence[str], Wire("in")]
    """For ``campaignId``, ``campaignState``, ``type`` and ``assignedTo``: any of these."""
    exclude: Annotated[Sequence[str], Wire("out")]
    """For the same: none of these."""
    since: Annotated[date | str, Wire("from"), Form("date")]
    """For ``dueDate``: ``YYYY-MM-DD``, inclusive."""
    until: Annotated[date | str, Wire("to"), Form("date")]
    """For ``dueDate``: ``YYYY-MM-DD``, inclusive."""


class _TaskQuery(TypedDict):
    """Filters of tasks."""

    filters: Annotated[Sequence[TaskFilter], InQuery("json")]


class TaskFields(TypedDict, total=False):
    """Fields of a task."""

    title: str
    message: str
    """Text for `Task.content`."""
    priority: Annotated[Priority, AsText()]
    description: str
    """Undocumented; another client sends it."""
    images: Annotated[Sequence[str], Length(0, 6), Form("url")]
    """For ``linkedin``: https addresses (PNG, JPEG, GIF; 20 MB each), 6 together with videos."""
    videos: Annotated[Sequence[str], Length(0, 6), Form("url")]
    """For ``linkedin``: https addresses (MP4, QuickTime; 20 MB each)."""


class NewTask(TaskFields, total=False):
    """A task to make."""

    record_id: Required[str]
    """Id of a contact, company or lead. The document asks for ``leadId``; the API wants this."""
    type: Required[TaskType]
    assigned_to: Required[str]
    """Id of a member."""
    due_date: Required[Annotated[datetime | str, Form("date-time")]]
    """ISO 8601 as text."""


class TaskChanges(TaskFields, total=False):
    """Fields to change; what is left out keeps its value, and an empty list of images takes them off."""

    assigned_to: str
    """Id of a member."""
    due_date: Annotated[datetime | str, Form("date-time")]
    """ISO 8601 as text."""
    done: bool


class TasksResource(Resource):
    """`lemlist.tasks`."""

    def list(self, *, filters: Sequence[TaskFilter] = ()) -> Pages[Task]:
        """The tasks that are not done and meet all filters, by pages of lemlist's own size.

        GET /tasks
        """
        # the document calls `filters` optional; without it lemlist answers "Malformed filters"
        payload = encode(_TaskQuery, {"filters": filters})
        return self._pages(
            Task,
            "/tasks",
            scheme=Numbered(start=0),
            payload=payload,
            under="results",
            changed_by=("/tasks",),
        )

    async def create(self, **fields: Unpack[NewTask]) -> Task:
        """A new task.

        POST /tasks
        """
        return await self._call(
            "POST",
            Task,
            "/tasks",
            effect=UNSAFE,
            payload=encode(NewTask, fields),
            verify="look for the task in tasks.list()",
        )

    async def update(self, task_id: str, **fields: Unpack[TaskChanges]) -> Task:
        """Change a task, or mark it as done.

        PATCH /tasks
        """
        body = {"id": task_id, **(changes(TaskChanges, fields).body or {})}
        return await self._call("PATCH", Task, "/tasks", effect=IDEMPOTENT, body=body, acts_on=task_id)

    async def ignore(self, task_ids: Sequence[str]) -> Done:
        """Dismiss tasks.

        POST /tasks/ignore
        """
        body = {"ids": texts("task_ids", task_ids, 1)}
        return await self._call("POST", Done, "/tasks/ignore", effect=IDEMPOTENT, body=body)
