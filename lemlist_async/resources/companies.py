"""Companies of the CRM, and notes about them."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import texts
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Numbered, Offset, Pages
from lemlist_async.resources._base import IDEMPOTENT, UNSAFE, Resource, query_of, with_custom, within
from lemlist_async.resources.contacts import FieldRejection, UpsertWarning
from lemlist_async.resources.crm import Crm

CompanyRejection = Literal[
    "crm_sync_duplicate_company", "crm_sync_invalid_domain", "crm_sync_company_not_found",
    "crm_sync_update_failed", "crm_sync_duplicate_linkedin_url", "crm_sync_invalid_linkedin_url",
    "crm_sync_value_oscillating", "crm_sync_owner_sync_loop", "crm_sync_unmapped_user",
    "crm_sync_value_incompatible", "crm_sync_unknown_error",
]  # fmt: skip
CrmSyncStatus = Literal[
    "synced", "not_synced", "error", "unique_index_error_company", "property_doesnt_exist",
    "required_field_missing", "company_already_exists_with_name",
    "company_already_exists_with_linkedin_url",
]  # fmt: skip


@model
class CrmSyncError(Model):
    """Why a company did not get into the CRM."""

    type: str | None = None
    reason: str | None = None
    raised_at: datetime | None = None
    metadata: dict[str, Any] | None = None


@model
class CrmSync(Model):
    """A company's counterpart in the CRM."""

    provider: Crm | str | None = None
    crm_record_id: str | None = None
    sync_disabled: bool | None = None
    errors: list[CrmSyncError] | None = None


@model
class Company(Model):
    """A company of the CRM."""

    id: Id
    team_id: str | None = None
    name: str | None = None
    domain: str | None = None
    industry: str | None = None
    size: str | None = None
    location: str | None = None
    linkedin_url: str | None = None
    linkedin_url_sales_nav: str | None = None
    fields: dict[str, Any] | None = None
    """Fields and custom fields, under their own names; mostly the name is here."""
    owner_id: str | None = None
    source: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    field_rejections: list[FieldRejection] | None = None
    crm_sync: CrmSync | None = None
    created: bool | None = None
    """After an upsert: whether it is new."""
    updated: bool | None = None
    """After an upsert: whether it was there."""


@model
class CompanyUpsert(Model):
    """The outcome of an upsert."""

    success: bool | None = None
    data: Company | None = None
    warnings: list[UpsertWarning] | None = None


@model
class DeletedCompany(Model):
    """Deleted record."""

    success: bool | None = None
    deleted_company_id: str | None = None
    unlinked_contacts: int | None = None
    """Contacts that were detached first."""


@model
class CompanyNote(Model):
    """A note about a company."""

    id: Id
    note: str | None = None
    type: str | None = None
    team_id: str | None = None
    company_id: str | None = None
    user_id: str | None = None
    send_user_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class CompanyFilter(TypedDict, total=False):
    """Filters of companies, and the detail of each."""

    search: Annotated[str, InQuery()]
    """Part of a name."""
    fields: Annotated[Sequence[str], InQuery()]
    """Only these, such as ``_id`` and ``fields.name``; by default all."""
    crm_sync_status: Annotated[CrmSyncStatus | str, InQuery()]
    """Needs a CRM to be connected."""
    field_rejection_reason: Annotated[CompanyRejection | str, InQuery()]
    """Only those with a value that was refused for this reason."""
    sort_by: Annotated[Literal["createdAt"], InQuery()]
    sort_order: Annotated[Literal["asc", "desc"], InQuery()]


class CompanyFields(TypedDict, total=False):
    """A company to make or to change. Null and empty values change nothing.

    It is found by `company_id`, `domain`, `linkedin_url` or `linkedin_url_sales_nav`.
    """

    company_id: str | None
    """Changes this one; never makes one."""
    name: str | None
    """Needed without `company_id`."""
    domain: str | None
    """Needed without `company_id`."""
    linkedin_url: str | None
    linkedin_url_sales_nav: str | None
    company_owner: str | None
    """Id or log-in address of a user; the key's own user where there is no such one."""
    industry: str | None
    location: str | None
    size: str | None
    specialties: str | None
    tagline: str | None
    type: str | None
    description: str | None
    founded_on: str | None
    headquarters: str | None
    picture: str | None
    """Address of an image."""
    source: str | None
    """By default ``api``; kept from the creation on."""


class NoteOrder(TypedDict, total=False):
    """In which order to list."""

    sort_by: Annotated[Literal["createdAt"], InQuery()]
    sort_order: Annotated[Literal["asc", "desc"], InQuery()]


class CompaniesResource(Resource):
    """`lemlist.companies`."""

    def list(self, *, page_size: int = 500, **filters: Unpack[CompanyFilter]) -> Pages[Company]:
        """All companies that pass the filters, `page_size` (1 to 500) a call.

        GET /companies
        """
        return self._pages(
            Company,
            "/companies",
            scheme=Offset(within("page_size", page_size, 1, 500)),
            payload=encode(CompanyFilter, filters),
            changed_by=("/companies",),
        )

    async def look_up(self, ids_or_domains: Sequence[str]) -> builtins.list[Company]:
        """The companies with these ids or domains, 1 to 100 of them.

        GET /companies
        """
        wanted = texts("ids_or_domains", ids_or_domains, 1, 100)
        payload = query_of(idsOrDomains=",".join(wanted))
        return await self._call("GET", list[Company], "/companies", payload=payload)

    async def upsert(
        self, *, custom: Mapping[str, Any] | None = None, **fields: Unpack[CompanyFields]
    ) -> CompanyUpsert:
        """Make a company, or change the one that is found by its id, domain or LinkedIn page.

        `custom` holds custom fields under their own names; those that the team does not have are left out,
        with a warning in the response.

        POST /companies
        """
        payload = with_custom(encode(CompanyFields, fields), custom)
        body = payload.body or {}
        if "companyId" not in body and not {"name", "domain"} <= body.keys():
            raise InvalidInputError("give company_id, or both name and domain")
        return await self._call("POST", CompanyUpsert, "/companies", effect=IDEMPOTENT, payload=payload)

    async def delete(self, company_id: str, *, force: bool = False) -> DeletedCompany:
        """Delete a company; one with contacts is refused, unless `force` detaches them first.

        DELETE /companies/{companyId}
        """
        payload = query_of(force="true" if force else None)
        path = "/companies/{companyId}"
        return await self._call(
            "DELETE", DeletedCompany, path, company_id, effect=IDEMPOTENT, payload=payload
        )

    def list_notes(
        self, company_id: str, *, page_size: int = 100, **order: Unpack[NoteOrder]
    ) -> Pages[CompanyNote]:
        """The notes about a company, `page_size` (1 to 100) a call.

        GET /companies/{companyId}/notes
        """
        return self._pages(
            CompanyNote,
            "/companies/{companyId}/notes",
            company_id,
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=encode(NoteOrder, order),
        )

    async def create_note(self, company_id: str, note: str) -> CompanyNote:
        """Write a note about a company.

        POST /companies/{companyId}/notes
        """
        return await self._call(
            "POST",
            CompanyNote,
            "/companies/{companyId}/notes",
            company_id,
            effect=UNSAFE,
            body={"note": note},
            verify="look for the note in companies.list_notes(company_id, sort_order='desc')",
        )
