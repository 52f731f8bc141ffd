"""Bulk jobs: planned before they are sent, journalled while they run, resumed after a crash."""

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async.bulk.facade import Bulk as Bulk
    from lemlist_async.bulk.facade import LeadPlanOptions as LeadPlanOptions
    from lemlist_async.bulk.facade import PlanOptions as PlanOptions
    from lemlist_async.bulk.forecast import Forecast as Forecast
    from lemlist_async.bulk.jobs.column_job import ColumnJob as ColumnJob
    from lemlist_async.bulk.jobs.contacts import ListContacts as ListContacts
    from lemlist_async.bulk.jobs.contacts import UpsertContacts as UpsertContacts
    from lemlist_async.bulk.jobs.enrichment import EnrichPeople as EnrichPeople
    from lemlist_async.bulk.jobs.function_job import FunctionRun as FunctionRun
    from lemlist_async.bulk.jobs.job import Job as Job
    from lemlist_async.bulk.jobs.job import JobStoppedError as JobStoppedError
    from lemlist_async.bulk.jobs.job import Outcome as Outcome
    from lemlist_async.bulk.jobs.job import RowResult as RowResult
    from lemlist_async.bulk.jobs.job import State as State
    from lemlist_async.bulk.jobs.lead_changes import StopLeads as StopLeads
    from lemlist_async.bulk.jobs.lead_changes import UpdateLeads as UpdateLeads
    from lemlist_async.bulk.jobs.leads import ImportLeads as ImportLeads
    from lemlist_async.bulk.jobs.stats import ReadStats as ReadStats
    from lemlist_async.bulk.jobs.unsubscribes import BlockValues as BlockValues
    from lemlist_async.bulk.jobs.unsubscribes import UnblockValues as UnblockValues
    from lemlist_async.bulk.journal.address import PostgresJournal as PostgresJournal
    from lemlist_async.bulk.journal.errors import JournalError as JournalError
    from lemlist_async.bulk.journal.errors import JournalUnavailableError as JournalUnavailableError
    from lemlist_async.bulk.journal.journal import Journal as Journal
    from lemlist_async.bulk.journal.planned_file import PlannedFile as PlannedFile
    from lemlist_async.bulk.journal.planned_file import find_planned_file as find_planned_file
    from lemlist_async.bulk.journal.rejects import write_rejects as write_rejects
    from lemlist_async.bulk.journal.report import report_lines as report_lines
    from lemlist_async.bulk.journal.report import write_report as write_report
    from lemlist_async.bulk.plan import Plan as Plan
    from lemlist_async.bulk.run.executor import OnAmbiguous as OnAmbiguous
    from lemlist_async.bulk.run.progress import Progress as Progress
    from lemlist_async.bulk.run.progress import Report as Report
    from lemlist_async.bulk.run.run import LOOK_UP_AFTER as LOOK_UP_AFTER
    from lemlist_async.bulk.run.run import Run as Run
    from lemlist_async.bulk.source.csv_dialect import FileFormat as FileFormat
    from lemlist_async.bulk.source.mapping import ColumnMapping as ColumnMapping
    from lemlist_async.bulk.source.mapping import ColumnUse as ColumnUse
    from lemlist_async.bulk.source.raw_row import RowRefusedError as RowRefusedError
    from lemlist_async.bulk.source.uploads import copied as copied
    from lemlist_async.export.activity_files import ActivityFiles as ActivityFiles
    from lemlist_async.export.activity_sync import ActivityBatch as ActivityBatch
    from lemlist_async.export.activity_table import ActivityTable as ActivityTable
    from lemlist_async.export.export import Export as Export
    from lemlist_async.export.export import ExportOptions as ExportOptions

_HOMES = {
    "ActivityBatch": "lemlist_async.export.activity_sync",
    "ActivityFiles": "lemlist_async.export.activity_files",
    "ActivityTable": "lemlist_async.export.activity_table",
    "BlockValues": "lemlist_async.bulk.jobs.unsubscribes",
    "Bulk": "lemlist_async.bulk.facade",
    "ColumnJob": "lemlist_async.bulk.jobs.column_job",
    "ColumnMapping": "lemlist_async.bulk.source.mapping",
    "ColumnUse": "lemlist_async.bulk.source.mapping",
    "EnrichPeople": "lemlist_async.bulk.jobs.enrichment",
    "Export": "lemlist_async.export.export",
    "ExportOptions": "lemlist_async.export.export",
    "FileFormat": "lemlist_async.bulk.source.csv_dialect",
    "Forecast": "lemlist_async.bulk.forecast",
    "FunctionRun": "lemlist_async.bulk.jobs.function_job",
    "ImportLeads": "lemlist_async.bulk.jobs.leads",
    "Job": "lemlist_async.bulk.jobs.job",
    "JobStoppedError": "lemlist_async.bulk.jobs.job",
    "Journal": "lemlist_async.bulk.journal.journal",
    "JournalError": "lemlist_async.bulk.journal.errors",
    "JournalUnavailableError": "lemlist_async.bulk.journal.errors",
    "LOOK_UP_AFTER": "lemlist_async.bulk.run.run",
    "LeadPlanOptions": "lemlist_async.bulk.facade",
    "ListContacts": "lemlist_async.bulk.jobs.contacts",
    "OnAmbiguous": "lemlist_async.bulk.run.executor",
    "Outcome": "lemlist_async.bulk.jobs.job",
    "Plan": "lemlist_async.bulk.plan",
    "PlanOptions": "lemlist_async.bulk.facade",
    "PostgresJournal": "lemlist_async.bulk.journal.address",
    "PlannedFile": "lemlist_async.bulk.journal.planned_file",
    "Progress": "lemlist_async.bulk.run.progress",
    "ReadStats": "lemlist_async.bulk.jobs.stats",
    "Report": "lemlist_async.bulk.run.progress",
    "RowRefusedError": "lemlist_async.bulk.source.raw_row",
    "RowResult": "lemlist_async.bulk.jobs.job",
    "Run": "lemlist_async.bulk.run.run",
    "State": "lemlist_async.bulk.jobs.job",
    "StopLeads": "lemlist_async.bulk.jobs.lead_changes",
    "UnblockValues": "lemlist_async.bulk.jobs.unsubscribes",
    "UpdateLeads": "lemlist_async.bulk.jobs.lead_changes",
    "UpsertContacts": "lemlist_async.bulk.jobs.contacts",
    "copied": "lemlist_async.bulk.source.uploads",
    "find_planned_file": "lemlist_async.bulk.journal.planned_file",
    "report_lines": "lemlist_async.bulk.journal.report",
    "write_rejects": "lemlist_async.bulk.journal.rejects",
    "write_report": "lemlist_async.bulk.journal.report",
}
if not TYPE_CHECKING:  # the checkers read the imports above, and refuse any other name
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
