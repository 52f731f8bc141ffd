"""Bulk jobs: planned before they are sent, journalled while they run, resumed after a crash."""

from lemlist_async.bulk.export import Export
from lemlist_async.bulk.face import Bulk
from lemlist_async.bulk.job import Job, JobStoppedError, Outcome, RowRefusedError, RowResult, State
from lemlist_async.bulk.jobs.contacts import ListContacts, UpsertContacts
from lemlist_async.bulk.jobs.enrichment import EnrichPeople
from lemlist_async.bulk.jobs.lead_changes import StopLeads, UpdateLeads
from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.jobs.stats import ReadStats
from lemlist_async.bulk.jobs.unsubscribes import BlockValues, UnblockValues
from lemlist_async.bulk.journal import Journal, JournalError
from lemlist_async.bulk.own import OwnRun
from lemlist_async.bulk.plan import Forecast, Plan
from lemlist_async.bulk.progress import Progress, Report
from lemlist_async.bulk.runner import Run
from lemlist_async.bulk.sync import ActivityBatch

__all__ = [
    "ActivityBatch",
    "BlockValues",
    "Bulk",
    "EnrichPeople",
    "Export",
    "Forecast",
    "ImportLeads",
    "Job",
    "JobStoppedError",
    "Journal",
    "JournalError",
    "ListContacts",
    "Outcome",
    "OwnRun",
    "Plan",
    "Progress",
    "ReadStats",
    "Report",
    "RowRefusedError",
    "RowResult",
    "Run",
    "State",
    "StopLeads",
    "UnblockValues",
    "UpdateLeads",
    "UpsertContacts",
]
