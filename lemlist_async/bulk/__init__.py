"""Bulk jobs: planned before they are sent, journalled while they run, resumed after a crash."""

from lemlist_async.bulk.facade import Bulk
from lemlist_async.bulk.forecast import Forecast
from lemlist_async.bulk.jobs.contacts import ListContacts, UpsertContacts
from lemlist_async.bulk.jobs.enrichment import EnrichPeople
from lemlist_async.bulk.jobs.function_job import FunctionRun
from lemlist_async.bulk.jobs.job import Job, JobStoppedError, Outcome, RowRefusedError, RowResult, State
from lemlist_async.bulk.jobs.lead_changes import StopLeads, UpdateLeads
from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.jobs.stats import ReadStats
from lemlist_async.bulk.jobs.unsubscribes import BlockValues, UnblockValues
from lemlist_async.bulk.journal.journal import Journal, JournalError
from lemlist_async.bulk.journal.report import report_lines, write_report
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.run.executor import OnAmbiguous
from lemlist_async.bulk.run.progress import Progress, Report
from lemlist_async.bulk.run.run import LOOK_UP_AFTER, Run
from lemlist_async.export.activity_sync import ActivityBatch
from lemlist_async.export.export import Export

__all__ = [
    "LOOK_UP_AFTER",
    "ActivityBatch",
    "BlockValues",
    "Bulk",
    "EnrichPeople",
    "Export",
    "Forecast",
    "FunctionRun",
    "ImportLeads",
    "Job",
    "JobStoppedError",
    "Journal",
    "JournalError",
    "ListContacts",
    "OnAmbiguous",
    "Outcome",
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
    "report_lines",
    "write_report",
]
