"""Bulk jobs: planned before they are sent, journalled while they run, resumed after a crash."""

from lemlist_async.bulk.face import Bulk
from lemlist_async.bulk.job import Job, JobStoppedError, Outcome, RowRefusedError, State
from lemlist_async.bulk.journal import Journal, JournalError
from lemlist_async.bulk.plan import Forecast, Plan
from lemlist_async.bulk.runner import Progress, Report, RowResult, Run

__all__ = [
    "Bulk",
    "Forecast",
    "Job",
    "JobStoppedError",
    "Journal",
    "JournalError",
    "Outcome",
    "Plan",
    "Progress",
    "Report",
    "RowRefusedError",
    "RowResult",
    "Run",
    "State",
]
