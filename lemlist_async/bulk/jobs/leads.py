"""Job that imports leads into a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from lemlist_async.bulk.jobs.column_job import ColumnJob
from lemlist_async.bulk.jobs.job import CannotVerifyError, EndJobError, Outcome, Payload, done, failed
from lemlist_async.bulk.source.cells import value_key
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.mapping import Sorted
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.validation import check_campaign_id
from lemlist_async.core.wire import Effect
from lemlist_async.errors import (
    BadTeamError,
    ConfigurationError,
    InvalidInputError,
    LeadAlreadyExistsError,
    NotFoundError,
)
from lemlist_async.resources.leads import NewLead

if TYPE_CHECKING:
    from lemlist_async.bulk.forecast import Forecast
    from lemlist_async.client import Lemlist

OnDuplicate = Literal["skip", "raise"]

FLAGS = ("deduplicate", "linkedin_enrichment", "find_email", "verify_email", "find_phone")
"""Options of the whole job, which lemlist takes with each lead."""
PRICES = {"find_email": 5, "verify_email": 1, "find_phone": 20, "linkedin_enrichment": 1}
"""Credits that a flag may cost per lead, as the help centre listed them in September 2026."""


@attrs.frozen(kw_only=True)
class ImportLeads(ColumnJob):
    """Add each row to a campaign as a lead: one call per row.

    A column that lemlist knows (``email``, ``First Name``, ``jobTitle``, …) becomes that field, whatever its spelling
    and under the names that other tools have for it. Any other column becomes a custom variable under its own name.
    Bookkeeping of other tools is left out of files, and a row whose opt-out column is set is refused. Empty cells are
    not sent.
    """

    KINDS_OF_COLUMNS: ClassVar[Columns] = Columns(NewLead, without=FLAGS, refuses_opt_outs=True)
    NEEDED: ClassVar[Sequence[str]] = ("email", "linkedin_url")

    kind = "leads.import"
    takes_notes: ClassVar[bool] = True
    effect = Effect.DEDUPABLE
    single_request: ClassVar[bool] = True

    campaign_id: str
    on_duplicate: OnDuplicate = "skip"
    """Treatment of a lead that is there already: ``skip`` makes it a result, ``raise`` ends the job."""
    deduplicate: bool = False
    """Also refuse people who are in another campaign."""
    linkedin_enrichment: bool = False
    find_email: bool = False
    verify_email: bool = False
    find_phone: bool = False

    def __attrs_post_init__(self) -> None:
        check_campaign_id(self.campaign_id)
        if self.on_duplicate not in {"skip", "raise"}:
            raise ConfigurationError(f"on_duplicate is 'skip' or 'raise', not {self.on_duplicate!r}")

    def payload(self, row: Sorted) -> Payload:
        """Require an address or a LinkedIn page."""
        if "email" not in row.fields and "linkedin_url" not in row.fields:
            raise RowRefusedError("no e-mail address, and no LinkedIn URL either")
        return {"fields": row.fields, "variables": row.beside} | row.noted

    def key(self, payload: Payload) -> str:
        """Return one spelling of the address, or of the LinkedIn page where there is none."""
        fields = payload["fields"]
        return value_key(fields.get("email") or fields["linkedin_url"])

    def other_key(self, payload: Payload) -> str | None:
        """Return one spelling of the LinkedIn page, by which a row without an address is known."""
        page = payload["fields"].get("linkedin_url")
        return None if page is None else value_key(page)

    def credits(self, payload: Payload) -> int:
        """Return the credits that the flags may cost."""
        return sum(price for flag, price in PRICES.items() if getattr(self, flag))

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:
        """Read the campaign: a missing one, or a wrong key, is an error before the first lead."""
        await check_campaign(lemlist, self.campaign_id)

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Create the lead."""
        (payload,) = payloads
        flags = {flag: True for flag in FLAGS if getattr(self, flag)}
        fields: Any = {**payload["fields"], **flags}
        try:
            lead = await lemlist.leads.create(
                self.campaign_id, variables=payload["variables"], on_duplicate="raise", **fields
            )
        except LeadAlreadyExistsError as there:
            if again and there.scope == "campaign":
                return [done("created", reason="an earlier try had succeeded")]
            if self.on_duplicate == "raise":
                raise EndJobError(failed(str(there), "duplicate")) from there
            where = "in another campaign" if there.scope == "other" else "in the campaign"
            return [done("duplicate", reason=f"already {where}")]
        return [done("created", lead.id, payload.get("note"))]

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Look the address up among the campaign's leads."""
        email = payload["fields"].get("email")
        if email is None:
            raise CannotVerifyError("a lead without an e-mail address cannot be looked up")
        lead_id = await lead_of(lemlist, self.campaign_id, email)
        return None if lead_id is None else done("created", lead_id, "an earlier try had succeeded")


async def check_campaign(lemlist: Lemlist, campaign_id: str) -> None:
    """Read a campaign, to find out whether it exists.

    Raises:
        InvalidInputError: it does not exist.
    """
    try:
        await lemlist.campaigns.get(campaign_id)
    except (NotFoundError, BadTeamError) as error:
        raise InvalidInputError(
            f"the team of this key has no campaign {campaign_id} (lemlist says: {error.message}); "
            "its id stands in the address of the campaign's page"
        ) from error


async def lead_of(lemlist: Lemlist, campaign_id: str, email: str) -> str | None:
    """Return the id of the lead with an address in a campaign; None if there is none."""
    copies = await lemlist.leads.list_by_email(email)
    return next(
        (lead.id for lead in copies if lead.campaign is not None and lead.campaign.id == campaign_id), None
    )
