"""Asking again until something is ready, and asking several things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from lemlist_async.errors import DeadlineExceededError, InvalidInputError

T = TypeVar("T")
K = TypeVar("K")


async def poll(
    ask: Callable[[], Awaitable[T]], ready: Callable[[T], bool], *, every: float, timeout: float
) -> T:
    """Poll every `every` seconds, for at most `timeout` seconds, until the response is ready.

    Raises:
        DeadlineExceededError: it was not ready in time; it goes on at lemlist's all the same.
        InvalidInputError: `every` is not positive.
    """
    if every <= 0:
        raise InvalidInputError(f"every must be a positive number of seconds, not {every!r}")
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout
    while not ready(found := await ask()):
        if loop.time() + every > until:
            raise DeadlineExceededError(
                f"not ready after {timeout:g} s; it goes on at lemlist's", phase="backoff"
            )
        await asyncio.sleep(every)
    return found


async def each(ask: Callable[[K], Awaitable[T]], keys: Iterable[K], *, at_once: int) -> list[T]:
    """Return the results in the order of `keys`, with at most `at_once` calls at a time; the first error ends all."""
    gate = asyncio.Semaphore(at_once)

    async def one(key: K) -> T:
        async with gate:
            return await ask(key)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(key)) for key in keys]
    except BaseExceptionGroup as failed:
        # callers catch LemlistError, not groups of it
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
