"""Worker of a fleet: takes jobs from the queue, carries them on, and takes over those of workers that died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, LiteralString

import attrs
import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status

from lemlist_async.bulk.journal.address import without_password
from lemlist_async.bulk.journal.postgres_server import Server
from lemlist_async.errors import ConfigurationError, LemlistError
from lemlist_async.fleet.carrier import Carried, Carrier, End, RunOptions, ended
from lemlist_async.fleet.engine import CARRY_ON, QUEUE, enqueue, make_app
from lemlist_async.fleet.keys import DEFAULT_TENANT, environment_key
from lemlist_async.fleet.schedules import Scheduled
from lemlist_async.fleet.setup import set_up
from lemlist_async.options import Options
from lemlist_async.pool import KeySource, LemlistPool
from lemlist_async.throttle import ThrottleOptions

DRAIN = 4.0
"""Seconds for which a worker that is asked to end finishes what is in flight."""
_RESTART = 1.0
"""Seconds until the engine is started again after its database was away."""

_WANTED: LiteralString = "SELECT wanted, tenant FROM lemlist_jobs WHERE name = %(job)s"
# a worker that was replaced has nothing to say about the job
_NOTE: LiteralString = """
UPDATE lemlist_jobs SET wanted = %(wanted)s, trouble = %(trouble)s
WHERE name = %(job)s AND wanted AND (lease_until IS NULL OR lease_until <= clock_timestamp())
"""
# jobs of which the queue has lost sight: their worker died, or they were asked for by the flag alone
_ORPHANS: LiteralString = """
SELECT name FROM lemlist_jobs AS j
WHERE wanted AND meta->>'planned' = '1' AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS q WHERE q.status IN ('todo', 'doing') AND q.lock = 'lemlist:' || j.name
    )
"""
_UNWANTED: LiteralString = "SELECT name FROM lemlist_jobs WHERE name = ANY(%(jobs)s) AND NOT wanted"

_log = logging.getLogger("lemlist_async.fleet")


@attrs.frozen(kw_only=True)
class WorkerOptions:
    """Options of a worker."""

    jobs: int = 20
    """Jobs that run at a time, from 1."""
    sweep_every: float = 5.0
    """Seconds between two looks for jobs of workers that died."""
    stalled_after: float = 15.0
    """Seconds without a sign of life after which the queue hands the jobs of a worker out again."""
    scope: str = "auto"
    """Sharing of each key's limit with other workers; see `ThrottleOptions`."""
    runs: RunOptions = attrs.field(factory=RunOptions)

    def __attrs_post_init__(self) -> None:
        if self.jobs < 1 or self.sweep_every <= 0 or self.stalled_after <= 0:
            raise ConfigurationError("a worker runs at least 1 job, and its times are above 0")


class Worker:
    """A worker: `await run()` carries jobs on until `stop`.

    Args:
        url: Database of the fleet.
        key_of: Async function that returns the key of a tenant, or None; by default the environment has the keys.
        options: How many jobs, and how they run.
        base_url: Address of the API, as for `Lemlist`.
        client_options: Deadlines, retries and time-outs of all clients.
        throttle: Limit of each key, in place of `WorkerOptions.scope`.
    """

    def __init__(
        self,
        url: str,
        key_of: KeySource = environment_key,
        *,
        options: WorkerOptions | None = None,
        base_url: str | None = None,
        client_options: Options | None = None,
        throttle: ThrottleOptions | None = None,
    ) -> None:
        self._url = url
        self._options = options or WorkerOptions()
        self.pool: LemlistPool = LemlistPool(
            key_of,
            base_url=base_url,
            options=client_options,
            throttle=throttle or ThrottleOptions(scope=self._options.scope),
        )
        self._carrier = Carrier(url, self.pool, self._options.runs)
        self._stopping = asyncio.Event()
        self.app: procrastinate.App = make_app(url)
        """Engine of the worker, for tasks of your own: add them before `run`."""
        self.app.task(name=CARRY_ON, queue=QUEUE)(self._task)

    def schedule(
        self, cron: str, name: str, work: Scheduled, *, tenants: Sequence[str] = (DEFAULT_TENANT,)
    ) -> None:
        """Do work for each tenant at the times of a cron expression (UTC), by one worker of the fleet.

        All workers are given the same schedules. Work of a worker that dies is begun again by another one, so it must
        be able to be done twice. An error of one tenant is logged, and keeps nothing from the others.

        Raises:
            ConfigurationError: no cron expression.
        """

        async def run(timestamp: int) -> None:
            del timestamp
            for tenant in tenants:
                try:
                    await work(await self.pool.client(tenant), tenant)
                except Exception as error:  # noqa: BLE001  # code of the user, which may raise anything
                    _log.warning(
                        "%s of %s: %s", name, tenant, error, exc_info=not isinstance(error, LemlistError)
                    )

        task = self.app.task(
            name=f"lemlist_async.schedule.{name}", queue=QUEUE, lock=f"lemlist-schedule:{name}"
        )(run)
        self.app.periodic(cron=cron, periodic_id=name)(task)
        registry: Any = self.app.periodic_registry
        try:
            _ = registry.periodic_tasks[task.name, name].croniter  # read by the engine at its first use only
        except ValueError as error:
            raise ConfigurationError(f"{cron!r} is no cron expression: {error}") from None

    def stop(self) -> None:
        """Take no more jobs, finish the rows in flight within `DRAIN` seconds, and hand the jobs over."""
        self._stopping.set()

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Generator[None]:
        """Have SIGTERM and SIGINT stop the worker."""
        loop, installed = asyncio.get_running_loop(), list[signal.Signals]()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, self.stop)
                installed.append(number)
        try:
            yield
        finally:
            for number in installed:
                loop.remove_signal_handler(number)

    async def run(self, ready: Callable[[], object] = lambda: None) -> None:
        """Carry jobs on until `stop` is called; `ready` is called once the database was reached.

        Raises:
            JournalError: the tables are those of a newer version.
            psycopg.Error: the database is away when the worker starts, or its tables may not be made.
        """
        await set_up(self._url)
        # kept as long as the worker lives: between two jobs its connections stay
        server = Server.of(self._url)
        try:
            async with self.pool:
                engine = asyncio.create_task(self._engine(), name="engine")
                _log.info("worker of %s: up to %d jobs", without_password(self._url), self._options.jobs)
                ready()
                try:
                    await self._stopping.wait()
                finally:
                    # at once: the queue takes no more jobs, and waits for those whose runs are drained
                    await asyncio.gather(ended(engine), self._carrier.drain(DRAIN))
        finally:
            server.release()

    # The engine ----------------------------------------------------------------------------------------

    async def _engine(self) -> None:
        """Run procrastinate, and start it again whenever its database was away."""
        while True:
            try:
                async with self.app.open_async():
                    await self._serve()
            except (ConnectorException, psycopg.Error, OSError) as error:
                _log.warning("the queue is away: %s", error)
            await asyncio.sleep(_RESTART)

    async def _serve(self) -> None:
        tasks = [
            asyncio.create_task(self._every(self._options.sweep_every, self._sweep), name="sweep"),
            asyncio.create_task(
                self.app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._options.jobs,
                    install_signal_handlers=False,
                    # the runs end by `drain`, and otherwise go on without the queue
                    shutdown_graceful_timeout=DRAIN + 0.5,
                    update_heartbeat_interval=self._options.stalled_after / 3,
                    stalled_worker_timeout=self._options.stalled_after,
                    fetch_job_polling_interval=self._options.sweep_every,
                    delete_jobs=DeleteJobCondition.ALWAYS,
                ),
                name="queue",
            ),
        ]
        try:
            # the engine ends by itself when its connection breaks
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _every(self, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            await do()
            await asyncio.sleep(seconds)

    async def _task(self, job: str) -> None:
        """Carry a job on, and tell the queue what is due next."""
        found = await self._query(_WANTED, job=job)
        if not found or not found[0]["wanted"]:
            return
        carried = await self._carrier.carry_on(job, found[0]["tenant"] or DEFAULT_TENANT)
        await self._note(job, carried)

    async def _note(self, job: str, carried: Carried) -> None:
        over = carried.end in (End.FINISHED, End.GIVEN_UP)
        await self._query(_NOTE, job=job, wanted=not over, trouble=carried.trouble or None)
        if not over:
            await enqueue(self.app, job, seconds=carried.seconds)

    # Sweeps --------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Hand out again what workers that died have left, and stop what is no longer wanted."""
        stalled = await self.app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=self._options.stalled_after
        )
        for job in stalled:
            if job.task_name != CARRY_ON:
                with contextlib.suppress(ConnectorException):
                    await self.app.job_manager.retry_job(job)
                continue
            # Removed, and put into the queue again as an orphan: it may wait there already, since a worker asks for
            # the next attempt before its task ends, and the engine refuses to have a job wait twice. Of several
            # workers that see it, one is first.
            with contextlib.suppress(ConnectorException):
                await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        for orphan in await self._query(_ORPHANS):
            await enqueue(self.app, orphan["name"])
        for unwanted in await self._query(_UNWANTED, jobs=self._carrier.jobs):
            self._carrier.stop(unwanted["name"])

    async def _query(self, statement: LiteralString, **values: Any) -> list[dict[str, Any]]:
        connector: Any = self.app.connector
        async with connector.pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
