"""Models and arguments of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Secret, Wire
from lemlist_async.core.payload import InQuery
from lemlist_async.core.validation import Form, Length
from lemlist_async.resources.team import CampaignStatus

AutoReview = Literal["deliverable", "risky", "undeliverable", "unverified"]
Progress = Literal["continue", "pause", "stop"]
Channel = Literal["email", "linkedin", "others"]
ExportState = Literal["pending", "done", "error"]


@model
class Creator(Model):
    """Creator of a campaign."""

    user_id: str | None = None
    user_email: str | None = None


@model
class CampaignSender(Model):
    """Sender of a campaign."""

    id: str | None = None
    email: str | None = None
    send_user_mailbox_id: str | None = None


@model
class Campaign(Model):
    """A campaign, as lists and look-ups show it.

    `status` is what the app displays and `state` what the engine does: a campaign made through the API shows
    ``draft`` while its state is ``running``.
    """

    id: Id
    name: str | None = None
    """As the app shows it; not unique."""
    status: CampaignStatus | str | None = None
    """Status in the app; a new campaign is ``draft`` here and runs all the same."""
    state: str | None = None
    """State of the engine, ``running`` or ``paused``; only after a creation or a change."""
    emoji: str | None = None
    """Shown in front of the name."""
    labels: list[str] | None = None
    """For sorting campaigns in the app."""
    timezone: str | None = None
    """IANA name, in which the schedules are read."""
    created_at: datetime | None = None
    """When it was made."""
    created_by: str | None = None
    """Id of the user who made it."""
    creator: Creator | None = None
    """The user who made it."""
    sequence_id: str | None = None
    """The main sequence; `sequences.list_for_campaign` gives its branches too."""
    schedule_ids: list[str] | None = None
    """The schedules that it keeps to."""
    team_id: str | None = None
    """The team that owns it."""
    archived: bool | None = None
    """Whether it was put away."""
    has_error: bool | None = None
    """Whether an error keeps the campaign from sending."""
    errors: list[str] | None = None
    """Reason why the campaign does not send, in lemlist's words."""
    senders: list[CampaignSender] | None = None
    """The users and mailboxes that send."""


@model
class CreatedCampaign(Campaign):
    """A campaign, as its creation shows it."""

    scanned_count: int | None = None
    reviewed_count: int | None = None
    in_sequence_lead_count: int | None = None
    variable_keys: list[str] | None = None
    displayed_variable_keys: list[str] | None = None
    send_users: list[Any] | None = None
    stop_on_email_replied: bool | None = None
    crm_opportunities_on_task: bool | None = None
    unsubscribe: str | None = None
    crm: str | None = None
    crm_user_id: str | None = None


@model
class SenderMailbox(Model):
    """A mailbox of a sender."""

    send_user_mailbox_id: str | None = None
    email: str | None = None


@model
class ConfiguredSender(Model):
    """A sender with the channels it can use."""

    id: str | None = None
    mailboxes: list[SenderMailbox] | None = None
    phone_numbers: list[str] | None = None
    whatsapp_account_ids: list[str] | None = None


@model
class CampaignSettings(Model):
    """The settings of a campaign after a change."""

    name: str | None = None
    stop_on_email_replied: bool | None = None
    stop_on_meeting_booked: bool | None = None
    stop_on_link_clicked: bool | None = None
    stop_on_link_clicked_filter: str | None = None
    leads_paused_by_interest: bool | None = None
    opportunity_replied: bool | None = None
    opportunity_clicked: bool | None = None
    auto_lead_interest: bool | None = None
    disable_track_open: bool | None = None
    disable_track_click: bool | None = None
    disable_track_reply: bool | None = None
    disable_out_of_office: bool | None = None
    sequence_sharing: bool | None = None
    send_users: list[ConfiguredSender] | None = None
    """Only where `send_user_ids` was given."""


@model
class CampaignState(Model):
    """State of a campaign's engine."""

    id: Annotated[str | None, Wire("_id")] = None
    state: Literal["running", "paused"] | str | None = None


@model
class Export(Model):
    """An export of a campaign's statistics, under way or done. It is kept for 2 hours, its file for 24."""

    export_id: Annotated[str | None, Wire("id")] = None
    """Id for the status and e-mail operations."""
    record_id: Annotated[str | None, Wire("_id")] = None
    team_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    status: ExportState | str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: int | None = None
    """Rows worked off, of `total`."""
    total: int | None = None
    progress_index: int | None = None
    progress_time: int | None = None
    """Milliseconds since 1970."""
    progress_last_step_duration: int | None = None
    """Milliseconds."""
    progress_type: str | None = None
    file_size: int | None = None
    """Bytes, once it is done."""
    url: Annotated[str | None, Secret()] = None
    """Address of the finished CSV; it is signed, so `repr` does not show it."""
    email: str | None = None
    """Address that is notified when the export is done."""


@model
class ExportStatus(Model):
    """Response to `get_export`."""

    ok: bool | None = None
    status: Export | None = None


@model
class ExportedLead(Model):
    """A row of the export of a campaign's leads; custom variables are in `extra`."""

    id: Id
    email: str | None = None
    email_status: Literal["deliverable", "risky", "undeliverable", "unverified"] | str | None = None
    first_name: str | None = None
    last_name: str | None = None
    picture: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    timezone: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    icebreaker: str | None = None
    job_title: str | None = None
    last_state: str | None = None
    status: str | None = None


@model
class CampaignReport(Model):
    """A campaign's figures over its whole life."""

    id: Id
    name: str | None = None
    creator: str | None = None
    """``userId|email``."""
    created_at: datetime | None = None
    created_by: str | None = None
    labels: str | None = None
    total_count: int | None = None
    reviewed_count: int | None = None
    in_sequence_lead_count: int | None = None
    state: str | None = None
    status: CampaignStatus | str | None = None
    sender_names: str | None = None
    """E-mail addresses, separated by commas."""
    senders_users: str | None = None
    reviewed: int | None = None
    emails_sent: int | None = None
    emails_opened: int | None = None
    emails_clicked: int | None = None
    emails_replied: int | None = None
    emails_unsubscribed: int | None = None
    emails_interested: int | None = None
    linkedin_sent: int | None = None
    linkedin_opened: int | None = None
    linkedin_replied: int | None = None
    interested: int | None = None
    not_interested: int | None = None


@model
class StepStats(Model):
    """The figures of one step."""

    index: int | None = None
    sequence_id: str | None = None
    sequence_step: int | None = None
    ab_test: str | None = None
    task_type: str | None = None
    condition_label: str | None = None
    invited: int | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    clicked: int | None = None
    replied: int | None = None
    not_delivered: int | None = None
    bounced: int | None = None
    unsubscribed: int | None = None


@model
class CampaignStats(Model):
    """A campaign's figures over a span of time."""

    campaign_id: str | None = None
    """Only in a batch."""
    nb_leads: int | None = None
    nb_leads_launched: int | None = None
    nb_leads_reached: int | None = None
    nb_leads_opened: int | None = None
    nb_leads_interacted: int | None = None
    nb_leads_answered: int | None = None
    nb_leads_interested: int | None = None
    nb_leads_not_interested: int | None = None
    nb_leads_unsubscribed: int | None = None
    nb_leads_interrupted: int | None = None
    messages_sent: int | None = None
    messages_not_sent: int | None = None
    messages_bounced: int | None = None
    delivered: int | None = None
    opened: int | None = None
    clicked: int | None = None
    replied: int | None = None
    invitation_accepted: int | None = None
    meeting_booked: int | None = None
    steps: list[StepStats] | None = None
    per_channel: dict[str, Any] | None = None
    """Undocumented, and often present."""


@model
class StatsError(Model):
    """Why a campaign has no figures in a batch."""

    campaign_id: str | None = None
    error: str | None = None


@model
class StatsBatch(Model):
    """The figures of several campaigns, and the campaigns that have none."""

    results: list[CampaignStats] | None = None
    errors: list[StatsError] | None = None


@model
class Statute(Model):
    """One finding of the checks before a launch."""

    type: Literal["issue", "information"] | str | None = None
    level: int | None = None
    """3 blocks the launch, 2 is a warning, 1 is information."""
    message: str | None = None
    """For people; may hold HTML."""
    category: str | None = None


@model
class Statutes(Model):
    """Problems of a campaign that lemlist reports before its launch."""

    name: str | None = None
    status: CampaignStatus | str | None = None
    statutes: list[Statute] | None = None


class CampaignFilter(TypedDict, total=False):
    """Filters of campaigns."""

    status: Annotated[CampaignStatus, InQuery()]
    """A campaign may have several at once, such as ``paused`` and ``errors``."""
    created_by: Annotated[str, InQuery()]
    """Id of a user."""
    sort_by: Annotated[Literal["createdAt"], InQuery()]
    sort_order: Annotated[Literal["asc", "desc"], InQuery()]


class NewCampaign(TypedDict, total=False):
    """A campaign to make."""

    name: Required[str]
    """Not unique: the same name makes a second campaign."""
    timezone: str
    """IANA name; by default ``Europe/Paris``."""
    auto_review: bool
    """Launch leads as soon as they are added; by default False."""
    auto_review_conditions: Sequence[AutoReview]
    """E-mail statuses that are launched automatically."""


class ReplyAction(TypedDict, total=False):
    """Reaction of the AI to a kind of reply."""

    enabled: bool
    pause_all_campaigns_for_lead: bool
    pause_campaign_for_company: bool
    pause_all_campaigns_for_company: bool


class AIFeatures(TypedDict, total=False):
    """Handling of replies; fields that are left out keep their value."""

    score_replies: bool
    on_interested_reply: ReplyAction
    on_not_interested_reply: ReplyAction


class Tracking(TypedDict, total=False):
    """Tracked events."""

    track_opens: bool
    track_clicks: bool
    track_replies: bool


class OnReplied(TypedDict, total=False):
    """Reaction to a reply of a lead."""

    create_new_task: bool
    campaign_progress: Progress
    propagate_progress_to_company: bool
    disable_out_of_office: bool


class OnLinkClicked(TypedDict, total=False):
    """Reaction to a click on a tracked link."""

    create_new_task: bool
    campaign_progress: Progress
    propagate_progress_to_company: bool
    specific_links: Sequence[str]
    """Only these links; empty means all."""


class OnMeetingBooked(TypedDict, total=False):
    """Reaction to a booked meeting."""

    campaign_progress: Progress
    propagate_progress_to_company: bool


class CampaignChanges(TypedDict, total=False):
    """Settings to change; what is left out keeps its value."""

    name: str
    stop_on_email_replied: bool
    stop_on_meeting_booked: bool
    stop_on_link_clicked: bool
    stop_on_link_clicked_filter: str
    leads_paused_by_interest: bool
    opportunity_replied: bool
    """Make an opportunity of a reply."""
    opportunity_clicked: bool
    """Make an opportunity of a click."""
    auto_lead_interest: bool
    disable_track_open: bool
    disable_track_click: bool
    disable_track_reply: bool
    disable_out_of_office: bool
    sequence_sharing: bool
    send_user_ids: Sequence[str]
    """Ids of users who send; not for campaigns whose sender is chosen per lead."""
    auto_review: bool
    auto_review_conditions: Sequence[AutoReview]
    ai_features: AIFeatures
    tracking: Tracking
    on_replied: OnReplied
    on_link_clicked: OnLinkClicked
    on_meeting_booked: OnMeetingBooked
    archived: bool
    """Undocumented, and the only way to put a campaign away: there is no DELETE."""


class StatsQuery(TypedDict, total=False):
    """Selection of the figures of one campaign."""

    start_date: Required[Annotated[datetime | str, InQuery(), Form("date-time")]]
    """Inclusive; ISO 8601 as text."""
    end_date: Required[Annotated[datetime | str, InQuery(), Form("date-time")]]
    send_user: Annotated[str, InQuery()]
    """``userId|email`` of a sender."""
    ab_selected: Annotated[Literal["A", "B"], Wire("ABSelected"), InQuery()]
    channels: Annotated[Sequence[Channel], InQuery("json")]
    """By default all."""


class StatsSpan(TypedDict, total=False):
    """Selection of the figures of several campaigns."""

    start_date: Required[Annotated[datetime | str, Form("date-time")]]
    """Inclusive; ISO 8601 as text."""
    end_date: Required[Annotated[datetime | str, Form("date-time")]]
    send_user: str
    """``userId|email`` of a sender."""
    ab_selected: Annotated[Literal["A", "B"], Wire("ABSelected")]
    channels: Sequence[Channel]
    """By default all."""


class StatsBatchQuery(StatsSpan, total=False):
    """Campaigns, and the selection of their figures."""

    campaign_ids: Required[Annotated[Sequence[str], Length(1, 100)]]
    """1 to 100 ids."""
