"""Parsers of Retry-After and X-RateLimit-* in every form seen; None for anything else, never an exception."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import attrs

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# the reset is what JavaScript's Date.toString() prints: "Tue Feb 16 2021 09:02:42 GMT+0100 (Central …)"
_JS_DATE = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?: (?:GMT|UTC)(?:(?P<sign>[+-])(?P<oh>\d\d):?(?P<om>\d\d))?)?"
    r"(?: \(.*\))?"
)
_LONGEST = 366 * 86_400.0
"""Seconds above which a number is not a wait …"""
_EPOCH = 1e9
"""… and number from which it is a date, in epoch seconds: September 2001 or later."""
_MILLISECONDS = 1e11
"""Epoch numbers above this are milliseconds: as seconds they would be past the year 5000."""


@attrs.frozen
class RateInfo:
    """Rate limit as the headers of a response report it."""

    limit: int | None = None
    """Requests per window."""
    remaining: int | None = None
    """Requests left in the window."""
    reset: datetime | None = None
    """End of the window, by lemlist's clock."""
    retry_after: float | None = None
    """Seconds to wait. lemlist sends it on successes too: it counts only beside a 429 or a 503."""


def read_rate(headers: Mapping[str, str]) -> RateInfo:
    """Read all rate limit headers of a response."""
    limit, remaining = read_quota(headers)
    return RateInfo(
        limit=limit,
        remaining=remaining,
        reset=read_date(headers.get("X-RateLimit-Reset")),
        retry_after=read_retry_after(headers.get("Retry-After"), headers.get("Date")),
    )


def read_quota(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return the limit and its remainder, the only headers read from a success."""
    return _count(headers.get("X-RateLimit-Limit")), _count(headers.get("X-RateLimit-Remaining"))


def read_retry_after(text: str | None, server_date: str | None = None) -> float | None:
    """Return the seconds to wait, from a number or from a date compared with the server's own `Date`.

    lemlist's documents of 2024 print a date under this name, so every form of date is accepted. Epoch seconds are
    among them: taken for a wait, they would stop every user of the key. None without a `Date` to compare with.
    """
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None and seconds < _EPOCH:
        return seconds if 0 <= seconds <= _LONGEST else None
    until, now = read_date(text), read_date(server_date)
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def read_date(text: str | None) -> datetime | None:
    """Parse a JavaScript date, an HTTP date, ISO 8601, or epoch seconds or milliseconds into an aware time."""
    if not text:
        return None
    text = text.strip()
    return _js_date(text) or _epoch(text) or _iso(text) or _http_date(text)


def _js_date(text: str) -> datetime | None:
    found = _JS_DATE.fullmatch(text)
    if found is None or found["month"] not in _MONTHS:
        return None
    offset = timedelta(hours=int(found["oh"] or 0), minutes=int(found["om"] or 0))
    try:
        zone = timezone(-offset if found["sign"] == "-" else offset)
        return datetime(
            int(found["year"]),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"]),
            tzinfo=zone,
        )
    except ValueError:
        return None


def _epoch(text: str) -> datetime | None:
    number = _number(text)
    if number is None or number <= 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    # float() also accepts "1_0", "infinity" and non-ASCII digits, but not the "\x1f" that a Unicode \s matches
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,15}(?:\.[0-9]{0,9})?\s*", text, re.ASCII):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _count(text: str | None) -> int | None:
    if text is not None and len(text) < 10 and text.isascii() and text.isdigit():
        return int(text)
    number = _number(text) if text else None
    return int(number) if number is not None and number >= 0 else None
