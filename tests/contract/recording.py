"""A client that sends nothing: it shows the call that a method makes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn, TypeVar

import attrs

from lemlist_async import Call, Effect, Lemlist, Pages
from lemlist_async.resources._csv import CsvFile

T = TypeVar("T")


class RecordedError(Exception):
    """Carries the call out."""

    def __init__(self, call: Call[Any]) -> None:
        super().__init__(call.operation)
        self.call = call


class Recorder(Lemlist):
    """Raises each call instead of sending it."""

    async def send(self, call: Call[T]) -> NoReturn:
        raise RecordedError(call)

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise RecordedError(call)


@attrs.frozen
class Row:
    """Wire view of one method: its request and result."""

    wire: str
    """Verb and path template, as in the vendor's document."""
    name: str
    """The method, ``leads.create``."""
    effect: Effect
    make: Callable[[Lemlist], Any] = attrs.field(repr=False)
    """Calls it with every argument it has."""
    query: str = ""
    """Names in the query, sorted."""
    body: str = ""
    """Names in the body, sorted: ``filters[].in`` for what is inside."""


async def call_of(row: Row) -> Call[Any]:
    """The call that a row's method makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            made = row.make(Recorder("a-key", "http://localhost:1"))
            if isinstance(made, CsvFile):
                made.stream()
            elif inspect.iscoroutine(made) or isinstance(made, Pages):
                await made
        except RecordedError as recorded:
            return recorded.call
    raise AssertionError(f"{row.name} sent nothing")


def names_in(value: Any, prefix: str = "") -> Iterator[str]:
    """The names of a JSON value, down to its leaves."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from names_in(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = [name for inner in value for name in names_in(inner, f"{prefix}[]")]
        yield from dict.fromkeys(name.removesuffix("[]") for name in items) or [prefix]
    else:
        yield prefix


def query_names(call: Call[Any]) -> str:
    """The names in a call's query, sorted."""
    return " ".join(sorted({name for name, _ in call.query}))


def body_names(call: Call[Any]) -> str:
    """The names in a call's body, sorted."""
    return "" if call.body is None else " ".join(sorted(set(names_in(call.body))))
