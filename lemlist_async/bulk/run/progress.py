"""Progress of a run, and its report at the end."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping

import attrs

from lemlist_async.bulk.forecast import Forecast, seconds_at_limit
from lemlist_async.bulk.jobs.job import REPEATED, SKIPPED, State
from lemlist_async.throttle import Throttle

_SPAN = 10.0
"""Seconds that rates are taken over."""


@attrs.frozen(kw_only=True)
class Step:
    """One part of a run, such as sending, or fetching results."""

    name: str
    total: int
    """Rows that go through it; more may be added by the step before."""
    done: int


@attrs.frozen(kw_only=True)
class Progress:
    """State of a run in numbers."""

    total: int
    """Rows this run set out to do."""
    done: int
    """Rows it is through with, whatever came of them."""
    seconds: float
    """Since it began."""
    rate: float
    """Rows a second, over the last 10 s."""
    eta: float | None
    """Seconds until the end, at that rate and within the limit; None while it is not known."""
    quota: float
    """Share of the key's quota that was used over the last 10 s, from 0 to 1."""
    steps: tuple[Step, ...] = ()
    """Its parts in order, those left out that have nothing to do."""


@attrs.frozen(kw_only=True)
class Report:
    """Summary of a run; the journal has each row."""

    rows: int
    done: Mapping[str, int]
    """Rows done in this run or an earlier one of the same journal, by what was done: ``{"created": 120}``."""
    repeated: int
    """The same as an earlier row of the source, so never sent."""
    skipped: int = 0
    """With all that the job is to bring, so never sent."""
    refused: int
    """Not valid, so never sent."""
    failed: int
    """lemlist said no."""
    unknown: int
    """Rows that may have been done, with no way to find out."""
    left: int
    """Still to be sent, or without a result yet: the run was stopped."""
    calls: int
    """Requests on the wire, repeats included."""
    rate_limited: int
    """Answers of 429."""
    retries: int
    """Requests that were sent again."""
    confirmed: int
    """Rows whose response was lost, and which a look-up found done."""
    seconds: float
    seconds_at_limit: float
    """The least time that the limit allows for so many calls."""

    @property
    def created(self) -> int:
        """Rows that made something new."""
        return self.done.get("created", 0)

    @property
    def duplicates(self) -> int:
        """Rows that lemlist had already, or that were in the source before."""
        return self.done.get("duplicate", 0) + self.repeated

    @property
    def complete(self) -> bool:
        """Whether every row is done or was there already."""
        return not (self.refused or self.failed or self.unknown or self.left)


@attrs.frozen
class _Mark:
    """Counters at an instant, to take rates from."""

    at: float
    rows: int
    grants: int


class Meter:
    """Counts rows and calls while a run goes."""

    def __init__(self, throttle: Throttle, forecast: Forecast, *, follows: bool) -> None:
        self._throttle = throttle
        self._before = throttle.stats
        self._done = 0
        self._follows = follows
        self._plan_for(forecast)
        self._marks: deque[_Mark] = deque()
        self._started: float | None = None
        self._ended: float | None = None

    def _plan_for(self, forecast: Forecast) -> None:
        self._total = forecast.to_send + forecast.ambiguous + forecast.pending
        self._steps: dict[str, list[int]] = {
            "send": [forecast.to_send, 0],
            "look up": [forecast.ambiguous, 0],
            "results": [forecast.pending + (forecast.to_send if self._follows else 0), 0],
        }

    def start(self, forecast: Forecast) -> None:
        """Begin to count, with the work of the forecast."""
        self._plan_for(forecast)
        self._started = time.monotonic()
        self._marks.append(_Mark(self._started, 0, self._before.grants))

    def end(self) -> None:
        """Stop the clock."""
        # a report that is read later must not count the time since the end
        self._ended = time.monotonic()

    def passed(self, step: str, *, through: int, pending: int = 0, ambiguous: int = 0) -> None:
        """Count rows that went through a step: `through` have their outcome, `ambiguous` are to be looked up."""
        results = self._steps["results"]
        if step == "results":
            results[1] += through
        elif step == "look up":
            self._steps[step][1] += through + pending
        else:
            self._steps[step][1] += through + pending + ambiguous
            self._steps["look up"][0] += ambiguous
        if step == "send" and self._follows:
            results[0] -= through  # these had their outcome when they were sent: there is no result to fetch
        self._done += through
        now = time.monotonic()
        # twice a second: a mark for each of many quick rows would only cost memory
        if now - self._marks[-1].at >= 0.5:
            self._marks.append(_Mark(now, self._done, self._throttle.stats.grants))

    @property
    def progress(self) -> Progress:
        """Return the state of the run now."""
        now = self._ended or time.monotonic()
        rate, calls = self._rates(now)
        return Progress(
            total=self._total,
            done=self._done,
            seconds=now - self._started if self._started is not None else 0.0,
            rate=rate,
            eta=self._eta(rate),
            quota=min(1.0, calls * self._throttle.window / self._throttle.limit),
            steps=tuple(
                Step(name=name, total=total, done=done)
                for name, (total, done) in self._steps.items()
                if total
            ),
        )

    def _eta(self, rate: float) -> float | None:
        """Return the seconds for the rows that are left: at the rate of the last seconds, and never below the limit.

        A run begins with a burst, since the quota of a whole window is free: its rate alone would promise too much.
        """
        if not rate:
            return None
        left = self._total - self._done
        calls = self._throttle.stats.grants - self._before.grants
        at_limit = (
            left * (calls / self._done) * self._throttle.window / self._throttle.limit if self._done else 0.0
        )
        return max(left / rate, at_limit)

    def _rates(self, now: float) -> tuple[float, float]:
        """Return the rows and calls per second of the last seconds."""
        while len(self._marks) > 1 and self._marks[0].at < now - _SPAN:
            self._marks.popleft()
        if not self._marks or now <= self._marks[0].at:
            return 0.0, 0.0
        first, span = self._marks[0], now - self._marks[0].at
        return (self._done - first.rows) / span, (self._throttle.stats.grants - first.grants) / span

    def report(self, counts: Counter[tuple[str, str]], *, retries: int, confirmed: int) -> Report:
        """Return the summary, by the counters of the journal."""
        by_state: Counter[str] = Counter()
        for (state, _), count in counts.items():
            by_state[state] += count
        stats, before = self._throttle.stats, self._before
        # the throttle serves all users of the key, and counts permissions that were given back
        calls = stats.grants - before.grants - (stats.returned - before.returned)
        repeated, skipped = counts[State.REFUSED, REPEATED], counts[State.REFUSED, SKIPPED]
        return Report(
            rows=sum(counts.values()),
            done={what: count for (state, what), count in sorted(counts.items()) if state == State.DONE},
            repeated=repeated,
            skipped=skipped,
            refused=by_state[State.REFUSED] - repeated - skipped,
            failed=by_state[State.FAILED],
            unknown=by_state[State.UNKNOWN],
            left=by_state[State.NEW] + by_state[State.SENT] + by_state[State.PENDING],
            calls=calls,
            rate_limited=stats.refusals - before.refusals,
            retries=retries,
            confirmed=confirmed,
            seconds=self.progress.seconds,
            seconds_at_limit=seconds_at_limit(calls, self._throttle.limit, self._throttle.window),
        )
