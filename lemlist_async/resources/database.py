"""The shared databases of people and companies, and saved searches in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Length, chosen
from lemlist_async.pagination import Numbered, Pages, Whole
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, Resource, query_of, within
from lemlist_async.resources.database_models import DatabaseCompany, DatabaseFilter, Person

PersonaMode = Literal["leads", "companies"]


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
    """What was deleted."""

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
    """Which people."""

    filters: Required[Sequence[SearchFilter]]
    search: str
    """Free text over names, titles, companies and places."""
    excludes: Sequence[str]
    """Properties to leave out of the rows."""


class CompanySearch(TypedDict, total=False):
    """Which companies."""

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
        """Save a search; the answer holds nothing but the id. A closed beta.

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
