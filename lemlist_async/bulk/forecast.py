"""Forecast of a job: its requests, their least time, its credits."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Forecast:
    """Work, time and credits that a job will take."""

    rows: int
    """All rows, refused ones included."""
    to_send: int
    refused: int
    """Not valid."""
    repeated: int = 0
    """The same as an earlier row of the source."""
    skipped: int = 0
    """With all that the job is to bring."""
    finished: int
    """Done or failed in an earlier run of the same journal."""
    pending: int
    """Sent by an earlier run, whose results are still to be fetched."""
    ambiguous: int
    """Sent by an earlier run that ended before the response; they are looked up."""
    requests: int
    """Calls at most: for the rows to send, one for each result, one to prepare, and for each ambiguous row two
    look-ups and, where lemlist refuses duplicates, the sending after them."""
    seconds: float
    """The least time the limit allows for that many calls, without any waiting for responses."""
    credits: int
    """Enrichment credits that may be charged."""


def seconds_at_limit(requests: int, limit: int, window: float) -> float:
    """The least time between the first and the last of so many requests: `limit` go at once in each `window`."""
    return 0.0 if requests <= 0 else (requests - 1) // limit * window
