"""Activities: what happened to leads and companies, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import Form
from lemlist_async.pagination import Offset, Pages
from lemlist_async.resources._base import IDEMPOTENT, Done, Resource, within
from lemlist_async.resources.leads import LeadEnrichment
from lemlist_async.resources.webhooks import EventType


@model
class ActivityLead(Model):
    """The lead of an activity."""

    id: Id
    state: str | None = None
    """The last event, such as ``emailsOpened``."""
    is_paused: bool | None = None
    """Whether the lead was paused."""
    personalized: bool | None = None
    """Whether a text was written for the lead alone."""
    source: str | None = None
    """Origin of the lead."""
    variables: dict[str, Any] | None = None
    """Fields and custom variables, under their own names."""
    contact_id: str | None = None
    """The person in the CRM."""
    enrichment: LeadEnrichment | None = None
    """Data that enrichment found about the lead."""


@model
class Activity(Model):
    """Something that happened.

    What depends on the type of the event is in `extra`: a reply has ``text``, ``messagePreview`` and the
    undocumented ``aiLeadInterest``, a company note has neither lead nor campaign.
    """

    id: Id
    type: EventType | str | None = None
    """Such as ``emailsReplied``; new ones appear monthly."""
    created_at: datetime | None = None
    """When it happened."""
    bot: bool | None = None
    """Whether a machine did it, such as a mail scanner that opens a message."""
    is_first: bool | None = None
    """Whether it is the first one of its type for the lead."""
    stopped: bool | None = None
    """Whether it ended the sequence for the lead."""
    team_id: str | None = None
    """The team of the campaign."""
    campaign_id: str | None = None
    """The campaign; None for what happened to a company."""
    campaign_name: str | None = None
    """The campaign's name at that time."""
    name: str | None = None
    """The campaign's name too, in some types."""
    lead: ActivityLead | None = None
    """The lead with its variables."""
    lead_id: str | None = None
    """The lead; None for what happened to a company."""
    lead_email: str | None = None
    """The lead's address."""
    lead_first_name: str | None = None
    """The lead's first name."""
    lead_last_name: str | None = None
    """The lead's last name."""
    lead_company_name: str | None = None
    """The lead's company."""
    lead_phone: str | None = None
    """The lead's phone number."""
    lead_picture: str | None = None
    """Address of the lead's picture."""
    contact_id: str | None = None
    """The person in the CRM."""
    company_id: str | None = None
    """The company in the CRM."""
    opportunity_id: str | None = None
    """The task that it belongs to."""
    sequence_id: str | None = None
    """The sequence, or the branch, whose step it was."""
    sequence_step: int | None = None
    """Place in the sequence, from 0."""
    total_sequence_step: int | None = None
    """Steps that the lead had been sent before, from 0."""
    sequence_tested: str | None = None
    """Variant of an A/B test."""
    step_id: str | None = None
    """The step, whatever its place; older activities have none."""
    user_id: str | None = None
    """The user who did it, if one did."""
    user_name: str | None = None
    """The name of that user."""
    created_by: str | None = None
    """Id of the user who wrote it, for notes."""
    send_user_id: str | None = None
    """The user in whose name it was sent."""
    send_user_name: str | None = None
    """The name of that user."""
    send_user_email: str | None = None
    """The address that it was sent from."""
    send_user_mailbox_id: str | None = None
    """The mailbox that it was sent from."""
    email_id: str | None = None
    """The e-mail, under lemlist's own id."""
    email_template_id: str | None = None
    """The text of the step."""
    email_template_name: str | None = None
    """The name of that text."""
    message_id: str | None = None
    """The e-mail, under the id of its header."""
    related_sent_at: datetime | None = None
    """When the message was sent that was opened, clicked or answered."""
    subject: str | None = None
    """The subject of the e-mail."""
    note: str | None = None
    """The text, for notes."""
    error_message: str | None = None
    """Why it failed."""
    meta_data: dict[str, Any] | None = None
    """Data that depends on the type."""


class ActivityFilter(TypedDict, total=False):
    """Filters of activities."""

    type: Annotated[EventType | str, InQuery()]
    """One type, such as ``emailsReplied``."""
    campaign_id: Annotated[str, InQuery()]
    lead_id: Annotated[str, InQuery()]
    is_first: Annotated[bool, InQuery()]
    """Only the first of its type for each lead."""
    min_date: Annotated[datetime | str | int, InQuery(), Form("moment")]
    """Created then or later: a time, ISO 8601, or seconds since 1970."""
    max_date: Annotated[datetime | str | int, InQuery(), Form("moment")]
    """Created then or before; after `min_date`."""
    start_date: Annotated[datetime | str | int, InQuery(), Form("moment")]
    """Another name for `min_date`, which goes before it."""
    end_date: Annotated[datetime | str | int, InQuery(), Form("moment")]
    """Another name for `max_date`, which goes before it."""


class ActivitiesResource(Resource):
    """`lemlist.activities`."""

    def list(self, *, page_size: int = 100, **filters: Unpack[ActivityFilter]) -> Pages[Activity]:
        """Activities, newest first, `page_size` (1 to 100) per call.

        New events push older ones from page to page while they are read. Each row still comes once, and for a
        complete span of time give both `min_date` and `max_date`. Always asks for version v2.

        GET /activities
        """
        return self._pages(
            Activity,
            "/activities",
            scheme=Offset(within("page_size", page_size, 1, 100)),
            payload=encode(ActivityFilter, filters).asking(version="v2"),
        )

    async def delete_recording(self, activity_id: str) -> Done:
        """Erase the recording of a call, and its transcript.

        DELETE /activities/{activityId}/recording-transcript
        """
        path = "/activities/{activityId}/recording-transcript"
        return await self._call("DELETE", Done, path, activity_id, effect=IDEMPOTENT)
