"""Jobs that change or stop leads that a campaign already has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import attrs

from lemlist_async.bulk.jobs.column_job import ColumnJob
from lemlist_async.bulk.jobs.job import Outcome, Payload, done, failed
from lemlist_async.bulk.jobs.leads import FLAGS, check_campaign, lead_of
from lemlist_async.bulk.source.cells import is_address, value_key
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.mapping import Sorted
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.names import hints_of, wire_name
from lemlist_async.core.validation import check_campaign_id
from lemlist_async.errors import AlreadyGoneError, ConfigurationError, NotFoundError
from lemlist_async.resources.leads import Lead, LeadChanges, NewLead

if TYPE_CHECKING:
    from lemlist_async.bulk.forecast import Forecast
    from lemlist_async.client import Lemlist

StopAction = Literal["remove", "unsubscribe", "pause"]

_NAMED = hints_of(LeadChanges).keys()
_MORE = {"id": "lead_id", "leadid": "lead_id", "preferredcontactmethod": "preferred_contact_method"}
_LEADS = Columns(NewLead, without=FLAGS, more=_MORE)
_WHO = ("email", "lead_id")
_DONE = {"remove": "removed", "unsubscribe": "unsubscribed", "pause": "paused"}


@attrs.frozen(kw_only=True)
class UpdateLeads(ColumnJob):
    """Change each row's lead in a campaign, found by its ``email`` (a look-up, then a PATCH) or ``lead_id``.

    Columns become fields or custom variables as in `ImportLeads`. Empty cells change nothing. lemlist changes no
    address: a row whose ``lead_id`` belongs to another ``email`` fails, and its other cells are changed.
    """

    KINDS_OF_COLUMNS: ClassVar[Columns] = _LEADS
    NEEDED: ClassVar[Sequence[str]] = _WHO

    kind = "leads.update"
    calls = 2

    campaign_id: str

    def __attrs_post_init__(self) -> None:
        check_campaign_id(self.campaign_id)

    def payload(self, row: Sorted) -> Payload:
        """Part a row into the lead's identity and its changes."""
        who, fields, variables = _who(row), row.fields, row.beside
        named = {name: value for name, value in fields.items() if name in _NAMED}
        # a PATCH names five fields, and takes the others among the variables, under their wire names
        others = {wire_name(NewLead, name): value for name, value in fields.items() if name not in _NAMED}
        if not named and not others and not variables:
            why = "lemlist changes no address, and " if len(who.keys() & set(_WHO)) > 1 else ""
            raise RowRefusedError(f"nothing to change: {why}every other cell is empty")
        return {**who, "fields": named, "variables": others | variables}

    def key(self, payload: Payload) -> str:
        """Return the identity of the lead."""
        return _key(payload)

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:
        """Read the campaign."""
        await check_campaign(lemlist, self.campaign_id)

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Find the lead, and change it."""
        (payload,) = payloads
        lead_id = await _lead_id(lemlist, self.campaign_id, payload)
        if lead_id is None:
            return [failed("the campaign has no lead with this address", "missing")]
        fields = cast("LeadChanges", payload["fields"])
        try:
            lead = await lemlist.leads.update(
                self.campaign_id, lead_id, variables=payload["variables"], **fields
            )
        except NotFoundError:
            return [failed("the campaign has no such lead", "missing")]
        if "lead_id" in payload and (kept := _kept_address(lead, payload)):
            return [kept]
        return [done("updated", lead_id)]


@attrs.frozen(kw_only=True)
class StopLeads(ColumnJob):
    """Remove each row's lead from a campaign, unsubscribe it there, or pause it.

    The lead is found by its ``email`` or ``lead_id``. Removing a lead deletes its history in the campaign. A
    lead that is gone already counts as done.
    """

    KINDS_OF_COLUMNS: ClassVar[Columns] = _LEADS
    NEEDED: ClassVar[Sequence[str]] = _WHO

    kind = "leads.stop"
    calls = 2

    campaign_id: str
    action: StopAction

    def __attrs_post_init__(self) -> None:
        check_campaign_id(self.campaign_id)
        if self.action not in _DONE:
            raise ConfigurationError(f"action is one of {', '.join(_DONE)}, not {self.action!r}")

    def payload(self, row: Sorted) -> Payload:
        """Keep the identity of the lead only."""
        return _who(row)

    def key(self, payload: Payload) -> str:
        """Return the identity of the lead."""
        return _key(payload)

    async def prepare(self, lemlist: Lemlist, forecast: Forecast) -> None:
        """Read the campaign."""
        await check_campaign(lemlist, self.campaign_id)

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Find the lead, and stop it."""
        (payload,) = payloads
        outcome = await self._stop_one(lemlist, payload, again=again)
        if outcome.what == "absent" and "lead_id" in payload and "email" in payload:
            # the id may be that of another campaign: the person is meant all the same
            by_email = {name: value for name, value in payload.items() if name != "lead_id"}
            outcome = await self._stop_one(lemlist, by_email, again=again)
        return [outcome]

    async def _stop_one(self, lemlist: Lemlist, payload: Payload, *, again: bool) -> Outcome:
        lead_id = await _lead_id(lemlist, self.campaign_id, payload)
        try:
            if lead_id is None:
                return done("absent", reason="the campaign has no lead with this address")
            await self._stop(lemlist, lead_id)
        except AlreadyGoneError:
            pass  # presumably by the first attempt of this very call
        except NotFoundError:
            why = "the campaign has no such lead, or it was unsubscribed before"
            return done("absent", lead_id, why) if not again else done(_DONE[self.action], lead_id)
        return done(_DONE[self.action], lead_id)

    async def _stop(self, lemlist: Lemlist, lead_id: str) -> None:
        if self.action == "remove":
            await lemlist.leads.remove(self.campaign_id, lead_id)
        elif self.action == "unsubscribe":
            await lemlist.leads.unsubscribe(self.campaign_id, lead_id)
        else:
            await lemlist.leads.pause(lead_id, campaign_id=self.campaign_id)


def _who(row: Sorted) -> Payload:
    """Take the identity of a row's lead out of its fields."""
    who = {name: row.fields.pop(name) for name in _WHO if name in row.fields}
    if not who:
        raise RowRefusedError("no e-mail address, and no id of a lead either")
    # the lead may have been imported under any address of the row
    others = [text for text in row.beside.values() if isinstance(text, str) and is_address(text)]
    return {**who, "other_emails": others} if others else who


def _kept_address(lead: Lead, payload: Payload) -> Outcome | None:
    """Return the outcome of a changed lead whose address is not that of the row; None where it is."""
    wanted = payload.get("email")
    if not wanted or not lead.email or value_key(lead.email) == value_key(wanted):
        return None
    kept = f"the lead keeps the address {lead.email}, since lemlist changes none"
    if value_key(lead.email) in map(value_key, payload.get("other_emails", ())):
        return done("updated", lead.id, kept)
    why = f"{kept}; its other cells were changed. For another address remove the lead and import it anew"
    return failed(why, "address kept")


def _key(payload: Payload) -> str:
    # ids are case-sensitive, addresses are not
    return str(payload.get("lead_id") or value_key(payload["email"]))


async def _lead_id(lemlist: Lemlist, campaign_id: str, payload: Payload) -> str | None:
    if given := payload.get("lead_id"):
        return str(given)
    for email in (payload["email"], *payload.get("other_emails", ())):
        if (found := await lead_of(lemlist, campaign_id, email)) is not None:
            return found
    return None
