"""The shared databases of people and companies, and saved searches in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, SnakeModel, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Length, chosen
from lemlist_async.pagination import Numbered, Pages, Whole
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, Resource, query_of, within

BusinessCustomer = Literal["B2B", "B2C", "B2B2C"]
PersonaMode = Literal["leads", "companies"]


@model
class Experience(SnakeModel):
    """A position that a person has or had."""

    id: int | None = None
    member_id: int | None = None
    title: str | None = None
    title_normalized: str | None = None
    description: str | None = None
    location: str | None = None
    date_from: str | None = None
    """Free text, such as ``September 2025``."""
    date_to: str | None = None
    """Free text."""
    duration: str | None = None
    """Free text, such as ``1 month``."""
    current_exp_bucket: str | None = None
    order_in_profile: int | None = None
    main_in_profile: bool | None = None
    company_id: int | None = None
    company_name: str | None = None
    company_domain: str | None = None
    company_description: str | None = None
    company_employee_count: int | None = None
    company_followers_count: int | None = None
    company_founded: int | None = None
    company_headquarters_city: str | None = None
    company_headquarters_country: str | None = None
    company_industry: str | None = None
    company_linkedin_url: str | None = None
    company_logo_url: str | None = None
    company_size: str | None = None
    """Such as ``51-200``."""
    company_type: str | None = None
    company_url: str | None = None
    company_website_url: str | None = None
    revenue_bucket: str | None = None
    employees_count_growth: int | None = None
    last_funding_round_at: str | None = None
    business_business_customer: BusinessCustomer | str | None = None
    created: str | None = None
    last_updated: str | None = None


@model
class Education(SnakeModel):
    """A school that a person went to."""

    id: int | None = None
    member_id: int | None = None
    title: str | None = None
    subtitle: str | None = None
    description: str | None = None
    activities_and_societies: str | None = None
    school_url: str | None = None
    date_from: str | None = None
    date_to: str | None = None
    created: str | None = None
    last_updated: str | None = None
    deleted: int | None = None


@model
class Language(SnakeModel):
    """A language that a person speaks."""

    language: str | None = None
    proficiency: str | None = None


@model
class Skill(SnakeModel):
    """A skill of a person."""

    skill: str | None = None
    skill_id: int | None = None


@model
class Interest(SnakeModel):
    """An interest of a person."""

    interest: str | None = None
    interest_id: int | None = None


@model
class Person(SnakeModel):
    """A person of the database."""

    id: Annotated[str | None, Wire("_id")] = None
    lead_id: int | None = None
    """The id again, as a number; not that of a lead in a campaign."""
    full_name: str | None = None
    title: str | None = None
    headline: str | None = None
    summary: str | None = None
    department: str | None = None
    seniority: str | None = None
    country: str | None = None
    state: str | None = None
    location: str | None = None
    geopoint: list[float] | None = None
    canonical_shorthand_name: str | None = None
    linkedin_short: str | None = None
    lead_linkedin_url: str | None = None
    lead_logo_url: str | None = None
    lead_industry: str | None = None
    lead_quality_score: int | None = None
    connections_count: int | None = None
    connections_count_bucket: str | None = None
    years_of_exp_bucket: str | None = None
    current_exp_company_name: str | None = None
    experience_count: int | None = None
    experiences: list[Experience] | None = None
    education: list[Education] | None = None
    interests: list[Interest] | None = None
    languages: list[Language] | None = None
    skills: list[Skill] | None = None
    last_updated: str | None = None
    """Such as ``2025-09-07 02:11:32 UTC``."""
    score: Annotated[float | None, Wire("_score")] = None


@model
class DatabaseCompany(SnakeModel):
    """A company of the database; its numbers come as texts, and are read as numbers."""

    id: Annotated[str | None, Wire("_id")] = None
    company_id: int | None = None
    company_name: str | None = None
    company_domain: str | None = None
    company_website_url: str | None = None
    company_linkedin_url: str | None = None
    company_logo_url: str | None = None
    company_description: str | None = None
    company_employee_count: int | None = None
    company_followers_count: int | None = None
    company_founded: int | None = None
    company_size: str | None = None
    """Such as ``11-50``."""
    company_type: str | None = None
    company_industry: str | None = None
    company_subindustry: str | None = None
    company_subsubindustry: str | None = None
    company_headquarters_city: str | None = None
    company_headquarters_country: str | None = None
    company_location: str | None = None
    company_location_geopoint_array: list[float] | None = None
    company_occ_lead: int | None = None
    company_quality_score: int | None = None
    employees_count_growth: int | None = None
    revenue_bucket: str | None = None
    last_funding_round_at: str | None = None
    techno_used_array: list[str] | None = None
    business_business_customer: BusinessCustomer | str | None = None
    last_updated: str | None = None
    """Such as ``2025-09-07 02:11:32 UTC``."""
    score: Annotated[float | None, Wire("_score")] = None


@model
class DatabaseFilter(Model):
    """A condition that searches understand."""

    filter_id: str | None = None
    record_id: Annotated[str | None, Wire("_id")] = None
    name: str | None = None
    description: str | None = None
    mode: list[str] | None = None
    """Searches that accept the filter: ``leads``, ``companies``."""
    type: str | None = None
    """Such as ``text`` or ``select``."""
    helper: str | None = None
    """For people: how to use it, or which values it takes."""
    criteria: dict[str, Any] | None = None


@model
class PersonaCondition(Model):
    """A condition of a persona."""

    filter_id: str | None = None
    include: Annotated[list[str] | None, Wire("in")] = None
    exclude: Annotated[list[str] | None, Wire("out")] = None
    exact_match: bool | None = None


@model
class Persona(Model):
    """A search that the team has saved."""

    id: Id
    name: str | None = None
    mode: PersonaMode | str | None = None
    filters: list[PersonaCondition] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@model
class DeletedPersona(Model):
    """Deleted record."""

    id: Annotated[str | None, Wire("_id")] = None
    deleted: bool | None = None


class SearchFilter(TypedDict, total=False):
    """A condition of a search."""

    filter_id: Required[str]
    """One of `database.list_filters`."""
    include: Annotated[Sequence[str], Wire("in")]
    """Any of these."""
    exclude: Annotated[Sequence[str], Wire("out")]
    """None of these."""


class PersonaFilter(SearchFilter, total=False):
    """A condition of a persona."""

    exact_match: bool


class PeopleSearch(TypedDict, total=False):
    """Search for people."""

    filters: Required[Sequence[SearchFilter]]
    search: str
    """Free text over names, titles, companies and places."""
    excludes: Sequence[str]
    """Properties to leave out of the rows."""


class CompanySearch(TypedDict, total=False):
    """Search for companies."""

    filters: Required[Sequence[SearchFilter]]


class NewPersona(TypedDict, total=False):
    """A search to save."""

    name: Required[Annotated[str, Length(1)]]
    """Unique in the team."""
    filters: Required[Sequence[PersonaFilter]]
    mode: Required[PersonaMode]
    """lemlist takes ``leads`` only for now."""


class DatabaseResource(Resource):
    """`lemlist.database`. Searches share an allowance a day: ``limitation`` in `Page.extra` is what is left."""

    async def list_filters(self) -> list[DatabaseFilter]:
        """The conditions that searches understand.

        GET /database/filters
        """
        return await self._call("GET", list[DatabaseFilter], "/database/filters")

    def search_people(self, *, page_size: int = 100, **search: Unpack[PeopleSearch]) -> Pages[Person]:
        """People of the database, `page_size` (1 to 100) a call; every page counts as a search.

        POST /database/people
        """
        return self._pages(
            Person,
            "/database/people",
            scheme=Numbered(within("page_size", page_size, 1, 100), size_name="size"),
            payload=encode(PeopleSearch, search),
            under="results",
            method="POST",
        )

    def search_companies(
        self, *, page_size: int = 100, **search: Unpack[CompanySearch]
    ) -> Pages[DatabaseCompany]:
        """Companies of the database, `page_size` (1 to 500) a call; every page counts as a search.

        POST /database/companies
        """
        return self._pages(
            DatabaseCompany,
            "/database/companies",
            scheme=Numbered(within("page_size", page_size, 1, 500), size_name="size"),
            payload=encode(CompanySearch, search),
            under="results",
            method="POST",
        )

    def list_personas(self, *, mode: PersonaMode | None = None) -> Pages[Persona]:
        """The searches that the team has saved, 200 at most, in one call. A closed beta.

        GET /database/personas
        """
        payload = query_of(mode=None if mode is None else chosen("mode", mode, PersonaMode))
        return self._pages(Persona, "/database/personas", scheme=Whole(), payload=payload)

    async def create_persona(self, **fields: Unpack[NewPersona]) -> Persona:
        """Save a search; the response has only the id. A closed beta.

        Raises:
            ConflictError: there is one of that name.

        POST /database/personas
        """
        return await self._call(
            "POST",
            Persona,
            "/database/personas",
            effect=DEDUPABLE,
            payload=encode(NewPersona, fields),
            under="data",
            verify="look for the name in database.list_personas()",
        )

    async def delete_persona(self, persona_id: str) -> DeletedPersona:
        """Delete a saved search. A closed beta.

        DELETE /database/personas/{personaId}
        """
        return await self._call(
            "DELETE",
            DeletedPersona,
            "/database/personas/{personaId}",
            persona_id,
            effect=IDEMPOTENT,
            under="data",
        )
