"""The inbox: conversations, messages, labels and drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import Length
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Numbered, Offset, Pages, Whole
from lemlist_async.resources._base import (
    DEDUPABLE,
    IDEMPOTENT,
    UNSAFE,
    Done,
    Resource,
    changes,
    not_a_route,
    query_of,
    within,
)

DraftChannel = Literal["email", "linkedin", "whatsapp", "sms"]
_LOOK = "look for the message in inbox.list_messages(contact_id)"
_SIBLINGS = ("labels", "conversations", "email", "linkedin", "whatsapp")


@model
class ConversationUser(Model):
    """A member who takes part in a conversation."""

    user_id: str | None = None
    sender: bool | None = None
    read: bool | None = None


@model
class ConversationContact(Model):
    """Contact of a conversation."""

    id: Id
    full_name: str | None = None
    email: str | None = None


@model
class Message(Model):
    """A message that was sent or received, as the activity that it is."""

    id: Id
    type: str | None = None
    """Such as ``emailsSent`` or ``emailsReplied``."""
    message_id: str | None = None
    """The e-mail, under the id of its header."""
    subject: str | None = None
    """The subject of an e-mail."""
    message: str | None = None
    """The text; HTML for e-mails."""
    body: str | None = None
    """The text again, in the document alone."""
    attachments: list[dict[str, Any]] | None = None
    """Files, as lemlist describes them."""
    sender: str | None = None
    """Sender; documented, but not seen in responses."""
    recipient: str | None = None
    """Recipient; documented, but not seen in responses."""
    conversation_id: str | None = None
    """The conversation; in the document alone."""
    sent_at: datetime | None = None
    """When it was sent; in the document alone."""
    from_email: str | None = None
    """The address that it is from."""
    lead_id: str | None = None
    """The lead that it was exchanged with."""
    lead_email: str | None = None
    """The lead's address."""
    contact_id: str | None = None
    """The person in the CRM."""
    campaign_id: str | None = None
    """The campaign that sent it."""
    sequence_id: str | None = None
    """The sequence that sent it."""
    sequence_step: int | None = None
    """Place in the sequence, from 0."""
    send_user_id: str | None = None
    """The user in whose name it was sent."""
    send_user_name: str | None = None
    """The name of that user."""
    send_user_email: str | None = None
    """The address that it was sent from."""
    send_user_mailbox_id: str | None = None
    """The mailbox that it was sent from."""
    team_id: str | None = None
    """The team."""
    created_at: datetime | None = None
    """When it was sent or received."""


@model
class Conversation(Model):
    """A conversation with one contact, over all channels."""

    id: Id
    contact_id: str | None = None
    """Id for `inbox.list_messages`."""
    contact: ConversationContact | None = None
    """Contact of the conversation."""
    channels: list[str] | None = None
    """Such as ``email`` and ``linkedin``."""
    users: list[ConversationUser] | None = None
    """The members who take part."""
    opportunities: list[Any] | None = None
    """Tasks about it."""
    have_replies: bool | None = None
    """Whether the contact has answered."""
    last_activity_at: datetime | None = None
    """When something last happened."""
    last_replied_at: datetime | None = None
    """When the contact last answered."""
    last_replied_channel: str | None = None
    """Channel of the contact's last reply."""
    lead_id: str | None = None
    """The lead that it began with."""
    messages: list[Message] | None = None
    """In the document alone: `inbox.list_messages` reads them."""
    team_id: str | None = None
    """The team."""
    created_at: datetime | None = None
    """When it began."""
    created_by: str | None = None
    """Id of the user who began it."""


@model
class SentEmail(Model):
    """Response to an e-mail that was sent."""

    ok: bool | None = None
    contact_id: str | None = None


@model
class Label(Model):
    """A label for conversations."""

    id: Id
    name: str | None = None
    color: str | None = None
    """``#RRGGBB``."""
    created_at: datetime | None = None
    created_by: str | None = None


@model
class Attachment(Model):
    """A file of a draft."""

    name: str | None = None
    url: str | None = None
    size: int | None = None
    """Bytes."""
    type: str | None = None
    """Media type."""


@model
class Draft(Model):
    """A message that was written and not sent; lists give `content_preview` instead of `content`."""

    id: Id
    channel: DraftChannel | str | None = None
    subject: str | None = None
    cc: list[str] | None = None
    content: str | None = None
    content_preview: str | None = None
    attachments: list[Attachment] | None = None
    reply_to_activity_id: str | None = None
    source: str | None = None
    source_metadata: dict[str, Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@model
class CreatedDraft(Model):
    """A draft that was made."""

    draft_id: str | None = None


@model
class DeletedDraft(Model):
    """Whether a draft was deleted."""

    success: bool | None = None


class NewEmail(TypedDict, total=False):
    """An e-mail to send now."""

    send_user_id: Required[str]
    send_user_email: Required[str]
    send_user_mailbox_id: Required[str]
    contact_id: str
    """Either this or `lead_id`."""
    lead_id: str
    subject: str
    """Left out in a reply, it is that of the thread."""
    message: Required[str]
    """HTML."""
    cc: Sequence[str]
    """Left out in a reply, it is that of the thread; an empty list means no recipient."""
    reply_to_activity_id: str
    """Id of an activity, or ``latest``; left out, a new thread begins."""


class NewLinkedInMessage(TypedDict, total=False):
    """A LinkedIn message to send now."""

    send_user_id: Required[str]
    lead_id: Required[str]
    contact_id: Required[str]
    message: Required[str]


class NewWhatsAppMessage(TypedDict, total=False):
    """A WhatsApp message to send now."""

    send_user_id: Required[str]
    send_user_whatsapp_account_id: Required[str]
    lead_id: Required[str]
    contact_id: Required[str]
    message: Required[str]


class MessageFilter(TypedDict, total=False):
    """Options of reading a conversation."""

    user_id: Annotated[str, InQuery()]
    """Member who reads it."""
    mark_as_read: Annotated[bool, InQuery()]
    """Mark the conversation as read, with each page; by default False."""


class DraftAttachment(TypedDict, total=False):
    """A file of a draft."""

    name: str
    url: str
    size: int
    """Bytes."""
    type: str
    """Media type."""


class DraftChanges(TypedDict, total=False):
    """Fields of a draft to change; what is left out keeps its value."""

    subject: str
    cc: Sequence[str]
    content: str
    """30 KB at most."""
    attachments: Sequence[DraftAttachment]
    reply_to_activity_id: str


class NewDraft(TypedDict, total=False):
    """A draft to write."""

    channel: Required[DraftChannel]
    content: Required[str]
    """30 KB at most."""
    subject: str
    cc: Sequence[str]
    attachments: Sequence[DraftAttachment]
    reply_to_activity_id: str
    source_metadata: Mapping[str, Any]


class _Labels(TypedDict, total=False):
    """Labels to attach or to take off."""

    label_ids: Required[Annotated[Sequence[str], Length(1)]]
    append_labels: bool


class InboxResource(Resource):
    """`lemlist.inbox`. What is sent here reaches a person at once, and is never sent again by itself."""

    def list_conversations(self, user_id: str, *, page_size: int = 100) -> Pages[Conversation]:
        """The conversations of a member, `page_size` (1 to 100) a call.

        GET /inbox
        """
        scheme = Numbered(within("page_size", page_size, 1, 100))
        return self._pages(Conversation, "/inbox", scheme=scheme, payload=query_of(userId=user_id))

    def list_messages(
        self, contact_id: str, *, page_size: int = 100, **filters: Unpack[MessageFilter]
    ) -> Pages[Message]:
        """The messages exchanged with a contact, `page_size` (1 to 100) a call.

        GET /inbox/{contactId}
        """
        return self._pages(
            Message,
            "/inbox/{contactId}",
            not_a_route(contact_id, *_SIBLINGS),
            scheme=Offset(within("page_size", page_size, 1, 100), "skip"),
            payload=encode(MessageFilter, filters),
        )

    async def send_email(self, **fields: Unpack[NewEmail]) -> SentEmail:
        """Send an e-mail now.

        Raises:
            InvalidInputError: neither or both of `contact_id` and `lead_id`.

        POST /inbox/email
        """
        if ("contact_id" in fields) is ("lead_id" in fields):
            raise InvalidInputError("give either contact_id or lead_id")
        payload = encode(NewEmail, fields)
        return await self._call(
            "POST", SentEmail, "/inbox/email", effect=UNSAFE, payload=payload, verify=_LOOK
        )

    async def send_linkedin(self, **fields: Unpack[NewLinkedInMessage]) -> Done:
        """Send a LinkedIn message now.

        POST /inbox/linkedin
        """
        payload = encode(NewLinkedInMessage, fields)
        return await self._call("POST", Done, "/inbox/linkedin", effect=UNSAFE, payload=payload, verify=_LOOK)

    async def send_whatsapp(self, **fields: Unpack[NewWhatsAppMessage]) -> None:
        """Send a WhatsApp message now; lemlist answers with nothing.

        POST /inbox/whatsapp
        """
        payload = encode(NewWhatsAppMessage, fields)
        await self._call("POST", None, "/inbox/whatsapp", effect=UNSAFE, payload=payload, verify=_LOOK)

    async def list_labels(self) -> list[Label]:
        """The labels of the team.

        GET /inbox/labels
        """
        return await self._call("GET", list[Label], "/inbox/labels")

    async def create_label(self, name: str) -> Label:
        """A new label.

        Raises:
            ConflictError: there is one of that name.

        POST /inbox/labels
        """
        return await self._call(
            "POST",
            Label,
            "/inbox/labels",
            effect=DEDUPABLE,
            body={"labelName": name},
            verify="look for the name in inbox.list_labels()",
        )

    async def get_label(self, label_id: str) -> Label:
        """One label.

        GET /inbox/labels/{labelId}
        """
        return await self._call("GET", Label, "/inbox/labels/{labelId}", label_id)

    async def set_labels(self, contact_id: str, label_ids: Sequence[str], *, append: bool = True) -> Done:
        """Label the conversation with a contact; without `append` its other labels go.

        POST /inbox/conversations/labels/{contactId}
        """
        payload = encode(_Labels, {"label_ids": label_ids, "append_labels": append})
        path = "/inbox/conversations/labels/{contactId}"
        return await self._call("POST", Done, path, contact_id, effect=IDEMPOTENT, payload=payload)

    async def remove_labels(self, contact_id: str, label_ids: Sequence[str]) -> Done:
        """Take labels off the conversation with a contact.

        A DELETE with a body, which lemlist's documents say both to be needed and to be dropped on the way:
        `attach_labels` with `append=False` and the labels to keep is the sure way.

        DELETE /inbox/conversations/labels/{contactId}
        """
        payload = encode(_Labels, {"label_ids": label_ids})
        path = "/inbox/conversations/labels/{contactId}"
        return await self._call("DELETE", Done, path, contact_id, effect=IDEMPOTENT, payload=payload)

    def list_drafts(self, contact_id: str, owner: str) -> Pages[Draft]:
        """The drafts of a member (id or log-in address) to a contact, in one call.

        GET /inbox/{contactId}/drafts
        """
        return self._pages(
            Draft,
            "/inbox/{contactId}/drafts",
            not_a_route(contact_id, *_SIBLINGS),
            scheme=Whole(),
            payload=query_of(draftOwner=owner),
            under="drafts",
        )

    async def create_draft(self, contact_id: str, owner: str, **fields: Unpack[NewDraft]) -> CreatedDraft:
        """Write a draft to a contact, 10 at most; nothing is sent.

        POST /inbox/{contactId}/drafts
        """
        return await self._call(
            "POST",
            CreatedDraft,
            "/inbox/{contactId}/drafts",
            not_a_route(contact_id, *_SIBLINGS),
            effect=UNSAFE,
            payload=encode(NewDraft, fields).asking(draftOwner=owner),
            verify="look for the draft in inbox.list_drafts(contact_id, owner)",
        )

    async def get_draft(self, contact_id: str, draft_id: str, owner: str) -> Draft:
        """One draft, with its whole text.

        GET /inbox/{contactId}/drafts/{draftId}
        """
        return await self._call(
            "GET",
            Draft,
            "/inbox/{contactId}/drafts/{draftId}",
            not_a_route(contact_id, *_SIBLINGS),
            draft_id,
            payload=query_of(draftOwner=owner),
            under="draft",
        )

    async def update_draft(
        self, contact_id: str, draft_id: str, owner: str, **fields: Unpack[DraftChanges]
    ) -> Draft:
        """Change a draft.

        PATCH /inbox/{contactId}/drafts/{draftId}
        """
        return await self._call(
            "PATCH",
            Draft,
            "/inbox/{contactId}/drafts/{draftId}",
            not_a_route(contact_id, *_SIBLINGS),
            draft_id,
            effect=IDEMPOTENT,
            payload=changes(DraftChanges, fields).asking(draftOwner=owner),
            under="draft",
        )

    async def delete_draft(self, contact_id: str, draft_id: str, owner: str) -> DeletedDraft:
        """Delete a draft; it is kept as deleted.

        DELETE /inbox/{contactId}/drafts/{draftId}
        """
        return await self._call(
            "DELETE",
            DeletedDraft,
            "/inbox/{contactId}/drafts/{draftId}",
            not_a_route(contact_id, *_SIBLINGS),
            draft_id,
            effect=IDEMPOTENT,
            payload=query_of(draftOwner=owner),
        )
