"""Contacts: the people of the CRM, their lists and exports."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack, overload

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import InQuery, Payload, encode
from lemlist_async.core.validation import Form, Length, check_length, chosen, texts
from lemlist_async.core.wire import Call
from lemlist_async.errors import BadTeamError, InvalidInputError, NotFoundError
from lemlist_async.pagination import Offset, Pages
from lemlist_async.resources._base import (
    IDEMPOTENT,
    UNSAFE,
    Resource,
    not_a_route,
    query_of,
    with_custom,
    within,
)
from lemlist_async.resources._csv import CsvFile

ContactRejection = Literal[
    "enrichment_duplicate_linkedin_url", "enrichment_duplicate_email", "crm_sync_duplicate_linkedin_url",
    "crm_sync_invalid_linkedin_url", "crm_sync_invalid_phone", "crm_sync_duplicate_contact_blocked",
    "crm_sync_duplicate_company_blocked", "crm_sync_company_not_in_lemlist",
    "crm_sync_custom_field_creation_failed", "crm_sync_value_oscillating", "crm_sync_owner_sync_loop",
    "crm_sync_unmapped_user", "crm_sync_value_incompatible", "crm_sync_unknown_error",
]  # fmt: skip
Entity = Literal["contact", "company"]
_SIBLINGS = ("lists", "export")
_COMPANY = frozenset({"company_id", "company_domain", "company_linkedin_url", "company_salesnav_url"})
_KEYS = frozenset({"contactId", "email", "linkedinUrl", "linkedinUrlSalesNav"})


@model
class FieldRejection(Model):
    """A value that lemlist refused to write."""

    field: str | None = None
    reason: ContactRejection | str | None = None
    source: str | None = None
    conflicting_record_id: str | None = None
    rejected_value: str | None = None
    rejected_at: datetime | None = None


@model
class ContactCampaign(Model):
    """A campaign that a contact is a lead of."""

    campaign_id: str | None = None
    campaign_state: str | None = None
    lead_id: str | None = None
    lead_state: str | None = None


@model
class ContactEmail(Model):
    """One of a contact's addresses."""

    value: str | None = None


@model
class Contact(Model):
    """A person of the CRM. Reads give one `email`, upserts give `emails`: `main_email` is either."""

    id: Id
    team_id: str | None = None
    full_name: str | None = None
    email: str | None = None
    emails: list[ContactEmail] | None = None
    linkedin_url: str | None = None
    linkedin_url_sales_nav: str | None = None
    fields: dict[str, Any] | None = None
    """Fields and custom fields, under their own names."""
    campaigns: list[ContactCampaign] | None = None
    company_id: str | None = None
    owner_id: str | None = None
    source: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    unsubscribed: bool | None = None
    field_rejections: list[FieldRejection] | None = None
    created: bool | None = None
    """After an upsert: whether it is new."""
    updated: bool | None = None
    """After an upsert: whether it was there."""
    company_linked: bool | None = None
    """After an upsert: whether a company was found for it."""

    @property
    def main_email(self) -> str | None:
        """The address, whichever way lemlist wrote it."""
        return self.email or next((entry.value for entry in self.emails or []), None)


@model
class UpsertWarning(Model):
    """Something that an upsert did not take over."""

    code: str | None = None
    message: str | None = None


@model
class ContactUpsert(Model):
    """The outcome of an upsert."""

    success: bool | None = None
    data: Contact | None = None
    warnings: list[UpsertWarning] | None = None


@model
class DeletedContact(Model):
    """Deleted record."""

    success: bool | None = None
    deleted_contact_id: str | None = None


@model
class ContactList(Model):
    """A list of contacts."""

    id: Id
    name: str | None = None
    dynamic: bool | None = None
    """Whether its members follow from a filter, and cannot be added."""


@model
class CreatedList(Model):
    """A list that was made."""

    id: Annotated[str, Wire("id")]
    name: str | None = None


@model
class ListChange(Model):
    """Numbers of contacts that were added to a list or removed from it."""

    message: str | None = None
    added_count: int | None = None
    already_in_list: int | None = None
    removed_count: int | None = None


class ContactFilter(TypedDict, total=False):
    """Filters of contacts; of the four about a company, at most one may be given."""

    search: Annotated[str, InQuery(), Length(2)]
    """Part of a name or another text; 2 characters at least."""
    email: Annotated[str, InQuery(), Form("email")]
    """The whole address."""
    list_id: Annotated[str, InQuery()]
    not_in_any_campaign: Annotated[bool, InQuery()]
    company_id: Annotated[str, InQuery()]
    company_domain: Annotated[str, InQuery()]
    company_linkedin_url: Annotated[str, InQuery()]
    company_salesnav_url: Annotated[str, InQuery()]
    field_rejection_reason: Annotated[ContactRejection | str, InQuery()]
    """Only those with a value that was refused for this reason."""


class ContactFields(TypedDict, total=False):
    """A contact to make or to change. Null and empty values change nothing.

    It is found by `contact_id`, `email`, `linkedin_url` or `linkedin_url_sales_nav`: one of them is needed.
    """

    contact_id: str | None
    """Changes this one; never makes one."""
    email: str | None
    linkedin_url: str | None
    linkedin_url_sales_nav: str | None
    additional_emails: Sequence[str] | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    job_title: str | None
    job_description: str | None
    picture: str | None
    """Address of an image."""
    timezone: str | None
    """IANA name."""
    industry: str | None
    languages: str | None
    location: str | None
    skills: str | None
    summary: str | None
    tagline: str | None
    contact_owner: str | None
    """Id or log-in address of a user; the key's own user where there is no such one."""
    source: str | None
    """By default ``api``; kept from the creation on."""
    company_id: str | None
    """A company that lemlist has; goes before the two below."""
    company_domain: str | None
    company_linkedin_url: str | None


class ContactIds(TypedDict, total=False):
    """Contacts to add to a list or to remove from it."""

    contact_ids: Required[Annotated[Sequence[str], Length(1, 1000)]]
    """1 to 1000 ids."""


class ContactsResource(Resource):
    """`lemlist.contacts`."""

    def list(self, *, page_size: int = 500, **filters: Unpack[ContactFilter]) -> Pages[Contact]:
        """All contacts that pass the filters, `page_size` (1 to 500) a call.

        GET /contacts
        """
        if len(given := sorted(_COMPANY & filters.keys())) > 1:
            raise InvalidInputError(f"{' and '.join(given)} exclude one another: give one of them")
        return self._pages(
            Contact,
            "/contacts",
            scheme=Offset(within("page_size", page_size, 1, 500)),
            payload=encode(ContactFilter, filters),
            under="contacts",
            changed_by=("/contacts",),
        )

    async def look_up(self, ids_or_emails: Sequence[str]) -> builtins.list[Contact]:
        """The contacts with these ids or addresses, 1 to 100 of them.

        GET /contacts
        """
        wanted = texts("ids_or_emails", ids_or_emails, 1, 100)
        payload = query_of(idsOrEmails=",".join(wanted), limit=len(wanted))
        return await self._call("GET", list[Contact], "/contacts", payload=payload)

    @overload
    async def get(self, id_or_email: str, *, missing_ok: Literal[False] = ...) -> Contact: ...
    @overload
    async def get(self, id_or_email: str, *, missing_ok: bool) -> Contact | None: ...
    async def get(self, id_or_email: str, *, missing_ok: bool = False) -> Contact | None:
        """One contact; with `missing_ok`, None where the team has none.

        Raises:
            BadTeamError: there is none, as the document has it, and it is not `missing_ok`.
            NotFoundError: the same, as the live host was seen to say it.

        GET /contacts/{idOrEmail}
        """
        not_a_route(id_or_email, *_SIBLINGS)
        try:
            return await self._call("GET", Contact, "/contacts/{idOrEmail}", id_or_email)
        except (NotFoundError, BadTeamError):
            if not missing_ok:
                raise
            return None

    async def upsert(
        self, *, custom: Mapping[str, Any] | None = None, **fields: Unpack[ContactFields]
    ) -> ContactUpsert:
        """Make a contact, or change the one that is found by its id, address or LinkedIn page.

        `custom` holds custom fields under their own names; those that the team does not have are left out,
        with a warning in the response.

        POST /contacts
        """
        payload = with_custom(encode(ContactFields, fields), custom)
        if not _KEYS & (payload.body or {}).keys():
            raise InvalidInputError("give contact_id, email, linkedin_url or linkedin_url_sales_nav")
        return await self._call("POST", ContactUpsert, "/contacts", effect=IDEMPOTENT, payload=payload)

    async def delete(self, id_or_email: str) -> DeletedContact:
        """Delete a contact with its leads, tasks, conversations and activities.

        Raises:
            ConflictError: it cannot be deleted for now.

        DELETE /contacts/{idOrEmail}
        """
        not_a_route(id_or_email, *_SIBLINGS)
        path = "/contacts/{idOrEmail}"
        return await self._call("DELETE", DeletedContact, path, id_or_email, effect=IDEMPOTENT)

    async def list_lists(self, *, search: str | None = None) -> builtins.list[ContactList]:
        """The lists of contacts, those with a part in their name or all.

        GET /contacts/lists
        """
        payload = query_of(search=search)
        return await self._call("GET", list[ContactList], "/contacts/lists", payload=payload)

    async def create_list(self, name: str) -> CreatedList:
        """A new list, empty and static; its name has 200 characters at most.

        POST /contacts/lists
        """
        check_length("name", name, Length(1, 200))
        return await self._call(
            "POST",
            CreatedList,
            "/contacts/lists",
            effect=UNSAFE,
            body={"name": name},
            under="list",
            verify="look for the name in contacts.list_lists(search=name)",
        )

    async def add_to_list(self, list_id: str, contact_ids: Sequence[str]) -> ListChange:
        """Put contacts into a static list, 1 to 1000 a call; those in it are left alone.

        POST /contacts/lists/{listId}/entities
        """
        return await self._change_list(list_id, encode(ContactIds, {"contact_ids": contact_ids}))

    async def remove_from_list(self, list_id: str, contact_ids: Sequence[str]) -> ListChange:
        """Take contacts out of a static list, 1 to 1000 a call. There is no DELETE for it.

        POST /contacts/lists/{listId}/entities
        """
        payload = encode(ContactIds, {"contact_ids": contact_ids})
        return await self._change_list(list_id, payload.asking(action="remove"))

    async def _change_list(self, list_id: str, payload: Payload) -> ListChange:
        path = "/contacts/lists/{listId}/entities"
        return await self._call("POST", ListChange, path, list_id, effect=IDEMPOTENT, payload=payload)

    def export(self, list_id: str = "all", *, entity: Entity = "contact") -> CsvFile:
        """A list, or all contacts, or the companies of either, as CSV.

        GET /contacts/export
        """
        query = query_of(listId=list_id, entity=chosen("entity", entity, Entity)).query
        return CsvFile(self._sender, Call("GET", "/contacts/export", query=query))
