"""Options that several commands share, each with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lemlist_async.core.json import loads
from lemlist_async.errors import ConfigurationError

File = Annotated[
    Path,
    typer.Argument(
        help="CSV, JSON or JSON lines; the first line of a CSV names the columns. - is standard input."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Send nothing; print requests, time and refused rows.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Write the outcome of each row: .csv, else JSON lines; - prints CSV."),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        help="Write the rows that were not done, as they came, to correct and send again; - prints them.",
    ),
]
JournalFile = Annotated[
    Path | None,
    typer.Option("--journal", help="Keep the job's state here; by default in the user's state directory."),
]
NoJournal = Annotated[
    bool, typer.Option("--no-journal", help="Keep no state: an interrupted job cannot be resumed.")
]
JournalArgument = Annotated[
    str, typer.Argument(help="The journal of a job, its name in `jobs`, or 'postgresql://host/database#job'.")
]
OnAmbiguousOption = Annotated[
    Literal["verify", "report"],
    typer.Option(
        help="A row whose response was lost and that must not be sent twice: look it up, or report it as unknown."
    ),
]
Encoding = Annotated[str, typer.Option(help="Encoding of the file, unless a byte order mark shows it.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Character between the cells of a CSV (or 'tab'); detected if not given.")
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header", help="The first line is a row; the columns are 1, 2, …, one alone is 'value'."
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="COLUMN=FIELD, for a column whose name does not show its field, or COLUMN=variable:NAME.",
    ),
]
Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", help="A column that is not sent; may be repeated.")
]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Send only the columns given like this; may be repeated.")
]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="Take the columns from this file, written by --save-mapping.")
]
SaveMapping = Annotated[
    Path | None, typer.Option("--save-mapping", help="Write to this file what each column becomes.")
]
Force = Annotated[
    list[str] | None,
    typer.Option(
        help="Resume a journal although something differs: rows (those given are ignored), key or host; may be "
        "repeated."
    ),
]
RetryFailed = Annotated[bool, typer.Option(help="Send the rows again that lemlist refused.")]
Campaign = Annotated[str, typer.Option(help="Id of the campaign, cam_….")]
Bom = Annotated[
    bool, typer.Option("--bom/--no-bom", help="Begin a .csv with the mark by which Excel knows UTF-8.")
]
Formulas = Annotated[
    bool, typer.Option(help="Write cells that begin with = + - @ as they are, without a quote.")
]
Out = Annotated[
    Path, typer.Option("--out", help="The file to write: .csv, .jsonl or .parquet; - is standard output.")
]
ExportFormat = Literal["csv", "jsonl", "parquet"]
FormatOption = Annotated[
    ExportFormat | None,
    typer.Option("--format", help="Format of the file; by default by its name, and CSV for -."),
]
STANDARD = Path("-")
"""Standard input or output, in place of a file."""


def columns_of(given: list[str] | None) -> dict[str, str]:
    """Return the values of --map as a mapping.

    Raises:
        ConfigurationError: a value is not COLUMN=FIELD.
    """
    pairs = [text.partition("=") for text in given or ()]
    for column, equals, field in pairs:
        if not (column and equals and field):
            raise ConfigurationError(f"--map takes COLUMN=FIELD, not {column + equals + field!r}")
    return {column: field for column, _, field in pairs}


def read_mapping(path: Path | None) -> tuple[dict[str, str], list[str]]:
    """Return the columns that a mapping file maps, and those that it ignores.

    Raises:
        ConfigurationError: it is no such file.
    """
    if path is None:
        return {}, []
    try:
        columns = loads(path.read_bytes())["columns"]
        pairs = [(str(column), field) for column, field in columns.items()]
    except OSError as error:
        raise ConfigurationError(f"--mapping: {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{path} is no mapping as --save-mapping writes it") from None
    mapped = {column: str(field) for column, field in pairs if field is not None}
    return mapped, [column for column, field in pairs if field is None]


def delimiter_of(given: str | None) -> str | None:
    """Return the character that --delimiter names."""
    return "\t" if given in {"tab", r"\t"} else given
