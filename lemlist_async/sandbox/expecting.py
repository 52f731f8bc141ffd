"""Expectations of a test: requests that were made, told in words when they were not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from lemlist_async.sandbox.request_log import LoggedRequest
from lemlist_async.sandbox.router import Router

__all__ = ["Expectation"]

_SHOWN: Final = 5
_WORDS: Final = {0: "never", 1: "once", 2: "twice"}


def _times(number: int) -> str:
    return _WORDS.get(number, f"{number} times")


@attrs.frozen
class Expectation:
    """Requests of one operation, all or those with a body, a query or a status. The methods assert their number.

    Each method returns the requests, and raises AssertionError if they are too many or too few.
    """

    match: str
    body: Any = None
    query: Mapping[str, str] | None = None
    status: int | None = None
    _candidates: list[LoggedRequest] = attrs.field(factory=list[LoggedRequest])

    @classmethod
    def among(
        cls,
        requests: Iterable[LoggedRequest],
        router: Router,
        match: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> Expectation:
        """Expect of logged requests; ValueError for an operation that the sandbox does not have.

        ``match`` is verb and path template, or verb and path.
        """
        method, _, path = match.partition(" ")
        if (method, path) in router.operations:
            rows = [row for row in requests if (row.method, row.template) == (method, path)]
            return cls(match, body, query, status, rows)
        found = router.find(method, path)
        if found is None or not found.verb_known:
            raise ValueError(f"the sandbox has no operation {match!r}")
        wanted = path.rstrip("/")
        rows = [row for row in requests if row.method == method and row.path.rstrip("/") == wanted]
        return cls(match, body, query, status, rows)

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests that fit, oldest first."""
        return [row for row in self._candidates if self._fits(row)]

    def once(self) -> list[LoggedRequest]:
        """Assert that it came once."""
        return self.times(1)

    def never(self) -> list[LoggedRequest]:
        """Assert that it never came."""
        return self.times(0)

    def times(self, number: int) -> list[LoggedRequest]:
        """Assert that it came so many times."""
        found = self.requests
        if len(found) != number:
            raise AssertionError(self.told(_times(number)))
        return found

    def at_least(self, number: int) -> list[LoggedRequest]:
        """Assert that it came so many times or more."""
        found = self.requests
        if len(found) < number:
            raise AssertionError(self.told(f"at least {_times(number)}"))
        return found

    def told(self, expected: str) -> str:
        """Return in words that another number of requests was expected."""
        given = {"body": self.body, "query": self.query, "status": self.status}
        conditions = [f"the {name} {value!r}" for name, value in given.items() if value is not None]
        asked = " with " + " and ".join(conditions) if conditions else ""
        text = f"{self.match}{asked} was expected {expected}, and came {_times(len(self.requests))}"
        rows = [_shown(row) for row in self._candidates[-_SHOWN:]]
        shown = "the last requests of the operation:" if rows else "the operation was not called."
        return "\n".join([f"{text}; {shown}", *rows])

    def _fits(self, row: LoggedRequest) -> bool:
        return (
            (self.status is None or row.status == self.status)
            and all(row.query.get(name, [""])[-1] == text for name, text in (self.query or {}).items())
            and (self.body is None or _holds(row.body, self.body))
        )


def _shown(row: LoggedRequest) -> str:
    query = {name: values[-1] for name, values in row.query.items()}
    parts = (
        str(row.status),
        row.path,
        f"query {query}" if query else "",
        f"body {row.body!r}" if row.raw else "",
    )
    return "  " + " ".join(filter(None, parts))


def _holds(body: Any, wanted: Any) -> bool:
    """Tell whether a body is the wanted one, or an object with at least its fields."""
    if isinstance(wanted, dict) and isinstance(body, dict):
        fields, given = cast("dict[str, Any]", wanted), cast("dict[str, Any]", body)
        return all(name in given and given[name] == value for name, value in fields.items())
    return bool(body == wanted)
