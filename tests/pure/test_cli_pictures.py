"""Screens of the command at four widths, as they were looked at.

`python -m tests.pure.test_cli_pictures` writes them anew after a change that is meant.
"""

import io
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from lemlist_async.bulk import Forecast, ImportLeads, Outcome, Progress, Report, RowResult, State
from lemlist_async.bulk.run.progress import Step
from lemlist_async.cli.terminal import Terminal

PICTURES = Path(__file__).parent / "pictures"
WIDTHS = (100, 80, 60, 40)
COLUMNS = {
    "E-Mail-Adresse": ["ann.lee@very-long-domain.example", "bob@example.com"], "Vorname": ["Ann", "Bob"],
    "Person Linkedin Url": ["https://www.linkedin.com/in/ann-lee-123"], "Website": ["https://example.com/about"],
    "Company for Emails and Letters": ["Example & Sons"], "Stage": ["won"], "Geburtstag": ["1980-01-01"],
    "Email Opt Out": ["no"],
}  # fmt: skip
FORECAST = Forecast(
    rows=12_345, to_send=12_000, refused=40, repeated=300, skipped=5, finished=0, pending=0, ambiguous=0,
    requests=12_001, seconds=1_200.0, credits=60_000,
)  # fmt: skip
REPORT = Report(
    rows=12_345, done={"created": 11_900, "duplicate": 50}, repeated=300, skipped=5, refused=40, failed=30, unknown=20,
    left=0, calls=12_100, rate_limited=0, retries=9, confirmed=3, seconds=1_225.0, seconds_at_limit=1_209.0,
)  # fmt: skip
PROGRESS = Progress(
    total=12_000, done=4_321, seconds=435.0, rate=9.9, eta=775.0, quota=0.99,
    steps=(Step(name="send", total=12_000, done=4_321), Step(name="look up", total=3, done=1)),
)  # fmt: skip
BAD = [
    RowResult(7, {}, Outcome(State.REFUSED, "refused", "the e-mail address 'no address' is not valid: no @"))
]


def picture(width: int) -> str:
    """Return all screens of an import at a width, without the blanks at the ends of lines."""
    console = Console(width=width, file=io.StringIO(), force_terminal=False, highlight=False)
    show = Terminal(console)
    show.mapping(
        ImportLeads(campaign_id="cam_1").map_columns(list(COLUMNS), list(COLUMNS.values())), whole=True
    )
    show.forecast(FORECAST, "20 requests per 2 s")
    show.progress(PROGRESS)
    show.still()
    show.report(REPORT, BAD, [], {})
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_screens_are_those_that_were_looked_at(width: int) -> None:
    screens = picture(width)
    assert screens == (PICTURES / f"{width}.txt").read_text("utf-8")
    assert max(map(len, screens.splitlines())) <= width
    for whole in ("4321/12000", "1/3", "ETA 12 min 55 s", "look up"):
        assert whole in screens


def test_the_counts_of_the_picture_add_up() -> None:
    left_out = {
        "rows",
        "calls",
        "rate_limited",
        "retries",
        "confirmed",
        "seconds",
        "seconds_at_limit",
        "done",
    }
    counts = attrs.asdict(REPORT)
    others = sum(count for name, count in counts.items() if name not in left_out)
    assert sum(REPORT.done.values()) + others == REPORT.rows


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for each in WIDTHS:
        (PICTURES / f"{each}.txt").write_text(picture(each), encoding="utf-8")
