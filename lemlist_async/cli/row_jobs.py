"""Registration of commands over a file of rows, with their common options."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import typer

from lemlist_async import bulk
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.job_store import is_worth_keeping, new_journal, remove
from lemlist_async.cli.jobs import RunSettings, run_plan
from lemlist_async.cli.options import (
    STANDARD,
    Bom,
    Delimiter,
    DryRun,
    Encoding,
    File,
    Force,
    Ignore,
    JournalFile,
    Json,
    Map,
    MappingFile,
    NoHeader,
    NoJournal,
    OnAmbiguousOption,
    Only,
    RejectsFile,
    ReportFile,
    RetryFailed,
    SaveMapping,
    columns_of,
    delimiter_of,
    read_mapping,
)
from lemlist_async.cli.retention import tell_erased
from lemlist_async.cli.show import Show
from lemlist_async.cli.standard import as_file
from lemlist_async.cli.streams import write_data
from lemlist_async.core.json import dumps
from lemlist_async.errors import ConfigurationError
from lemlist_async.files import write_file

if TYPE_CHECKING:
    from lemlist_async import Lemlist

Make = TypeVar("Make", bound=Callable[..., "bulk.Job"])


Columns = dict[str, Any]
"""Options of a job about the columns of its file: a command that takes them has the parameter ``columns``."""


def chosen_columns(
    columns: Map = None, ignore: Ignore = None, only: Only = None, mapping: MappingFile = None
) -> Columns:
    """Return what the command line says about columns: a mapping file first, and options above it."""
    mapped, ignored = read_mapping(mapping)
    named = columns_of(columns)
    return {
        "columns": mapped | named,
        "ignore": [one for one in ignored if one not in named] + (ignore or []),
        "only": only or [],
    }


def save_columns(path: Path, mapping: bulk.ColumnMapping) -> None:
    """Write what each column becomes, to be read with --mapping; None for a column that is not sent."""
    # an opt-out is none of these: it is found by its name again, and only --ignore turns it off
    columns = {use.column: _saved(use) for use in mapping.uses if use.role != "opt-out"}
    lines = [dumps({"columns": columns}, indent=True).decode() + "\n"]
    if path == STANDARD:
        write_data(lines)
    else:
        write_file(path, lines)


def _saved(use: bulk.ColumnUse) -> str | None:
    if use.fields:
        return use.fields[0]
    # its name may resemble that of a field
    return None if use.variable is None else f"variable:{use.variable}"


def run_rows(
    make: Callable[[], bulk.Job],
    file: File,
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = None,
    no_header: NoHeader = False,
    dry_run: DryRun = False,
    report: ReportFile = None,
    rejects: RejectsFile = None,
    bom: Bom = True,
    journal: JournalFile = None,
    no_journal: NoJournal = False,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    force: Force = None,
    save_mapping: SaveMapping = None,
    yes: Yes = False,
    json: Json = False,
    *,
    question: str | None = None,
) -> None:
    """Plan a job over a file, run it and report; `question` is asked before that, where it cannot be undone."""

    async def work(source: Path, lemlist: Lemlist, show: Show) -> Exit:
        job = make()
        file_format = bulk.FileFormat(
            encoding=encoding, delimiter=delimiter_of(delimiter), header=not no_header
        )
        settings = RunSettings(
            dry_run=dry_run,
            json=json,
            source=source,
            journal=journal,
            report=report,
            rejects=rejects,
            save_mapping=save_mapping,
            bom=bom,
            on_ambiguous=on_ambiguous,
            paid=job.follows,
        )
        if question is not None and not dry_run:
            confirm(question, yes=yes)
        if job.follows and no_journal and not (report or dry_run):
            raise ConfigurationError(
                "what is found is paid for, and would be lost with the screen: name a --report, or keep the journal"
            )
        await tell_erased(show)
        own = None if journal or no_journal or dry_run else new_journal(job.kind)
        made = own or (journal if journal is not None and not journal.exists() else None)
        settings = attrs.evolve(settings, journal=journal or own)
        of_file = attrs.asdict(file_format)

        def plan() -> Awaitable[bulk.Plan]:
            mapping = lemlist.bulk.map_columns(job, source, **of_file)
            if mapping is not None:
                show.mapping(mapping, whole=dry_run)
            if mapping is not None and save_mapping is not None:
                save_columns(save_mapping, mapping)
            return lemlist.bulk.plan(
                job,
                source,
                journal=settings.journal,
                **of_file,
                mapping=mapping,
                retry_failed=retry_failed,
                force=cast("Any", force or ()),
                dry_run=dry_run,
            )

        try:
            return await run_plan(lemlist, plan, settings, show)
        except BaseException as error:
            if made is not None and not await is_worth_keeping(made, error):
                remove(made)
            raise

    data = STANDARD in {report, rejects, save_mapping}
    with as_file(file) as source:
        with_client(functools.partial(work, source), json=json, offline=dry_run, data=data)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    # `--help` must not import the jobs, whose class stands in these signatures: typer never looks at it
    names = {"bulk": types.SimpleNamespace(Job=object, ColumnMapping=object)}
    return inspect.signature(function, eval_str=True, locals=names).parameters


def row_job(
    group: typer.Typer, name: str, *, question: str | None = None, run: Callable[..., None] = run_rows
) -> Callable[[Make], Make]:
    """Register a command: the file, then the parameters of the decorated function, then the common options.

    A `question` is asked before a job that cannot be undone; its command has ``--yes``. `run` does the job, and its
    parameters are the common options.
    """

    def register(make: Make) -> Make:
        own, shared = dict(_parameters(make)), dict(_parameters(run))
        for name_ in ("make", "question", *(["yes"] if question is None else [])):
            del shared[name_]
        file, *common = shared.values()
        takes_columns = own.pop("columns", None) is not None
        of_columns = dict(_parameters(chosen_columns)) if takes_columns else dict[str, inspect.Parameter]()

        def command(**given: Any) -> None:
            mine = {name: given.pop(name) for name in own}
            words = {name: given.pop(name) for name in of_columns}

            def job() -> bulk.Job:
                # here, so that a wrong option ends in one line
                return make(**mine, columns=chosen_columns(**words)) if of_columns else make(**mine)

            run(job, question=question, **given)

        # typer reads a function's parameters from these two
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in (file, *own.values(), *of_columns.values(), *common)
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions take any attribute
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        command.__doc__ = make.__doc__
        group.command(name)(command)
        return make

    return register
