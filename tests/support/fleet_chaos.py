"""A fleet of real processes on a real server, and the harm that is done to it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import psycopg

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople, ImportLeads, Job
from lemlist_async.fleet import FleetJob, Jobs, submit
from lemlist_async.sandbox import Reset, Sandbox, gateway, lost_response
from tests.support.postgres import restart
from tests.support.project import ROOT

WORKER = ROOT / "tests" / "support" / "fleet_worker.py"
CREATE = "POST /campaigns/{campaignId}/leads/"


class Wire:
    """Proxy between the workers and the server, which cuts connections at the worst moment.

    A cut lets a statement through, and closes both sides before its answer arrives: the transaction was committed, and
    its worker cannot know.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._cuts = 0
        self.made = 0
        """Cuts that were made."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Cut the next connection over which a worker marks rows or writes outcomes."""
        self._cuts += 1

    async def stop(self) -> None:
        """Close."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                there, back = await asyncio.open_unix_connection(self._socket)
                doomed = asyncio.Event()
                try:
                    await asyncio.wait(
                        [
                            asyncio.ensure_future(self._there(reader, back, doomed)),
                            asyncio.ensure_future(self._back(there, writer, doomed)),
                        ],
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    back.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _there(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while data := await _read(reader):
            if self._cuts and b"lemlist_write_v1" in data:
                self._cuts -= 1
                self.made += 1
                doomed.set()
            with contextlib.suppress(OSError):
                writer.write(data)

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while data := await _read(reader):
            if doomed.is_set():
                return  # the statement is done, and its answer is lost
            with contextlib.suppress(OSError):
                writer.write(data)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read what is there; nothing from a connection that is gone."""
    try:
        return await reader.read(65536)
    except OSError:
        return b""


@attrs.define
class Fleet:
    """Workers of one database and one sandbox."""

    server: Any
    database: str
    sandbox: Sandbox
    wire: Wire
    url: str
    """Address of the database by the wire."""
    lease: float
    limit: int
    workers: list[asyncio.subprocess.Process] = attrs.field(factory=list[asyncio.subprocess.Process])
    harm: Counter[str] = attrs.field(factory=Counter[str])

    @classmethod
    @contextlib.asynccontextmanager
    async def run(
        cls, server: Any, database: str, sandbox: Sandbox, *, workers: int, lease: float, limit: int = 400
    ) -> AsyncIterator[Fleet]:
        """Run so many workers for the block."""
        folder = parse_qs(urlsplit(database).query)["host"][0]
        wire = Wire(f"{folder}/.s.PGSQL.5432")
        port = await wire.start()
        name = urlsplit(database).path
        fleet = cls(
            server, database, sandbox, wire, f"postgresql://postgres@127.0.0.1:{port}{name}", lease, limit
        )
        try:
            await asyncio.gather(*(fleet.add() for _ in range(workers)))
            yield fleet
        finally:
            for process in fleet.workers:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await asyncio.gather(*(process.wait() for process in fleet.workers))
            await wire.stop()

    async def add(self) -> None:
        """Start a worker."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(WORKER), self.url, self.sandbox.url, str(self.lease), str(self.limit),
            stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readline()
        self.workers.append(process)

    # Harm ----------------------------------------------------------------------------------------------

    async def kill(self, chance: random.Random) -> None:
        """Kill a worker, and start another one."""
        process = self.workers.pop(chance.randrange(len(self.workers)))
        process.kill()
        await process.wait()
        self.harm["SIGKILL"] += 1
        await self.add()

    async def stop(self, chance: random.Random) -> None:
        """Stop a worker for longer than its lease, while the others go on."""
        process = chance.choice(self.workers)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.lease + 1 + chance.random())
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        self.harm["SIGSTOP"] += 1

    async def restart(self, chance: random.Random) -> None:
        """Restart the server, as after a loss of power or by its operator."""
        mode = chance.choice(["immediate", "fast"])
        await asyncio.to_thread(restart, self.server, mode)
        self.harm[f"restart {mode}"] += 1

    async def cut(self, chance: random.Random) -> None:
        """Cut a connection in the middle of a transaction that writes marks or outcomes."""
        del chance
        before = self.wire.made
        self.wire.cut()
        until = time.monotonic() + 20
        while self.wire.made == before and time.monotonic() < until:  # noqa: ASYNC110  # a worker decides when
            await asyncio.sleep(0.02)
        self.harm["cut"] += self.wire.made > before

    # Jobs ----------------------------------------------------------------------------------------------

    async def submit(self, key: str, job: Job, rows: Sequence[Any], name: str) -> None:
        """Hand a job over."""
        async with Lemlist(key, self.sandbox.url) as lemlist:
            await submit(lemlist, job, rows, to=self.database, name=name, tenant=key)

    async def jobs(self) -> Sequence[FleetJob]:
        """Return all jobs."""
        while True:
            try:
                async with Jobs.at(self.database) as jobs:
                    return await jobs.all()
            except psycopg.OperationalError:  # the server restarts
                await asyncio.sleep(0.1)

    async def finish(self, seconds: float) -> Sequence[FleetJob]:
        """Wait until all jobs are finished or given up.

        Raises:
            TimeoutError: they are not after so long.
        """
        async with asyncio.timeout(seconds):
            while any(job.phase in {"waiting", "running"} for job in await self.jobs()):  # noqa: ASYNC110  # of other processes
                await asyncio.sleep(0.2)
        return await self.jobs()


@attrs.define
class Import:
    """An import of leads, and what the sandbox holds of it."""

    key: str
    campaign: str
    emails: list[str]

    def held(self, sandbox: Sandbox) -> Counter[str]:
        """Return how often the campaign holds each address."""
        return Counter(
            lead["variables"]["email"]
            for lead in sandbox.team(self.key).leads.values()
            if lead["campaignId"] == self.campaign
        )


async def imports(fleet: Fleet, keys: Sequence[str], jobs: int, rows: int) -> list[Import]:
    """Submit so many imports of so many rows each, over all keys in turn."""
    made: list[Import] = []
    for number in range(jobs):
        key = keys[number % len(keys)]
        campaign = fleet.sandbox.team(key).add_campaign(name=f"C{number}")["_id"]
        emails = [f"p{number}-{n}@example.com" for n in range(rows)]
        await fleet.submit(
            key, ImportLeads(campaign_id=campaign), [{"email": email} for email in emails], f"import-{number}"
        )
        made.append(Import(key, campaign, emails))
    return made


async def enrichment(fleet: Fleet, key: str, rows: int, name: str) -> list[str]:
    """Submit people to be found for credits: a row that was submitted twice would be paid for twice."""
    fleet.sandbox.team(key).credits["paid"] = 100_000
    pages = [f"https://www.linkedin.com/in/{name}-{n}" for n in range(rows)]
    job = EnrichPeople(find=["find_email"])
    await fleet.submit(key, job, [{"linkedin": page} for page in pages], name)
    return pages


def lose_answers(sandbox: Sandbox, probability: float) -> None:
    """Lose or damage so many answers to the creation of a lead, in each of four ways."""
    for fault in (lost_response(), gateway(502, effect=True), gateway(502), Reset()):
        sandbox.faults.add(fault, match=CREATE, times=None, probability=probability)
