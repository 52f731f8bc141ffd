"""The team of the key: members, senders, credits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import attrs

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Secret
from lemlist_async.core.validation import chosen
from lemlist_async.resources._base import Resource, query_of
from lemlist_async.resources._waiting import each
from lemlist_async.resources.users import Channels, Role, User, UsersResource
from lemlist_async.resources.webhooks import Webhook

CampaignStatus = Literal["running", "paused", "draft", "ended", "archived", "errors"]


@model
class SlackWebhook(Model):
    """The team's Slack connection."""

    url: Annotated[str | None, Secret()] = None
    fail_counter: int | None = None


@model
class Invitation(Model):
    """Person invited to the team."""

    email: str | None = None
    """Address to which the invitation was sent."""
    role: Role | str | None = None
    """Role of the invited person."""
    invited_by: str | None = None
    """Id of the member who sent it."""
    invited_at: datetime | None = None
    """When it was sent."""


@model
class Member(Model):
    """A member of the team."""

    user_id: str | None = None
    """Id for `users.get`."""
    name: str | None = None
    """First and last name."""
    email: str | None = None
    """The address to log in with."""
    role: Role | str | None = None
    """Role of the member in the team."""


@model
class Team(Model):
    """The team that the API key belongs to."""

    id: Id
    name: str | None = None
    """As the app shows it."""
    user_ids: list[str] | None = None
    """Ids of the members."""
    users: list[Member] | None = None
    """Members with name and role."""
    created_by: str | None = None
    """Id of the user who made it."""
    created_at: datetime | None = None
    """When it was made."""
    hooks: list[Webhook] | None = None
    """The webhooks, as `webhooks.list` gives them."""
    beta: list[str] | None = None
    """Beta features that are switched on."""
    slack_webhook: SlackWebhook | None = None
    """Slack channel to which lemlist posts."""
    invited_users: list[Invitation] | None = None
    """Invitations that are open."""
    agency: str | None = None
    """The agency that it belongs to, if any."""
    picture_id: str | None = None
    """Id of the file of its picture."""
    custom_domain: str | None = None
    """The domain of its tracked links."""
    api_key: Annotated[str | None, Secret()] = None
    """Older responses had the key itself; never shown."""
    billing: Annotated[dict[str, Any] | None, Secret()] = None
    """Plan and payment; in some responses, and never shown."""


@model
class SenderCampaign(Model):
    """A campaign that a member sends for."""

    id: Id
    name: str | None = None
    status: CampaignStatus | str | None = None
    sending_channels: list[str] | None = None


@model
class TeamSender(Model):
    """A member and the campaigns sent in that member's name."""

    user_id: str | None = None
    campaigns: list[SenderCampaign] | None = None


@model
class CreditsRemaining(Model):
    """Credits left, by where they came from."""

    total: int | None = None
    freemium: int | None = None
    subscription: int | None = None
    gifted: int | None = None
    paid: int | None = None


@model
class CreditsDetails(Model):
    """The breakdown of the balance."""

    remaining: CreditsRemaining | None = None


@model
class Credits(Model):
    """The balance of enrichment credits."""

    credits: int | None = None
    """Credits left in all."""
    details: CreditsDetails | None = None


@model
class CrmUser(Model):
    """A member with a CRM connected."""

    user_id: str | None = None
    crm: Literal["salesforce", "hubspot", "pipedrive"] | str | None = None


@attrs.frozen
class TeamOverview:
    """A team with its members, their mailboxes and channels, and its credits."""

    team: Team
    members: list[User]
    channels: Channels
    credits: Credits


class TeamResource(Resource):
    """`lemlist.team`."""

    async def get(self) -> Team:
        """The team that owns the key, with its members.

        Always asks for version v2: without it `users` is missing.

        GET /team
        """
        return await self._call("GET", Team, "/team", payload=query_of(version="v2"))

    async def list_senders(self, *, state: CampaignStatus | None = None) -> list[TeamSender]:
        """Members with the campaigns each one sends for, in one campaign state or in all.

        GET /team/senders
        """
        payload = query_of(state=None if state is None else chosen("state", state, CampaignStatus))
        return await self._call("GET", list[TeamSender], "/team/senders", payload=payload)

    async def get_credits(self) -> Credits:
        """The enrichment credits left, by origin.

        GET /team/credits
        """
        return await self._call("GET", Credits, "/team/credits")

    async def list_crm_users(self) -> list[CrmUser]:
        """Members with a connected CRM.

        GET /team/crmUsers
        """
        return await self._call("GET", list[CrmUser], "/team/crmUsers")

    async def get_overview(self, *, at_once: int = 5) -> TeamOverview:
        """The team, its members and what they can send through: the only way to find all mailboxes.

        Calls `get`, `credits`, `users.get_channels`, and `users.get` for each member, `at_once` at a time.
        """
        users = UsersResource(self._sender)
        team = await self.get()
        return TeamOverview(
            team=team,
            members=await each(users.get, team.user_ids or [], at_once=at_once),
            channels=await users.get_channels(),
            credits=await self.get_credits(),
        )
