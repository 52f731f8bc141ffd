"""CRMs: their segments, and the import of one into a campaign."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Wire
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.resources._base import DEDUPABLE, UNSAFE, Done, Resource

Crm = Literal["hubspot", "salesforce", "pipedrive"]
CrmFilterType = Literal["lead", "contact", "report"]


@model
class CrmFilter(Model):
    """A segment of a CRM, such as a HubSpot list or a Salesforce report."""

    filter_id: Annotated[int | str | None, Wire("id")] = None
    """Id for `import_leads`, as a string."""
    record_id: Annotated[str | None, Wire("_id")] = None
    name: str | None = None
    type: CrmFilterType | str | None = None
    criteria: dict[str, Any] | None = None


class CrmFilterQuery(TypedDict, total=False):
    """User whose segments to list."""

    crm: Required[Annotated[Crm | str, InQuery()]]
    user_id: Required[Annotated[str, InQuery()]]
    """A member with this CRM connected: `team.list_crm_users`."""
    type: Annotated[CrmFilterType | str, InQuery()]
    """Only for Salesforce."""


class CrmImport(TypedDict, total=False):
    """Segment to import."""

    crm: Required[Crm | str]
    user_id: Required[str]
    """A member with this CRM connected."""
    filter_id: Required[str]
    """`CrmFilter.filter_id`, as text."""
    filter_type: CrmFilterType | str
    """Only for Salesforce."""
    deduplicate: bool
    """Leave out people who are in a campaign already."""


class CrmResource(Resource):
    """`lemlist.crm`."""

    async def list_filters(self, **query: Unpack[CrmFilterQuery]) -> list[CrmFilter]:
        """The segments of a CRM that can be imported.

        GET /crm/filters
        """
        return await self._call("GET", list[CrmFilter], "/crm/filters", payload=encode(CrmFilterQuery, query))

    async def import_leads(self, campaign_id: str, **fields: Unpack[CrmImport]) -> Done:
        """Import a segment of a CRM into a campaign; only with `deduplicate` is a second import harmless.

        POST /campaigns/{campaignId}/leads/import
        """
        return await self._call(
            "POST",
            Done,
            "/campaigns/{campaignId}/leads/import",
            campaign_id,
            effect=DEDUPABLE if fields.get("deduplicate") else UNSAFE,
            payload=encode(CrmImport, fields),
            verify="compare the leads in campaigns.list_reports([campaign_id])",
        )
