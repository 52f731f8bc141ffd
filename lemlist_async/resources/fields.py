"""Fields that contacts and companies have: lemlist's own, custom ones, and those of a CRM."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.resources._base import Resource
from lemlist_async.resources.contacts import Entity

FieldSource = Literal["default", "custom", "crm_synced"]


@model
class Field(Model):
    """A field of contacts or companies."""

    name: str | None = None
    """Its key, in `Contact.fields` and upserts."""
    label: str | None = None
    """Label in the app."""
    type: str | None = None
    """Such as ``text`` or ``number``."""
    source: FieldSource | str | None = None
    crm_field: str | None = None
    """Its name in the CRM, for ``crm_synced``."""


@model
class Fields(Model):
    """The fields by what has them."""

    contact: list[Field] | None = None
    company: list[Field] | None = None


class FieldFilter(TypedDict, total=False):
    """Selection of fields."""

    entity: Annotated[Entity, InQuery()]
    source: Annotated[FieldSource, InQuery()]


class FieldsResource(Resource):
    """`lemlist.fields`."""

    async def get(self, **filters: Unpack[FieldFilter]) -> Fields:
        """The fields that contacts and companies have.

        GET /fields
        """
        return await self._call("GET", Fields, "/fields", payload=encode(FieldFilter, filters), under="data")
