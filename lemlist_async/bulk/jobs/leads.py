"""Leads into a campaign."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from lemlist_async.bulk.email import fault_of
from lemlist_async.bulk.job import CannotVerifyError, Outcome, Payload, RowRefusedError, done
from lemlist_async.core.structure import hints_of, wire_name
from lemlist_async.errors import (
    BadTeamError,
    ConfigurationError,
    InvalidInputError,
    LeadAlreadyExistsError,
    NotFoundError,
)
from lemlist_async.resources.leads import NewLead

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

OnDuplicate = Literal["skip", "raise"]

FLAGS = ("deduplicate", "linkedin_enrichment", "find_email", "verify_email", "find_phone")
"""Options of the whole job, which lemlist takes with each lead."""
PRICES = {"find_email": 5, "verify_email": 1, "find_phone": 20, "linkedin_enrichment": 1}
"""Credits that a flag may cost per lead, as the help centre listed them in September 2026."""
_OTHER_NAMES = {
    "mail": "email",
    "emailaddress": "email",
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "company": "company_name",
    "organisation": "company_name",
    "organization": "company_name",
    "title": "job_title",
    "position": "job_title",
    "linkedin": "linkedin_url",
    "linkedinprofile": "linkedin_url",
    "phonenumber": "phone",
    "domain": "company_domain",
    "website": "company_domain",
}


@attrs.frozen(kw_only=True)
class ImportLeads:
    """Adds each row to a campaign as a lead: one call a row.

    A column that lemlist knows (``email``, ``First Name``, ``jobTitle``, …) becomes that field, whatever its
    spelling; any other column becomes a custom variable under its own name. Empty cells are not sent.
    """

    kind: ClassVar[str] = "leads.import"
    batch: ClassVar[int] = 1
    calls: ClassVar[int] = 1

    campaign_id: str
    on_duplicate: OnDuplicate = "skip"
    """What a lead that is there already is: a result (``skip``), or the end of the job (``raise``)."""
    deduplicate: bool = False
    """Also refuse people who are in another campaign."""
    linkedin_enrichment: bool = False
    find_email: bool = False
    verify_email: bool = False
    find_phone: bool = False
    columns: dict[str, str] = attrs.field(factory=dict[str, str])
    """Columns that the names do not tell: from column to field, or to another variable's name."""

    def __attrs_post_init__(self) -> None:
        if not self.campaign_id.startswith("cam_"):
            raise ConfigurationError(
                f"a campaign id begins with cam_; {self.campaign_id!r} does not, and lemlist would answer 200 to it "
                "and create nothing"
            )
        if self.on_duplicate not in {"skip", "raise"}:
            raise ConfigurationError(f"on_duplicate is 'skip' or 'raise', not {self.on_duplicate!r}")

    def options(self) -> dict[str, Any]:
        """All that is needed to make the job again."""
        return attrs.asdict(self)

    def check_columns(self, columns: Sequence[str]) -> None:
        """Look at the header of a file.

        Raises:
            InvalidInputError: no column holds e-mail addresses or LinkedIn URLs, or two become the same field.
        """
        fields = [self._field(column) for column in columns]
        if not {"email", "linkedin_url"} & set(fields):
            shown = ", ".join(repr(column) for column in columns[:12])
            raise InvalidInputError(
                f"no column for the e-mail address among {shown}: name it 'email', or say which one it is "
                "(--map 'COLUMN=email')"
            )
        for field in set(fields):
            if fields.count(field) > 1:
                both = [column for column, one in zip(columns, fields, strict=True) if one == field]
                raise InvalidInputError(
                    f"the columns {both[0]!r} and {both[1]!r} would both become {field!r}"
                )

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Sort a row into fields and variables, and look at the address."""
        fields: dict[str, str] = {}
        variables: dict[str, Any] = {}
        for column, value in values.items():
            self._place(column, value, fields, variables)
        email = fields.get("email")
        if email is None and "linkedin_url" not in fields:
            raise RowRefusedError("no e-mail address, and no LinkedIn URL either")
        if email is not None and (fault := fault_of(email)) is not None:
            raise RowRefusedError(f"the e-mail address {email!r} is not valid: {fault}")
        return {"fields": fields, "variables": variables}

    def _place(self, column: str, value: Any, fields: dict[str, str], variables: dict[str, Any]) -> None:
        if isinstance(value, Mapping | list | tuple | set):
            raise RowRefusedError(f"{column!r} is nested, which lemlist keeps as '[object Object]'")
        text = value.strip() if isinstance(value, str) else value
        if text is None or text == "":
            return
        if isinstance(text, str) and ("\x00" in text or "\ufffd" in text):
            raise RowRefusedError(f"{column!r} holds a character that was damaged or is not text")
        field = self._field(column)
        if field in _FIELDS:
            fields[field] = str(text)
        else:
            variables[field] = text

    def _field(self, column: str) -> str:
        wanted = self.columns.get(column, column)
        return _BY_SPELLING.get(_spelling(wanted), wanted)

    def key(self, payload: Payload) -> str:
        """The address without regard to case; the LinkedIn URL where there is none."""
        fields = payload["fields"]
        return str(fields.get("email") or fields["linkedin_url"]).casefold()

    def credits(self, payload: Payload) -> int:
        """What the flags may cost."""
        return sum(price for flag, price in PRICES.items() if getattr(self, flag))

    async def prepare(self, lemlist: Lemlist) -> None:
        """Read the campaign: one that does not exist, or a wrong key, shows before the first lead."""
        try:
            await lemlist.campaigns.get(self.campaign_id)
        except (NotFoundError, BadTeamError) as error:
            raise InvalidInputError(
                f"the team of this key has no campaign {self.campaign_id} (lemlist says: {error.message}); "
                "its id stands in the address of the campaign's page"
            ) from error

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Create the lead."""
        (payload,) = payloads
        flags = {flag: True for flag in FLAGS if getattr(self, flag)}
        fields: Any = {**payload["fields"], **flags}
        try:
            lead = await lemlist.leads.create(self.campaign_id, variables=payload["variables"], **fields)
        except LeadAlreadyExistsError as there:
            if again and there.scope == "campaign":
                return [done("created", reason="an earlier try had succeeded")]
            if self.on_duplicate == "raise":
                raise
            where = "in another campaign" if there.scope == "other" else "in the campaign"
            return [done("duplicate", reason=f"already {where}")]
        return [done("created", lead.id)]

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Look the address up among the campaign's leads."""
        email = payload["fields"].get("email")
        if email is None:
            raise CannotVerifyError("a lead without an e-mail address cannot be looked up")
        for lead in await lemlist.leads.by_email(email):
            if lead.campaign is not None and lead.campaign.id == self.campaign_id:
                return done("created", lead.id, "an earlier try had succeeded")
        return None


def _spelling(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


_FIELDS = frozenset(hints_of(NewLead)) - frozenset(FLAGS)
_BY_SPELLING = {
    **_OTHER_NAMES,
    **{_spelling(name): name for name in _FIELDS},
    **{_spelling(wire_name(NewLead, name)): name for name in _FIELDS},
}
