"""Campaigns: their settings, exports, figures and checks."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.payload import InQuery, Length, encode
from lemlist_async.core.structure import Id, Model, Wire, model
from lemlist_async.core.wire import Call
from lemlist_async.errors import AlreadyDoneError, DecodeError, UnexpectedStatusError
from lemlist_async.pagination import Numbered, Pages
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, UNSAFE, Resource, query_of, within
from lemlist_async.resources._csv import CsvFile
from lemlist_async.resources._waiting import poll
from lemlist_async.resources.team import CampaignStatus

AutoReview = Literal["deliverable", "risky", "undeliverable", "unverified"]
Progress = Literal["continue", "pause", "stop"]
Channel = Literal["email", "linkedin", "others"]
ExportState = Literal["pending", "done", "error"]
_EXPORT_START = "GET /campaigns/{campaignId}/export/start"
_BATCH = 100
"""Campaigns in one request for figures at most."""


@model
class Creator(Model):
    """Who made a campaign."""

    user_id: str | None = None
    user_email: str | None = None


@model
class CampaignSender(Model):
    """Who sends for a campaign."""

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
    status: CampaignStatus | str | None = None
    state: str | None = None
    emoji: str | None = None
    labels: list[str] | None = None
    timezone: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    creator: Creator | None = None
    sequence_id: str | None = None
    schedule_ids: list[str] | None = None
    team_id: str | None = None
    archived: bool | None = None
    has_error: bool | None = None
    errors: list[str] | None = None
    senders: list[CampaignSender] | None = None


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
    """What the engine does with a campaign."""

    id: Annotated[str | None, Wire("_id")] = None
    state: Literal["running", "paused"] | str | None = None


@model
class Export(Model):
    """An export of a campaign's statistics, under way or done. It is kept for 2 hours, its file for 24."""

    export_id: Annotated[str | None, Wire("id")] = None
    """What the status and e-mail operations take."""
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
    url: str | None = None
    """Where the CSV can be fetched, once it is done."""
    email: str | None = None
    """Who is told when it is done."""


@model
class ExportStatus(Model):
    """The answer to a question about an export."""

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
    """What lemlist finds wrong with a campaign before it is launched."""

    name: str | None = None
    status: CampaignStatus | str | None = None
    statutes: list[Statute] | None = None


class CampaignFilter(TypedDict, total=False):
    """Which campaigns to list."""

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
    """Which e-mail statuses are launched so."""


class ReplyAction(TypedDict, total=False):
    """What the AI does upon a kind of reply."""

    enabled: bool
    pause_all_campaigns_for_lead: bool
    pause_campaign_for_company: bool
    pause_all_campaigns_for_company: bool


class AIFeatures(TypedDict, total=False):
    """How replies are handled; what is left out keeps its value."""

    score_replies: bool
    on_interested_reply: ReplyAction
    on_not_interested_reply: ReplyAction


class Tracking(TypedDict, total=False):
    """What is tracked."""

    track_opens: bool
    track_clicks: bool
    track_replies: bool


class OnReplied(TypedDict, total=False):
    """What happens when a lead replies."""

    create_new_task: bool
    campaign_progress: Progress
    propagate_progress_to_company: bool
    disable_out_of_office: bool


class OnLinkClicked(TypedDict, total=False):
    """What happens when a lead clicks a tracked link."""

    create_new_task: bool
    campaign_progress: Progress
    propagate_progress_to_company: bool
    specific_links: Sequence[str]
    """Only these links; empty means all."""


class OnMeetingBooked(TypedDict, total=False):
    """What happens when a meeting is booked."""

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
    """Which figures of one campaign."""

    start_date: Required[Annotated[datetime | str, InQuery()]]
    """Inclusive; ISO 8601 as text."""
    end_date: Required[Annotated[datetime | str, InQuery()]]
    send_user: Annotated[str, InQuery()]
    """``userId|email`` of a sender."""
    ab_selected: Annotated[Literal["A", "B"], Wire("ABSelected"), InQuery()]
    channels: Annotated[Sequence[Channel], InQuery("json")]
    """By default all."""


class StatsSpan(TypedDict, total=False):
    """Which figures of several campaigns."""

    start_date: Required[datetime | str]
    """Inclusive; ISO 8601 as text."""
    end_date: Required[datetime | str]
    send_user: str
    """``userId|email`` of a sender."""
    ab_selected: Annotated[Literal["A", "B"], Wire("ABSelected")]
    channels: Sequence[Channel]
    """By default all."""


class StatsBatchQuery(StatsSpan, total=False):
    """Which campaigns, and which figures of them."""

    campaign_ids: Required[Annotated[Sequence[str], Length(1, 100)]]
    """1 to 100 ids."""


class CampaignsResource(Resource):
    """`lemlist.campaigns`."""

    def list(self, *, page_size: int = 100, **filters: Unpack[CampaignFilter]) -> Pages[Campaign]:
        """All campaigns, `page_size` (1 to 100) a call.

        Asks for version v2, whose answer is an object; a bare list, as the document shows it, is read too.

        GET /campaigns
        """
        payload = encode(CampaignFilter, filters)
        return self._pages(
            Campaign,
            "/campaigns",
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=payload.asking(version="v2"),
            under="campaigns",
        )

    async def create(self, **fields: Unpack[NewCampaign]) -> CreatedCampaign:
        """A new campaign, with an empty sequence and a default schedule.

        POST /campaigns
        """
        return await self._call(
            "POST",
            CreatedCampaign,
            "/campaigns",
            effect=UNSAFE,
            payload=encode(NewCampaign, fields),
            verify="look for the name in campaigns.list(sort_by='createdAt', sort_order='desc')",
        )

    async def get(self, campaign_id: str) -> Campaign:
        """One campaign.

        GET /campaigns/{campaignId}
        """
        return await self._call("GET", Campaign, "/campaigns/{campaignId}", campaign_id)

    async def update(self, campaign_id: str, **fields: Unpack[CampaignChanges]) -> CampaignSettings:
        """Change settings.

        PATCH /campaigns/{campaignId}
        """
        return await self._call(
            "PATCH",
            CampaignSettings,
            "/campaigns/{campaignId}",
            campaign_id,
            effect=IDEMPOTENT,
            payload=encode(CampaignChanges, fields),
        )

    async def pause(self, campaign_id: str) -> CampaignState:
        """Stop a campaign from advancing; one that does not run answers with `AlreadyDoneError`.

        POST /campaigns/{campaignId}/pause
        """
        return await self._call(
            "POST", CampaignState, "/campaigns/{campaignId}/pause", campaign_id, effect=DEDUPABLE
        )

    async def start(self, campaign_id: str) -> CampaignState:
        """Let a campaign advance; one that runs answers with `AlreadyDoneError`.

        POST /campaigns/{campaignId}/start
        """
        return await self._call(
            "POST", CampaignState, "/campaigns/{campaignId}/start", campaign_id, effect=DEDUPABLE
        )

    async def ensure_paused(self, campaign_id: str) -> CampaignState:
        """Pause a campaign unless it is; calls `pause` and takes its refusal for an answer.

        Unlike `pause`, it is repeated after an unknown outcome.
        """
        return await self._ensure(campaign_id, "paused", "/campaigns/{campaignId}/pause")

    async def ensure_started(self, campaign_id: str) -> CampaignState:
        """Let a campaign run unless it does; calls `start` and takes its refusal for an answer.

        Unlike `start`, it is repeated after an unknown outcome.
        """
        return await self._ensure(campaign_id, "running", "/campaigns/{campaignId}/start")

    async def _ensure(self, campaign_id: str, state: str, path: str) -> CampaignState:
        # the document calls a second start a no-op; lemlist answers it with a 400
        try:
            return await self._call("POST", CampaignState, path, campaign_id, effect=IDEMPOTENT)
        except AlreadyDoneError:
            return CampaignState(id=campaign_id, state=state)

    async def start_export(self, campaign_id: str) -> Export:
        """Begin an export of the campaign's statistics; a GET that starts a job.

        GET /campaigns/{campaignId}/export/start
        """
        return await self._call(
            "GET", Export, "/campaigns/{campaignId}/export/start", campaign_id, effect=IDEMPOTENT
        )

    async def export_status(self, campaign_id: str, export_id: str) -> ExportStatus:
        """How far an export is; what it says is one level down, in `status`.

        GET /campaigns/{campaignId}/export/{exportId}/status
        """
        path = "/campaigns/{campaignId}/export/{exportId}/status"
        return await self._call("GET", ExportStatus, path, campaign_id, export_id)

    async def set_export_email(self, campaign_id: str, export_id: str, email: str) -> ExportStatus:
        """Have the address of the finished export mailed to somebody.

        PUT /campaigns/{campaignId}/export/{exportId}/email/{email}
        """
        path = "/campaigns/{campaignId}/export/{exportId}/email/{email}"
        return await self._call("PUT", ExportStatus, path, campaign_id, export_id, email, effect=IDEMPOTENT)

    async def export_stats(self, campaign_id: str, *, timeout: float = 600, every: float = 2) -> CsvFile:
        """The statistics of a campaign as CSV, once lemlist has written them.

        Calls `start_export`, then `export_status` every `every` seconds for `timeout` seconds at most. The file
        is fetched when the result is used, within 24 hours; the key goes along only if it lies at the API's
        own origin.

        Raises:
            DeadlineExceededError: the export is still under way.
            UnexpectedStatusError: the export failed.
        """
        begun = await self.start_export(campaign_id)
        export_id = begun.export_id or begun.record_id
        if export_id is None:
            raise DecodeError("the export has no id", status=200, operation=_EXPORT_START)
        answer = await poll(
            lambda: self.export_status(campaign_id, export_id), _is_over, every=every, timeout=timeout
        )
        export = answer.status or Export()
        if export.status != "done" or export.url is None:
            raise UnexpectedStatusError("the export failed", status=200, operation=_EXPORT_START)
        return CsvFile(self._sender, Call("GET", "/files/exports", url=export.url))

    async def export_leads(
        self, campaign_id: str, *, state: str | Sequence[str] = "all"
    ) -> builtins.list[ExportedLead]:
        """All leads of a campaign with their variables, held in memory; `export_leads_csv` streams them.

        `state` is always sent: without it lemlist answers with an empty list.

        GET /campaigns/{campaignId}/export/leads
        """
        payload = query_of(state=_states(state), format="json")
        path = "/campaigns/{campaignId}/export/leads"
        return await self._call("GET", list[ExportedLead], path, campaign_id, payload=payload)

    def export_leads_csv(self, campaign_id: str, *, state: str | Sequence[str] = "all") -> CsvFile:
        """All leads of a campaign as CSV, row by row or into a file, and in constant memory.

        GET /campaigns/{campaignId}/export/leads
        """
        query = query_of(state=_states(state), format="csv").query
        path = "/campaigns/{campaignId}/export/leads"
        return CsvFile(self._sender, Call("GET", path, (campaign_id,), query=query))

    async def reports(self, campaign_ids: Sequence[str]) -> builtins.list[CampaignReport]:
        """Figures of several campaigns over their whole life.

        GET /campaigns/reports
        """
        payload = query_of(campaignIds=",".join(campaign_ids))
        return await self._call("GET", list[CampaignReport], "/campaigns/reports", payload=payload)

    async def stats(self, campaign_id: str, **query: Unpack[StatsQuery]) -> CampaignStats:
        """Figures of one campaign over a span of time.

        GET /v2/campaigns/{campaignId}/stats
        """
        path = "/v2/campaigns/{campaignId}/stats"
        return await self._call("GET", CampaignStats, path, campaign_id, payload=encode(StatsQuery, query))

    async def stats_batch(self, **query: Unpack[StatsBatchQuery]) -> StatsBatch:
        """Figures of up to 100 campaigns over a span of time; a read, although a POST.

        POST /v2/campaigns/stats/batch
        """
        path = "/v2/campaigns/stats/batch"
        return await self._call("POST", StatsBatch, path, payload=encode(StatsBatchQuery, query))

    async def stats_of(self, campaign_ids: Sequence[str], **span: Unpack[StatsSpan]) -> StatsBatch:
        """Figures of any number of campaigns over a span of time; calls `stats_batch` for each 100 of them.

        A campaign without figures is in `errors`, and leaves the others alone.
        """
        found = StatsBatch(results=[], errors=[])
        for start in range(0, len(campaign_ids), _BATCH):
            batch = await self.stats_batch(campaign_ids=campaign_ids[start : start + _BATCH], **span)
            found = StatsBatch(
                results=[*(found.results or []), *(batch.results or [])],
                errors=[*(found.errors or []), *(batch.errors or [])],
            )
        return found

    async def duplicate(self, campaign_id: str, *, name: str | None = None) -> Campaign:
        """Copy a campaign as a draft; by default under its name with " Copy" behind it.

        POST /campaigns/{campaignId}/duplicate
        """
        return await self._call(
            "POST",
            Campaign,
            "/campaigns/{campaignId}/duplicate",
            campaign_id,
            effect=UNSAFE,
            body={} if name is None else {"name": name},
            verify="look for the copy in campaigns.list(sort_by='createdAt', sort_order='desc')",
        )

    async def statutes(self, campaign_id: str) -> Statutes:
        """What would block or hinder a launch.

        GET /campaigns/{campaignId}/statutes
        """
        return await self._call("GET", Statutes, "/campaigns/{campaignId}/statutes", campaign_id)


def _is_over(answer: ExportStatus) -> bool:
    return answer.status is not None and answer.status.status != "pending"


def _states(state: str | Sequence[str]) -> str:
    return state if isinstance(state, str) else ",".join(state)
