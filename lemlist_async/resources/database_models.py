"""What the shared databases of people and companies know; the keys are in snake_case."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from lemlist_async.core.model import Model, SnakeModel, model
from lemlist_async.core.names import Wire

BusinessCustomer = Literal["B2B", "B2C", "B2B2C"]


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
    """Which searches understand it: ``leads``, ``companies``."""
    type: str | None = None
    """Such as ``text`` or ``select``."""
    helper: str | None = None
    """For people: how to use it, or which values it takes."""
    criteria: dict[str, Any] | None = None
