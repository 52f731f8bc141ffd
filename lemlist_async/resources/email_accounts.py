"""E-mail accounts: mailboxes that are connected by SMTP and IMAP."""

from __future__ import annotations

from typing import Annotated, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Wire
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Between, Form
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, READ, Done, Resource


@model
class EmailAccount(Model):
    """A mailbox that was connected."""

    id: Annotated[str, Wire("id")]
    email: str | None = None
    provider: str | None = None


@model
class ConnectionTest(Model):
    """Whether a connection works."""

    success: bool | None = None
    error: str | None = None


@model
class EmailAccountTest(Model):
    """Whether both connections work."""

    smtp: ConnectionTest | None = None
    imap: ConnectionTest | None = None


class NewEmailAccount(TypedDict, total=False):
    """A mailbox to connect."""

    sender_name: Required[Annotated[str, Wire("sender_name")]]
    sender_email: Required[Annotated[str, Wire("sender_email"), Form("email")]]
    smtp_host: Required[Annotated[str, Wire("smtp_host")]]
    smtp_port: Required[Annotated[int, Wire("smtp_port"), Between(1, 65_535)]]
    smtp_login: Required[Annotated[str, Wire("smtp_login")]]
    smtp_password: Required[Annotated[str, Wire("smtp_password")]]
    smtp_secure: Annotated[bool, Wire("smtp_secure")]
    """TLS; by default False."""
    imap_host: Required[Annotated[str, Wire("imap_host")]]
    imap_port: Required[Annotated[int, Wire("imap_port"), Between(1, 65_535)]]
    imap_login: Required[Annotated[str, Wire("imap_login")]]
    imap_password: Required[Annotated[str, Wire("imap_password")]]
    imap_secure: Annotated[bool, Wire("imap_secure")]
    """TLS; by default False."""
    user_id: str
    """Owner of the mailbox; by default the user of the key."""


class EmailAccountsResource(Resource):
    """`lemlist.email_accounts`."""

    async def connect(self, **fields: Unpack[NewEmailAccount]) -> EmailAccount:
        """Connect a mailbox; one that is connected is refused.

        POST /user/email-accounts
        """
        return await self._call(
            "POST",
            EmailAccount,
            "/user/email-accounts",
            effect=DEDUPABLE,
            payload=encode(NewEmailAccount, fields),
            verify="look for the address in users.get(user_id).mailboxes",
        )

    async def disconnect(self, account_id: str) -> Done:
        """Disconnect a mailbox.

        DELETE /user/email-accounts/{emailAccountId}
        """
        path = "/user/email-accounts/{emailAccountId}"
        return await self._call("DELETE", Done, path, account_id, effect=IDEMPOTENT)

    async def test(self, account_id: str) -> EmailAccountTest:
        """Try both connections of a mailbox; sends nothing.

        POST /user/email-accounts/{emailAccountId}/test
        """
        path = "/user/email-accounts/{emailAccountId}/test"
        return await self._call("POST", EmailAccountTest, path, account_id, effect=READ)
