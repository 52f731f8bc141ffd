"""Progress and report of a run, and their output by the command."""

from collections import Counter
from typing import Any

import attrs
import pytest

from lemlist_async import Throttle, ThrottleOptions
from lemlist_async.bulk import Forecast, ImportLeads, Outcome, Progress, Report, RowResult, State
from lemlist_async.bulk.run.progress import Meter, Step
from lemlist_async.cli.show import Json, Plain
from lemlist_async.cli.terminal import Terminal
from lemlist_async.cli.verbose import _tell
from lemlist_async.cli.wording import forecast_lines, pace, report_rows, result_lines
from lemlist_async.observe import SlotGranted


def forecast(**counts: Any) -> Forecast:
    """A forecast with these figures, and nothing else."""
    none = {"rows": 0, "to_send": 0, "refused": 0, "finished": 0, "pending": 0, "ambiguous": 0, "requests": 0}
    return Forecast(**{**none, "seconds": 0.0, "credits": 0, **counts})


def meter(*, follows: bool, **counts: Any) -> Meter:
    """A meter of a run that has begun."""
    made = Meter(Throttle(ThrottleOptions()), forecast(**counts), follows=follows)
    made.start(forecast(**counts))
    return made


def report() -> Report:
    """A report with something of everything."""
    counts: Counter[tuple[str, str]] = Counter(
        {
            ("done", "created"): 5,
            ("done", "duplicate"): 2,
            ("refused", "repeated"): 1,
            ("refused", "refused"): 3,
            ("failed", "missing"): 4,
            ("unknown", "unknown"): 1,
            ("pending", "submitted"): 2,
            ("new", ""): 6,
            ("sent", ""): 1,
        }
    )
    return meter(follows=False).report(counts, retries=7, confirmed=8)


def test_steps_without_rows_are_left_out_and_pending_rows_are_not_through() -> None:
    run = meter(follows=True, to_send=4, pending=1)
    run.passed("send", through=1, pending=2)
    run.passed("results", through=1, pending=1)
    steps = run.progress.steps
    assert steps == (Step(name="send", total=4, done=3), Step(name="results", total=4, done=1))
    assert (run.progress.total, run.progress.done) == (5, 2)
    assert meter(follows=False, to_send=1).progress.steps == (Step(name="send", total=1, done=0),)


def test_a_report_counts_each_row_once() -> None:
    told = report()
    assert told.done == {"created": 5, "duplicate": 2}
    assert (told.created, told.duplicates, told.repeated) == (5, 3, 1)
    assert (told.refused, told.failed, told.unknown, told.left) == (3, 4, 1, 9)
    assert (
        sum(told.done.values()) + told.repeated + told.refused + told.failed + told.unknown + told.left
        == told.rows
    )
    assert not told.complete


def test_a_report_names_what_was_done_and_a_job_that_did_nothing_says_so() -> None:
    rows = dict(report_rows(report()))
    assert (rows["created"], rows["duplicates, skipped"], rows["left for another run"]) == ("5", "3", "9")
    nothing = meter(follows=False).report(Counter(), retries=0, confirmed=0)
    assert dict(report_rows(nothing))["done"] == "0"
    assert nothing.complete


def test_a_forecast_tells_what_an_earlier_run_left() -> None:
    lines = forecast_lines(forecast(rows=9, to_send=3, pending=4, finished=2, credits=15), "20 per 2 s")
    assert "from an earlier run: 2 finished, 0 ambiguous, 4 without a result" in lines
    assert "up to 15 credits" in lines


def progress() -> Progress:
    """Half-way through the second of two steps."""
    steps = (Step(name="send", total=10, done=10), Step(name="results", total=10, done=5))
    return Progress(total=10, done=5, seconds=3.0, rate=2.0, eta=2.5, quota=0.5, steps=steps)


def results() -> list[RowResult]:
    """Result of a row."""
    return [RowResult(1, {}, Outcome(State.DONE, "read", id="cam_1", result={"nbLeads": 1200, "opened": 0}))]


def test_figures_are_the_numbers_that_are_not_zero() -> None:
    assert result_lines(results()) == ["cam_1: nbLeads 1,200"]
    assert result_lines([RowResult(1, {}, Outcome(State.DONE, "read", id="x"))]) == ["x: nothing yet"]


def test_a_person_sees_a_bar_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    show = Terminal()
    with show:
        show.progress(progress())
        show.count(3)
        show.forecast(forecast(rows=1), "20 per 2 s")
    show.report(report(), [], results(), {})
    told = capsys.readouterr().out
    for word in ("send", "10/10", "results", "5/10", "2.0/s", "created", "cam_1: nbLeads 1,200"):
        assert word in told


def test_a_pipe_gets_lines_and_a_program_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain() as plain:
        plain.progress(progress())
        plain.report(report(), [], results(), {})
    told = capsys.readouterr().out
    assert "5 of 10 rows, 2.0/s, ETA 2.5 s, send: 10 of 10, results: 5 of 10" in told
    assert "cam_1: nbLeads 1,200" in told
    with Json() as program:
        program.progress(progress())
        program.count(5)
        program.report(report(), [], results(), {})
    told = capsys.readouterr().out
    assert told.startswith("{")
    assert '"nbLeads": 1200' in told


def test_the_share_of_the_quota_is_told_once_it_means_something() -> None:
    early, later = progress(), attrs.evolve(progress(), seconds=4.0)
    assert "quota" not in pace(early)
    assert "50% of quota" in pace(later)


async def test_an_eta_never_promises_more_than_the_limit_allows() -> None:
    throttle = Throttle(ThrottleOptions())
    run = Meter(throttle, forecast(to_send=220), follows=False)
    run.start(forecast(to_send=220))
    for _ in range(20):  # the burst at the beginning
        await throttle.acquire()
    run.passed("send", through=20)
    eta = run.progress.eta
    assert eta is not None
    assert eta >= 20.0


def counts_of(rows: list[tuple[str, str]]) -> int:
    beside = {"rows", "time", "retries", "429s met", "responses lost, found done"}
    return sum(int(value) for name, value in rows if name not in beside)


def test_the_counts_of_a_report_add_up_to_its_rows() -> None:
    rows = report_rows(report())
    assert counts_of(rows) == int(dict(rows)["rows"])


@pytest.mark.parametrize("width", [100, 80, 60, 40])
def test_no_word_is_broken_and_no_line_too_long_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    samples = [["ann@example.com"], ["Ann", "Bob"], ["5"], ["won"], ["0"]]
    header = ["E-Mail", "First Name", "Size", "Stage", "Email Opt Out"]
    mapping = ImportLeads(campaign_id="cam_1").map_columns(header, samples)
    assert mapping is not None
    show = Terminal()
    show.mapping(mapping, whole=False)
    show.report(report(), [], [], {})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert {"E-Mail", "email", "variable", "created", "duplicates,", "unknown"} <= words
    assert ("ann@example.com" in words) == (width >= 60)


def test_waits_are_told_if_they_are_long_or_follow_a_429(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for waited, reason in ((0.5, "pause"), (0.5, "quota"), (61.0, "quota")):
        _tell(SlotGranted("1", "GET /team", 1, waited, reason))
    assert [record.message for record in caplog.records] == [
        "GET /team waited 0.5 s, since a 429 had paused the key",
        "GET /team waited 1 min 01 s, since the quota was used",
    ]
