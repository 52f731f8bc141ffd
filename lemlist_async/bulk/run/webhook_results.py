"""Results that lemlist posts to a webhook, held until they are written to their rows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from lemlist_async.bulk.jobs.job import Job, Outcome
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.storage import JournalRow

MOST = 20_000
"""Most results that are held. Beyond that the oldest are dropped, and the run fetches them itself."""


class WebhookResults:
    """Posted results by lemlist's id. A result may arrive before the response to the call that started it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._held: dict[str, Any] = {}

    def add(self, body: bytes | str | Mapping[str, Any]) -> int:
        """Take a posted body; return how many results it holds."""
        found = self._job.read_posted(body)
        self._held |= found
        # results of other runs come here too and are never fetched, so the memory needs a bound
        for oldest in tuple(itertools.islice(self._held, max(0, len(self._held) - MOST))):
            del self._held[oldest]
        return len(found)

    def of(self, row: JournalRow) -> Outcome | None:
        """Return the outcome of a pending row if its result was posted, and forget the result."""
        if row.id is None or (found := self._held.pop(row.id, None)) is None:
            return None
        return self._job.conclude(found, row.outcome)

    async def flush(self, journal: Journal) -> Sequence[tuple[JournalRow, Outcome]]:
        """Write the outcomes of the rows whose results were posted."""
        if not self._held:
            return []
        # results of other rows stay held: the response that gives such a row its id may still be on its way
        rows = await journal.pending(self._held)
        found = [(row, outcome) for row in rows if (outcome := self.of(row)) is not None]
        await journal.write([(row.n, outcome) for row, outcome in found])
        await journal.flush()
        return found
