"""Members of the team: mailboxes, channels and their limits."""

from __future__ import annotations

from typing import Literal

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.resources._base import Resource

Role = Literal["admin", "member"]
MailboxStatus = Literal["CONNECTED", "ERROR", "DISCONNECTED"]


@model
class MailboxLimits(Model):
    """Limits of a mailbox."""

    email_limit: int | None = None
    """E-mails a day; lemlist writes it as a number or as a text."""


@model
class MailboxWarmUp(Model):
    """Whether lemwarm runs."""

    active: bool | None = None


@model
class Mailbox(Model):
    """A mailbox of a member."""

    id: Id
    email: str | None = None
    """The address that messages come from."""
    provider: str | None = None
    """Such as ``google`` or ``custom``."""
    status: MailboxStatus | str | None = None
    """``OK`` is seen too."""
    lemlist: MailboxLimits | None = None
    """Limits of sending."""
    lemwarm: MailboxWarmUp | None = None
    """The warm-up."""


@model
class LinkedIn(Model):
    """A member's LinkedIn account, and what is sent through it."""

    linkedin_url: str | None = None
    """The profile."""
    status: bool | None = None
    """Whether it is connected."""
    invite_limit: int | None = None
    """Invitations a day."""
    send_limit: int | None = None
    """Messages a day."""
    visit_limit: int | None = None
    """Visits a day."""


@model
class User(Model):
    """A member with what can be sent in that name."""

    id: Id
    email: str | None = None
    """The address to log in with."""
    role: Role | str | None = None
    """Role of the user in the team."""
    linked_in: LinkedIn | None = None
    """The LinkedIn account, if there is one."""
    mailboxes: list[Mailbox] | None = None
    """The mailboxes that can send."""


@model
class ChannelAccount(Model):
    """An account that a channel sends through."""

    id: str | None = None
    """The account, as messages to send name it."""
    email: str | None = None
    """For e-mail."""
    provider: str | None = None
    """Such as ``google``."""
    label: str | None = None
    """As the app shows it."""
    phone_number: str | None = None
    """Only for WhatsApp."""


@model
class ChannelState(Model):
    """A channel: in the plan or not, connected or not."""

    connected: bool | None = None
    available: bool | None = None
    addon_active: bool | None = None
    """Only for WhatsApp."""
    accounts: list[ChannelAccount] | None = None


@model
class Channels(Model):
    """Channels through which the user of the key can send."""

    plan: str | None = None
    email: ChannelState | None = None
    linkedin: ChannelState | None = None
    whatsapp: ChannelState | None = None


class UsersResource(Resource):
    """`lemlist.users`."""

    async def get(self, user_id: str) -> User:
        """One member, with mailboxes and LinkedIn limits.

        GET /users/{userId}
        """
        return await self._call("GET", User, "/users/{userId}", user_id)

    async def get_channels(self) -> Channels:
        """Channels through which the user of the key can send.

        GET /user/channels
        """
        return await self._call("GET", Channels, "/user/channels")
