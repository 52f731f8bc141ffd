"""Opening, closing, loops, forks: one clear error in place of a hang."""

import asyncio
import gc
import subprocess
import sys
import textwrap
import warnings
import weakref

import aiohttp
import pytest

from lemlist_async import Lemlist, errors
from tests.support.clients import KEY, quick
from tests.support.project import ROOT
from tests.support.scripted import says, scripted, waits

OK = says(200, {"_id": "cam_1"})


async def test_nothing_is_opened_before_the_first_call() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Lemlist(KEY, "http://127.0.0.1:1/api")
        gc.collect()


async def test_use_after_close_is_one_clear_error() -> None:
    async with scripted(OK) as server:
        lemlist = quick(server.url)
        await lemlist.campaigns.get("cam_1")
        await lemlist.aclose()
        await lemlist.aclose()
        with pytest.raises(errors.ClosedError, match="closed"):
            await lemlist.campaigns.get("cam_1")


async def test_calls_that_wait_when_the_client_is_closed_end_with_closed_error() -> None:
    async with scripted(OK) as server:
        lemlist = Lemlist("closing-key", server.url)
        calls = [asyncio.create_task(lemlist.campaigns.get("cam_1")) for _ in range(40)]
        await asyncio.sleep(0.1)
        await lemlist.aclose()
        results = await asyncio.gather(*calls, return_exceptions=True)
    closed = [result for result in results if isinstance(result, errors.ClosedError)]
    assert len(closed) >= 20
    assert all(isinstance(one, errors.LemlistError) for one in results if isinstance(one, BaseException))


async def test_one_client_closing_leaves_the_others_of_its_key_alone() -> None:
    async with scripted(OK) as server:
        one, other = Lemlist("shared-key", server.url), Lemlist("shared-key", server.url)
        assert one.throttle is other.throttle
        calls = [asyncio.create_task(other.campaigns.get("cam_1")) for _ in range(8)]
        await asyncio.sleep(0)
        await one.aclose()
        assert len(await asyncio.gather(*calls)) == 8
        await other.aclose()


def test_another_event_loop_is_one_clear_error() -> None:
    async def first() -> Lemlist:
        async with scripted(OK) as server:
            lemlist = quick(server.url)
            await lemlist.campaigns.get("cam_1")
            await lemlist._pipeline._session.get().close()  # so that nothing stays open when the loop goes
            return lemlist

    async def second(lemlist: Lemlist) -> None:
        with pytest.raises(errors.ClosedError, match="event loop"):
            await lemlist.campaigns.get("cam_1")

    lemlist = asyncio.run(first())
    asyncio.run(second(lemlist))


def test_a_client_for_each_asyncio_run_works_with_one_throttle() -> None:
    async def once() -> int:
        async with scripted(OK) as server, Lemlist("again-key", server.url) as lemlist:
            await lemlist.campaigns.get("cam_1")
            return len(server.seen)

    assert [asyncio.run(once()), asyncio.run(once())] == [1, 1]


async def test_an_unclosed_client_warns_once_and_says_where_it_was_made() -> None:
    async with scripted(OK) as server:
        lemlist: Lemlist | None = quick(server.url)
        assert lemlist is not None
        await lemlist.campaigns.get("cam_1")
        session = lemlist._pipeline._session.get()
        connector = session.connector
        lemlist = None
        with pytest.warns(ResourceWarning) as caught:
            gc.collect()
        assert [str(one.message) for one in caught if "Lemlist made at" in str(one.message)]
        assert "clients.py" in str(caught[0].message)
        assert connector is not None
        await connector.close()


def test_use_after_a_fork_is_one_clear_error() -> None:
    script = """
        import asyncio, os, sys
        from lemlist_async import Lemlist, errors
        lemlist = Lemlist("forked-key", "http://127.0.0.1:1/api")
        async def call():
            try:
                await lemlist.team.get()
            except errors.ClosedError as error:
                print(error, flush=True)
        if os.fork() == 0:
            asyncio.run(call())
            os._exit(0)
        os.wait()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30
    )
    assert "before a fork" in done.stdout, done.stderr


@pytest.mark.parametrize("parent", ["idle", "waiting", "closed"])
def test_a_child_forked_while_the_loop_of_its_parent_runs_has_a_throttle_of_its_own(parent: str) -> None:
    """As ProcessPoolExecutor does with fork, and web servers that fork their workers."""
    script = """
        import asyncio, concurrent.futures, logging, multiprocessing, sys, warnings
        from lemlist_async import Lemlist, ThrottleOptions
        from tests.support.scripted import says, scripted
        warnings.simplefilter("ignore")  # of forks beside threads, which is what this is about
        logging.basicConfig(level=logging.ERROR)  # a task that was destroyed while it was pending would show
        OPTIONS = ThrottleOptions(limit=2, window=30, scope="process")

        def client(url):
            return Lemlist("forked-key", url, throttle=OPTIONS)

        async def use(url):
            async with client(url) as lemlist:
                return (await lemlist.team.get()).id

        def work(url):
            return asyncio.run(asyncio.wait_for(use(url), 10))

        async def main():
            fork = multiprocessing.get_context("fork")
            async with scripted(says(200, {"_id": "tea_1"})) as server, client(server.url) as lemlist:
                await lemlist.team.get()
                waiting = []
                if sys.argv[1] == "waiting":
                    waiting = [asyncio.create_task(lemlist.team.get()) for _ in range(3)]
                    await asyncio.sleep(0.1)
                if sys.argv[1] == "closed":
                    await lemlist.aclose()
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=fork) as pool:
                    child = asyncio.get_running_loop().run_in_executor(pool, work, server.url)
                    print("child:", await child, flush=True)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), parent],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("child: tea_1\n", "")


def test_a_child_forked_while_a_thread_reads_a_lazy_field_reads_its_own() -> None:
    script = """
        import os, signal, threading, warnings
        from lemlist_async.core import lazy
        from lemlist_async.core.decode import decoder
        from lemlist_async.resources.campaigns import Campaign
        warnings.simplefilter("ignore")  # of forks beside threads, which is what this is about
        campaign = decoder(Campaign)({"_id": "cam_1", "creator": {"userId": "usr_1"}}, {})
        held, over = threading.Event(), threading.Event()
        def read():
            with lazy._reading:
                held.set()
                over.wait()
        thread = threading.Thread(target=read)
        thread.start()
        held.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            print(campaign.creator.user_id, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        over.set()
        thread.join()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "usr_1\n", done.stderr


async def test_a_borrowed_session_that_was_closed_is_one_clear_error() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    async with Lemlist(KEY, "http://127.0.0.1:1/api", session=session) as lemlist:
        with pytest.raises(errors.ClosedError, match="given"):
            await lemlist.team.get()


@pytest.mark.parametrize("steps", range(1, 14))
async def test_a_call_cancelled_at_any_step_leaks_nothing(steps: int) -> None:
    """The task is cancelled at its first, second, third … turn of the loop; then a call has to go through."""
    async with scripted(waits(0.01, OK)) as server, quick(server.url, max_body=2048) as lemlist:
        await lemlist.campaigns.get("cam_1")
        call = asyncio.create_task(lemlist.campaigns.get("cam_1"))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert lemlist.throttle.in_flight <= 1  # what was written counts until a window after the abort
        connector = lemlist._pipeline._session.get().connector
        assert connector is not None
        assert not connector._acquired
        assert (await lemlist.campaigns.get("cam_1")).id == "cam_1"
    assert len(asyncio.all_tasks()) == 1


async def test_a_client_that_is_dropped_frees_its_throttle_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        lemlist = Lemlist("k", "http://127.0.0.1:1")
        pipeline = weakref.ref(lemlist._pipeline)
        del lemlist
        assert pipeline() is None
    finally:
        gc.enable()
