"""Leads: the copies of people inside campaigns."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict, Unpack, overload

from lemlist_async.core.ambiguity import is_absence
from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import InQuery, Payload, encode
from lemlist_async.core.validation import check_campaign_id, check_form, chosen, texts
from lemlist_async.core.wire import Effect, Upload
from lemlist_async.errors import BadRequestError, InvalidInputError, LeadAlreadyExistsError, NotFoundError
from lemlist_async.pagination import Offset, Pages
from lemlist_async.resources._base import (
    DEDUPABLE,
    IDEMPOTENT,
    UNSAFE,
    Done,
    Resource,
    changes,
    custom_query,
    query_of,
    states,
    with_custom,
    within,
)
from lemlist_async.resources.team import CampaignStatus

EmailStatus = Literal["deliverable", "risky", "undeliverable", "unverified"]
LeadStatus = Literal[
    "review", "scanning", "running", "paused", "done", "interested", "notInterested", "unsubscribed"
]
OnDuplicate = Literal["raise", "skip"]
MAX_AUDIO = 20 * 2**20
"""Bytes of a voice note at most."""
_CREDITS = frozenset({"linkedinEnrichment", "findEmail", "verifyEmail", "findPhone"})


@model
class Lead(Model):
    """A person inside one campaign; custom variables are in `extra`, under their own names.

    Several leads may share an address: one per campaign.
    """

    id: Id
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    job_title: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    picture: str | None = None
    icebreaker: str | None = None
    timezone: str | None = None
    industry: str | None = None
    preferred_contact_method: str | None = None
    email_status: EmailStatus | str | None = None
    is_paused: bool | None = None
    """False also while the lead waits for review."""
    contact_id: str | None = None
    """The person in the CRM."""
    campaign_id: str | None = None
    campaign_name: str | None = None
    lead_url: str | None = None


@model
class LeadRow(Model):
    """A lead, as the list of a campaign shows it."""

    id: Id
    contact_id: str | None = None
    state: str | None = None
    """The last event, such as ``scanned`` or ``emailsOpened``."""


@model
class LeadEnrichment(Model):
    """Data that enrichment found about a lead."""

    email_status: EmailStatus | str | None = None


@model
class LeadCampaign(Model):
    """The campaign of a lead."""

    id: str | None = None
    name: str | None = None
    status: CampaignStatus | str | None = None


@model
class LeadCopy(Model):
    """One of a person's leads, as the look-up by address shows it."""

    id: Id
    state: str | None = None
    """The last event, such as ``scanned`` or ``emailsOpened``."""
    status: LeadStatus | str | None = None
    """Label in the app."""
    is_paused: bool | None = None
    personalized: bool | None = None
    source: str | None = None
    variables: dict[str, Any] | None = None
    """The lead's fields and custom variables, under their own names."""
    contact_id: str | None = None
    enrichment: LeadEnrichment | None = None
    campaign: LeadCampaign | None = None
    sending_user: dict[str, Any] | None = None
    updated_at: datetime | None = None


@model
class AudioFile(Model):
    """A voice note, as it is stored."""

    url: str | None = None
    team_id: str | None = None
    campaign_id: str | None = None
    lead_id: str | None = None
    file_name: str | None = None


@model
class AudioUpload(Model):
    """Response to an upload."""

    ok: bool | None = None
    status: AudioFile | None = None


class LeadFlags(TypedDict, total=False):
    """Options of adding a lead."""

    deduplicate: Annotated[bool, InQuery()]
    """Refuse an address that is in another campaign; by default False."""
    linkedin_enrichment: Annotated[bool, InQuery()]
    """Read the LinkedIn profile; spends credits."""
    find_email: Annotated[bool, InQuery()]
    """Look for the address; spends credits."""
    verify_email: Annotated[bool, InQuery()]
    """Check the address; spends credits."""
    find_phone: Annotated[bool, InQuery()]
    """Look for the phone number; spends credits."""


class LeadFields(LeadFlags, total=False):
    """Data of a person to add, besides the address; None is sent as null."""

    first_name: str | None
    last_name: str | None
    company_name: str | None
    company_domain: str | None
    job_title: str | None
    linkedin_url: str | None
    picture: str | None
    """Address of an image."""
    phone: str | None
    icebreaker: str | None
    timezone: str | None
    """IANA name."""
    contact_owner: str | None
    """Id or log-in address of a user."""
    contact_id: str | None
    """The person in the CRM. Undocumented; another client sends it."""


class NewLead(LeadFields, total=False):
    """A lead to add."""

    email: str | None


class LeadChanges(TypedDict, total=False):
    """Fields to change; what is left out keeps its value, and None empties it."""

    first_name: str | None
    last_name: str | None
    company_name: str | None
    job_title: str | None
    preferred_contact_method: Literal["email", "linkedIn"] | None


class LeadsResource(Resource):
    """`lemlist.leads`."""

    @overload
    async def create(
        self,
        campaign_id: str,
        *,
        variables: Mapping[str, Any] | None = ...,
        on_duplicate: Literal["raise"] = ...,
        **fields: Unpack[NewLead],
    ) -> Lead: ...
    @overload
    async def create(
        self,
        campaign_id: str,
        *,
        variables: Mapping[str, Any] | None = ...,
        on_duplicate: Literal["skip"],
        **fields: Unpack[NewLead],
    ) -> Lead | None: ...
    async def create(
        self,
        campaign_id: str,
        *,
        variables: Mapping[str, Any] | None = None,
        on_duplicate: OnDuplicate = "raise",
        **fields: Unpack[NewLead],
    ) -> Lead | None:
        """Add a person to a campaign, with custom `variables` under their own names.

        An address that the campaign has already, or with `deduplicate` any campaign, ends in
        LeadAlreadyExistsError, or with ``on_duplicate="skip"`` in None. That makes a lead with an address safe
        to add again after an unknown outcome; one without an address, or with a flag that spends credits, is
        never repeated.

        Raises:
            InvalidInputError: nothing is known of the person, a campaign id without ``cam_`` (lemlist would answer
                200 and create nothing), a nested variable, or one that is a field too.

        POST /campaigns/{campaignId}/leads/
        """
        check_campaign_id(campaign_id)
        payload = with_custom(encode(NewLead, fields), variables)
        if not any((payload.body or {}).values()):
            raise InvalidInputError("nothing is known of the person: give an email, a linkedin_url, a name")
        return await self._create(payload, on_duplicate, "/campaigns/{campaignId}/leads/", campaign_id)

    @overload
    async def create_by_email(
        self,
        campaign_id: str,
        email: str,
        *,
        variables: Mapping[str, Any] | None = ...,
        on_duplicate: Literal["raise"] = ...,
        **fields: Unpack[LeadFields],
    ) -> Lead: ...
    @overload
    async def create_by_email(
        self,
        campaign_id: str,
        email: str,
        *,
        variables: Mapping[str, Any] | None = ...,
        on_duplicate: Literal["skip"],
        **fields: Unpack[LeadFields],
    ) -> Lead | None: ...
    async def create_by_email(
        self,
        campaign_id: str,
        email: str,
        *,
        variables: Mapping[str, Any] | None = None,
        on_duplicate: OnDuplicate = "raise",
        **fields: Unpack[LeadFields],
    ) -> Lead | None:
        """Add a person to a campaign by the older route, which has the address in its path.

        Undocumented since 2025, and still what several clients call. As `create`, which is to be preferred.

        POST /campaigns/{campaignId}/leads/{email}
        """
        check_campaign_id(campaign_id)
        check_form("email", email, "email")
        payload = with_custom(encode(LeadFields, fields), variables)
        path = "/campaigns/{campaignId}/leads/{email}"
        return await self._create(payload, on_duplicate, path, campaign_id, email)

    # a plain function: one more coroutine would cost every lead of an import
    def _create(
        self, payload: Payload, on_duplicate: OnDuplicate, path: str, *ids: str
    ) -> Awaitable[Lead | None]:
        chosen("on_duplicate", on_duplicate, OnDuplicate)
        by_email = len(ids) > 1 or bool((payload.body or {}).get("email"))
        created = self._call(
            "POST",
            Lead,
            path,
            *ids,
            effect=_creation_effect(payload, by_email=by_email),
            payload=payload,
            verify="leads.list_by_email(email) lists the campaigns that the person is in",
        )
        return created if on_duplicate == "raise" else _or_none(created)

    async def get(self, lead_id: str | None = None, *, email: str | None = None) -> Lead:
        """One lead, by its id or by an address; an address that is in several campaigns gives one of them.

        GET /leads
        """
        if (lead_id is None) is (email is None):
            raise InvalidInputError("give either the id of a lead or an email")
        return await self._call(
            "GET", Lead, "/leads", payload=query_of(id=lead_id, email=email, version="v2")
        )

    async def list_by_email(self, email: str) -> builtins.list[LeadCopy]:
        """A person's leads in all campaigns; empty for an address that is in none.

        GET /leads/{email}
        """
        check_form("email", email, "email")
        try:
            return await self._call(
                "GET", list[LeadCopy], "/leads/{email}", email, payload=query_of(version="v2")
            )
        except NotFoundError:
            return []

    def list(
        self, campaign_id: str, *, state: str | Sequence[str] = "all", page_size: int = 500
    ) -> Pages[LeadRow]:
        """Ids and states of a campaign's leads, `page_size` (1 to 1000) a call.

        `state` is always sent: without it lemlist may answer with an empty list. The document has 500 as the
        largest page, and the live host was seen to take 1000. Reports disagree on whether this route pages at
        all: where it does not, and its page is full, `Pages.complete` is False at the end.
        `campaigns.export_leads` gives every lead, with all fields.

        GET /campaigns/{campaignId}/leads/
        """
        return self._pages(
            LeadRow,
            "/campaigns/{campaignId}/leads/",
            campaign_id,
            scheme=Offset(within("page_size", page_size, 1, 1000), documented=500),
            payload=query_of(state=states(state)),
            changed_by=("/campaigns/{campaignId}/leads/", "/leads/"),
        )

    async def update(
        self,
        campaign_id: str,
        lead_id: str,
        *,
        variables: Mapping[str, Any] | None = None,
        **fields: Unpack[LeadChanges],
    ) -> Lead:
        """Change a lead, with custom `variables` under their own names.

        Raises:
            LeadInGraveyardError: the person has unsubscribed; nothing about it can be changed.

        PATCH /campaigns/{campaignId}/leads/{leadId}
        """
        return await self._call(
            "PATCH",
            Lead,
            "/campaigns/{campaignId}/leads/{leadId}",
            campaign_id,
            lead_id,
            effect=IDEMPOTENT,
            payload=changes(LeadChanges, fields, variables),
        )

    async def remove(self, campaign_id: str, lead_id: str) -> Lead:
        """Delete a lead from a campaign, with its history.

        DELETE /campaigns/{campaignId}/leads/{leadId}
        """
        path = "/campaigns/{campaignId}/leads/{leadId}"
        remove = query_of(action="remove")
        return await self._call("DELETE", Lead, path, campaign_id, lead_id, effect=IDEMPOTENT, payload=remove)

    async def unsubscribe(self, campaign_id: str, lead_id: str) -> Lead:
        """Unsubscribe a lead from a campaign; it stays there and gets nothing any more.

        DELETE /campaigns/{campaignId}/leads/{leadId}
        """
        path = "/campaigns/{campaignId}/leads/{leadId}"
        return await self._call("DELETE", Lead, path, campaign_id, lead_id, effect=IDEMPOTENT)

    async def unsubscribe_email(self, campaign_id: str, email: str) -> Lead:
        """Unsubscribe the lead with an address from a campaign.

        DELETE /campaigns/{campaignId}/leads/{email}
        """
        path = "/campaigns/{campaignId}/leads/{email}"
        return await self._call("DELETE", Lead, path, campaign_id, email, effect=IDEMPOTENT)

    async def pause(self, lead_id: str, *, campaign_id: str | None = None) -> builtins.list[Lead]:
        """Pause a lead, in one campaign or, by default, wherever the person is a lead.

        POST /leads/pause/{leadId}
        """
        payload = query_of(campaignId=campaign_id)
        return await self._call(
            "POST", list[Lead], "/leads/pause/{leadId}", lead_id, effect=IDEMPOTENT, payload=payload
        )

    async def resume(self, lead_id: str) -> builtins.list[Lead]:
        """Let a paused lead go on.

        POST /leads/start/{leadId}
        """
        return await self._call("POST", list[Lead], "/leads/start/{leadId}", lead_id, effect=IDEMPOTENT)

    async def launch(self, lead_id: str) -> Done:
        """Release a lead from review, so that the campaign begins to send to it.

        Raises:
            AlreadyDoneError: it was launched before.

        POST /leads/review/{leadId}
        """
        return await self._call(
            "POST",
            Done,
            "/leads/review/{leadId}",
            lead_id,
            effect=DEDUPABLE,
            verify="the status in leads.list_by_email(email) is no longer 'review'",
        )

    async def mark_interested(self, lead_id_or_email: str) -> builtins.list[Lead]:
        """Flag a person as interested in all campaigns; a repeat may log a second activity.

        POST /leads/interested/{leadIdOrEmail}
        """
        path = "/leads/interested/{leadIdOrEmail}"
        return await self._call("POST", list[Lead], path, lead_id_or_email, effect=IDEMPOTENT)

    async def mark_not_interested(self, lead_id_or_email: str) -> builtins.list[Lead]:
        """Flag a person as not interested in all campaigns; a repeat may log a second activity.

        POST /leads/notinterested/{leadIdOrEmail}
        """
        path = "/leads/notinterested/{leadIdOrEmail}"
        return await self._call("POST", list[Lead], path, lead_id_or_email, effect=IDEMPOTENT)

    async def mark_interested_in(self, campaign_id: str, lead_id_or_email: str) -> builtins.list[Lead]:
        """Flag a person as interested in one campaign.

        POST /campaigns/{campaignId}/leads/{leadIdOrEmail}/interested
        """
        path = "/campaigns/{campaignId}/leads/{leadIdOrEmail}/interested"
        return await self._call("POST", list[Lead], path, campaign_id, lead_id_or_email, effect=IDEMPOTENT)

    async def mark_not_interested_in(self, campaign_id: str, lead_id_or_email: str) -> builtins.list[Lead]:
        """Flag a person as not interested in one campaign.

        POST /campaigns/{campaignId}/leads/{leadIdOrEmail}/notinterested
        """
        path = "/campaigns/{campaignId}/leads/{leadIdOrEmail}/notinterested"
        return await self._call("POST", list[Lead], path, campaign_id, lead_id_or_email, effect=IDEMPOTENT)

    async def add_variables(self, lead_id: str, variables: Mapping[str, Any]) -> Done:
        """Give a lead custom variables that it does not have yet; they travel in the query.

        A repeat is refused ("Variables … already exist").

        POST /leads/{leadId}/variables
        """
        return await self._call(
            "POST",
            Done,
            "/leads/{leadId}/variables",
            lead_id,
            effect=DEDUPABLE,
            payload=custom_query(variables),
            verify="leads.list_by_email(email) shows the lead's variables",
        )

    async def update_variables(self, lead_id: str, variables: Mapping[str, Any]) -> Done:
        """Set custom variables that a lead has.

        PATCH /leads/{leadId}/variables
        """
        payload = custom_query(variables)
        return await self._call(
            "PATCH", Done, "/leads/{leadId}/variables", lead_id, effect=IDEMPOTENT, payload=payload
        )

    async def clear_variables(self, lead_id: str, names: Iterable[str]) -> Done:
        """Blank custom variables of a lead; their names stay.

        DELETE /leads/{leadId}/variables
        """
        payload = custom_query(dict.fromkeys(texts("names", names, 1), ""))
        return await self._call(
            "DELETE", Done, "/leads/{leadId}/variables", lead_id, effect=IDEMPOTENT, payload=payload
        )

    async def set_variables(self, lead_id: str, variables: Mapping[str, Any]) -> None:
        """Set custom variables of a lead, whether it has them or not.

        One `update_variables` where it has them all; else one for each variable, which tells what is missing,
        and one `add_variables` with that.
        """
        if await self._update_if_there(lead_id, variables):
            return
        missing = {
            name: value
            for name, value in variables.items()
            if not await self._update_if_there(lead_id, {name: value})
        }
        if missing:
            await self.add_variables(lead_id, missing)

    async def _update_if_there(self, lead_id: str, variables: Mapping[str, Any]) -> bool:
        try:
            await self.update_variables(lead_id, variables)
        except BadRequestError as error:
            if not is_absence(error):
                raise
            return False
        return True

    async def upload_audio(
        self,
        lead_id: str,
        step_id: str,
        content: bytes,
        *,
        filename: str,
        content_type: str = "audio/mp4",
    ) -> AudioUpload:
        """The voice note of a lead for a LinkedIn voice step, 20 MiB at most; it replaces an earlier one.

        POST /leads/audio
        """
        if not 0 < len(content) <= MAX_AUDIO:
            raise InvalidInputError(f"a voice note has from 1 to {MAX_AUDIO} bytes, not {len(content)}")
        return await self._call(
            "POST",
            AudioUpload,
            "/leads/audio",
            effect=IDEMPOTENT,
            payload=query_of(leadId=lead_id, stepId=step_id),
            upload=Upload("file", filename, content, content_type),
        )


async def _or_none(created: Awaitable[Lead]) -> Lead | None:
    """Wait for a lead, or return None for one that is there already."""
    try:
        return await created
    except LeadAlreadyExistsError:
        return None


def _creation_effect(payload: Payload, *, by_email: bool) -> Effect:
    """Return the effect of a repeat: an address is refused the second time, credits are charged again."""
    spends = payload.query and any(name in _CREDITS and value == "true" for name, value in payload.query)
    return DEDUPABLE if by_email and not spends else UNSAFE
