"""The shared database of people and companies: a few hundred invented ones, and a daily allowance of searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import objects, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["FILTERS", "ROUTES"]

_PEOPLE: Final = 250
_COMPANIES: Final = 120
_FIRST: Final[tuple[str, ...]] = ("Ada", "Ben", "Cleo", "Dov", "Esi", "Finn", "Gia")
_LAST: Final[tuple[str, ...]] = ("Alder", "Birch", "Cedar", "Dogwood", "Elm")
_COUNTRIES: Final[tuple[str, ...]] = ("France", "Germany", "India", "Brazil")
_DEPARTMENTS: Final[tuple[str, ...]] = ("Sales", "Engineering", "Marketing", "Finance / Legal / Admin")
_TITLES: Final[tuple[str, ...]] = ("Founder", "Account Executive", "Engineer")
FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "country": ("leads", "companies"),
    "department": ("leads",),
    "currentTitle": ("leads",),
    "currentCompanyTechnologies": ("companies",),
}
"""Return the filter ids, each with the modes it works in."""
_FIELDS: Final[dict[str, str]] = {
    "country": "country",
    "department": "department",
    "currentTitle": "title",
    "currentCompanyTechnologies": "techno_used_array",
}


def _person(number: int) -> Record:
    first, last = _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]
    slug = f"{first}-{last}-{number}".lower()
    company = _company(number % _COMPANIES)
    job = {
        "company_id": int(company["company_id"]),
        "company_name": company["company_name"],
        "company_domain": company["company_domain"],
        "company_linkedin_url": company["company_linkedin_url"],
        "company_employee_count": int(company["company_employee_count"]),
        "company_size": company["company_size"],
        "date_from": "September 2025",
        "duration": "1 month",
        "title": _TITLES[number % len(_TITLES)],
    }
    return {
        "_id": str(1_000_000 + number),
        "lead_id": 1_000_000 + number,
        "full_name": f"{first} {last}",
        "country": _COUNTRIES[number % len(_COUNTRIES)],
        "department": _DEPARTMENTS[number % len(_DEPARTMENTS)],
        "title": job["title"],
        "lead_linkedin_url": f"https://www.linkedin.com/in/{slug}",
        "linkedin_short": slug,
        "current_exp_company_name": company["company_name"],
        "connections_count": 100 + number,
        "experience_count": 1,
        "experiences": [job],
        "education": [],
        "skills": [],
        "interests": [],
        "languages": [{"language": "English", "proficiency": "Native or bilingual proficiency"}],
        "location": f"{_COUNTRIES[number % len(_COUNTRIES)]}, somewhere",
        "summary": f"{first} is invented.",
        "lead_quality_score": number % 5,
        "_score": 10.0,
    }


def _company(number: int) -> Record:
    # the database writes the numbers of companies as text
    name = f"Sample Company {number}"
    return {
        "_id": str(2_000_000 + number),
        "company_id": str(2_000_000 + number),
        "company_name": name,
        "company_domain": f"sample-{number}.example",
        "company_website_url": f"https://sample-{number}.example",
        "company_linkedin_url": f"https://www.linkedin.com/company/sample-{number}",
        "company_employee_count": str(10 + number),
        "company_size": "11-50",
        "company_type": "Privately Held",
        "company_industry": "Software Development",
        "company_description": f"{name} is invented.",
        "company_location_geopoint_array": [2.35, 48.85],
        "business_business_customer": "B2B",
        "employees_count_growth": number % 7 - 3,
        "company_founded": str(1990 + number % 30),
        "country": _COUNTRIES[number % len(_COUNTRIES)],
        "techno_used_array": ("Postgres", "Nginx") if number % 2 else ("Redis",),
        "last_updated": "2026-01-02 03:04:05 UTC",
        "_score": 10.0,
    }


def list_filters(context: RequestContext) -> list[Record]:
    """Return the vocabulary of both searches and of personas."""
    return [
        {
            "filterId": name,
            "description": f"Filter by {name}",
            "mode": list(modes),
            "type": "text",
            "helper": "Free text",
        }
        for name, modes in FILTERS.items()
    ]


def search_people(context: RequestContext) -> Record:
    """Search people, at the cost of one search of the day."""
    return _search(context, "leads", [_person(number) for number in range(_PEOPLE)], 100)


def search_companies(context: RequestContext) -> Record:
    """Search companies, from the same daily allowance."""
    return _search(context, "companies", [_company(number) for number in range(_COMPANIES)], 500)


def _search(context: RequestContext, mode: str, rows: list[Record], high: int) -> Record:
    body, team = context.record(), context.team
    page, size = (body.get(name, default) for name, default in (("page", 1), ("size", 25)))
    if not _in_range(page, 1, 10_000) or not _in_range(size, 1, high):
        raise refuse(400, f"Bad params: page must be at least 1, size between 1 and {high}")
    excludes = texts(body.get("excludes", []), "Bad params: excludes must be an array of ids")
    filters = _checked(body.get("filters"), mode)
    chosen = [
        row for row in rows if row["_id"] not in excludes and all(_passes(row, given) for given in filters)
    ]
    if word := str(body.get("search") or "").lower():
        chosen = [row for row in chosen if word in str(row.get("full_name", row.get("company_name"))).lower()]
    team.searches_left = max(0, team.searches_left - 1)
    return {
        "results": chosen[(page - 1) * size : page * size],
        "total": len(chosen),
        "took": 1,
        "page": page,
        "size": size,
        "search": team.new_id("lsh"),
        "limitation": team.searches_left,
        "team": team.id,
    }


def _in_range(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and low <= value <= high


def _checked(given: object, mode: str) -> list[Record]:
    filters = objects(given, "Parameter filters is invalid")
    sides: list[object] = [row.get(side) or [] for row in filters for side in ("in", "out")]
    known = all(mode in FILTERS.get(str(row.get("filterId")), ()) for row in filters)
    if not known or not all(isinstance(side, list) for side in sides):
        raise refuse(400, "Parameter filters is invalid")
    return filters


def _passes(row: Record, given: Mapping[str, Any]) -> bool:
    value: object = row.get(_FIELDS[given["filterId"]])
    values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    wanted, unwanted = given.get("in") or values, given.get("out") or ()
    return any(value in wanted for value in values) and not any(value in unwanted for value in values)


ROUTES = (
    Route("GET", "/database/filters", list_filters),
    Route("POST", "/database/people", search_people),
    Route("POST", "/database/companies", search_companies),
)
