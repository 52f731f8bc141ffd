"""Ready-made jobs, each with its kind as journals name it."""

from typing import Any

from lemlist_async.bulk.jobs.contacts import ListContacts, UpsertContacts
from lemlist_async.bulk.jobs.enrichment import EnrichPeople
from lemlist_async.bulk.jobs.job import Job
from lemlist_async.bulk.jobs.lead_changes import StopLeads, UpdateLeads
from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.jobs.stats import ReadStats
from lemlist_async.bulk.jobs.unsubscribes import BlockValues, UnblockValues

_JOBS: tuple[type[Job], ...] = (
    ImportLeads, UpdateLeads, StopLeads, UpsertContacts, ListContacts, BlockValues, UnblockValues, EnrichPeople,
    ReadStats,
)  # fmt: skip
KINDS: dict[str, Any] = {job.kind: job for job in _JOBS}
"""Class of each kind, called with the options that a journal holds."""
