"""Campaigns: their settings, exports, figures and checks."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Sequence
from typing import Unpack

from lemlist_async.core.payload import encode
from lemlist_async.core.validation import check_form, texts
from lemlist_async.core.wire import Call
from lemlist_async.errors import AlreadyDoneError, DecodeError, UnexpectedStatusError
from lemlist_async.pagination import Numbered, Pages
from lemlist_async.resources._base import (
    DEDUPABLE,
    IDEMPOTENT,
    UNSAFE,
    Resource,
    changes,
    query_of,
    states,
    within,
)
from lemlist_async.resources._csv import CsvFile
from lemlist_async.resources._waiting import poll
from lemlist_async.resources.campaigns_models import (
    Campaign,
    CampaignChanges,
    CampaignFilter,
    CampaignReport,
    CampaignSettings,
    CampaignState,
    CampaignStats,
    CreatedCampaign,
    Export,
    ExportedLead,
    ExportStatus,
    NewCampaign,
    StatsBatch,
    StatsBatchQuery,
    StatsQuery,
    StatsSpan,
    Statutes,
)

_EXPORT_START = "GET /campaigns/{campaignId}/export/start"
_BATCH = 100
"""Campaigns in one request for figures at most."""


class CampaignsResource(Resource):
    """`lemlist.campaigns`."""

    def list(self, *, page_size: int = 100, **filters: Unpack[CampaignFilter]) -> Pages[Campaign]:
        """All campaigns, `page_size` (1 to 100) a call.

        Requests version v2, which returns an object; a bare list, as the document shows it, is read too.

        GET /campaigns
        """
        payload = encode(CampaignFilter, filters)
        return self._pages(
            Campaign,
            "/campaigns",
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=payload.asking(version="v2"),
            under="campaigns",
            # without the paths below a campaign: leads come and go all the time, and move no campaign
            changed_by=("/campaigns/{campaignId}/start", "/campaigns/{campaignId}/pause"),
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
            payload=changes(CampaignChanges, fields),
        )

    async def pause(self, campaign_id: str) -> CampaignState:
        """Pause a campaign; one that does not run raises `AlreadyDoneError`.

        POST /campaigns/{campaignId}/pause
        """
        return await self._call(
            "POST", CampaignState, "/campaigns/{campaignId}/pause", campaign_id, effect=DEDUPABLE
        )

    async def start(self, campaign_id: str) -> CampaignState:
        """Start a campaign; one that runs raises `AlreadyDoneError`.

        POST /campaigns/{campaignId}/start
        """
        return await self._call(
            "POST", CampaignState, "/campaigns/{campaignId}/start", campaign_id, effect=DEDUPABLE
        )

    async def ensure_paused(self, campaign_id: str) -> CampaignState:
        """Pause a campaign unless it is paused; calls `pause`, and takes its refusal for a success.

        Unlike `pause`, it is repeated after an unknown outcome.
        """
        return await self._ensure(campaign_id, "paused", "/campaigns/{campaignId}/pause")

    async def ensure_started(self, campaign_id: str) -> CampaignState:
        """Start a campaign unless it runs; calls `start`, and takes its refusal for a success.

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

    async def get_export(self, campaign_id: str, export_id: str) -> ExportStatus:
        """Progress of an export, which is one level down, in `status`.

        GET /campaigns/{campaignId}/export/{exportId}/status
        """
        path = "/campaigns/{campaignId}/export/{exportId}/status"
        return await self._call("GET", ExportStatus, path, campaign_id, export_id)

    async def set_export_email(self, campaign_id: str, export_id: str, email: str) -> ExportStatus:
        """Have the address of the finished export mailed to `email`.

        PUT /campaigns/{campaignId}/export/{exportId}/email/{email}
        """
        check_form("email", email, "email")
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
        response = await poll(
            lambda: self.get_export(campaign_id, export_id), _is_over, every=every, timeout=timeout
        )
        export = response.status or Export()
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
        payload = query_of(state=states(state), format="json")
        path = "/campaigns/{campaignId}/export/leads"
        return await self._call("GET", list[ExportedLead], path, campaign_id, payload=payload)

    def export_leads_csv(self, campaign_id: str, *, state: str | Sequence[str] = "all") -> CsvFile:
        """All leads of a campaign as CSV, row by row or into a file, and in constant memory.

        GET /campaigns/{campaignId}/export/leads
        """
        query = query_of(state=states(state), format="csv").query
        path = "/campaigns/{campaignId}/export/leads"
        return CsvFile(self._sender, Call("GET", path, (campaign_id,), query=query))

    async def list_reports(self, campaign_ids: Sequence[str]) -> builtins.list[CampaignReport]:
        """Figures of several campaigns over their whole life.

        GET /campaigns/reports
        """
        payload = query_of(campaignIds=",".join(texts("campaign_ids", campaign_ids, 1)))
        return await self._call("GET", list[CampaignReport], "/campaigns/reports", payload=payload)

    async def get_stats(self, campaign_id: str, **query: Unpack[StatsQuery]) -> CampaignStats:
        """Figures of one campaign over a span of time.

        GET /v2/campaigns/{campaignId}/stats
        """
        path = "/v2/campaigns/{campaignId}/stats"
        return await self._call("GET", CampaignStats, path, campaign_id, payload=encode(StatsQuery, query))

    async def list_stats_batch(self, **query: Unpack[StatsBatchQuery]) -> StatsBatch:
        """Figures of up to 100 campaigns over a span of time; a read, although a POST.

        POST /v2/campaigns/stats/batch
        """
        path = "/v2/campaigns/stats/batch"
        return await self._call("POST", StatsBatch, path, payload=encode(StatsBatchQuery, query))

    async def list_stats(self, campaign_ids: Sequence[str], **span: Unpack[StatsSpan]) -> StatsBatch:
        """Figures of any number of campaigns over a span of time; calls `stats_batch` for each 100 of them.

        A campaign without figures is in `errors`, and leaves the others alone.
        """
        ids = texts("campaign_ids", campaign_ids)
        found = StatsBatch(results=[], errors=[])
        for start in range(0, len(ids), _BATCH):
            batch = await self.list_stats_batch(campaign_ids=ids[start : start + _BATCH], **span)
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

    async def get_statutes(self, campaign_id: str) -> Statutes:
        """Problems that would block or hinder a launch.

        GET /campaigns/{campaignId}/statutes
        """
        return await self._call("GET", Statutes, "/campaigns/{campaignId}/statutes", campaign_id)


def _is_over(response: ExportStatus) -> bool:
    return response.status is not None and response.status.status != "pending"
