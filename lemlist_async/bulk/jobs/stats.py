"""Job that reads the figures of many campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs

from lemlist_async.bulk.jobs.job import Job, Outcome, Payload, done, failed
from lemlist_async.bulk.source.cells import single
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.model import unstructure
from lemlist_async.core.validation import check_campaign_id
from lemlist_async.core.wire import Effect
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources.campaigns_models import StatsSpan

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist


def _text(value: datetime | str) -> str:
    return str(unstructure(value))


@attrs.frozen(kw_only=True)
class ReadStats(Job):
    """Read the figures of each row's campaign over a span of time: 100 campaigns per call.

    The figures are the outcome's `result`, under lemlist's names; a campaign that has none fails by itself.
    """

    kind = "campaigns.stats"
    takes_texts: ClassVar[bool] = True
    effect = Effect.READ
    batch = 100

    start_date: str = attrs.field(converter=_text)
    """Inclusive; a datetime, or ISO 8601 as text."""
    end_date: str = attrs.field(converter=_text)
    send_user: str | None = None
    """``userId|email`` of a sender."""
    channels: Sequence[str] | None = None
    """Some of ``email``, ``linkedin`` and ``others``; by default all."""

    def options(self) -> dict[str, Any]:
        """Return the options from which the job can be made again."""
        return attrs.asdict(self)

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Keep the id, from the column ``campaign_id``, ``campaign`` or ``id``, or the only one, and a ``name``."""
        campaign_id = single(values, "campaign_id", "campaign", "id")
        try:
            payload: Payload = {"campaign_id": check_campaign_id(campaign_id)}
        except InvalidInputError as error:
            raise RowRefusedError(error.message) from None
        return payload | ({"name": str(values["name"])} if values.get("name") else {})

    def key(self, payload: Payload) -> str:
        """Return the id of the campaign."""
        return str(payload["campaign_id"])

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Read the figures; each campaign has figures or an error in the response."""
        ids = [str(payload["campaign_id"]) for payload in payloads]
        span = {name: value for name, value in self.options().items() if value is not None}
        response = await lemlist.campaigns.list_stats_batch(campaign_ids=ids, **cast("StatsSpan", span))
        found = {
            one.campaign_id: done("read", one.campaign_id, result=unstructure(one))
            for one in response.results or ()
        }
        errors = {one.campaign_id: failed(one.error or "no reason given") for one in response.errors or ()}
        by_id = {**errors, **found}
        return [
            by_id.get(campaign_id, failed("lemlist's response does not mention it")) for campaign_id in ids
        ]
