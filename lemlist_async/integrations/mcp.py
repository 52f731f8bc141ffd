"""MCP server: four tools with which a language model searches, reads and, if it is allowed to, changes lemlist.

    async with Lemlist() as lemlist:
        await make_server(lemlist).run_stdio_async()

Every operation of the client can be reached, by the same key and the same limit. Reading is told from changing by the
effect of the call and not by its verb, and decided when the call is about to be sent. Needs the extra ``mcp``.
"""

from __future__ import annotations

import base64
import difflib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, TypeGuard, TypeVar, get_type_hints

from lemlist_async.client import Lemlist
from lemlist_async.core.json import dumps
from lemlist_async.core.model import unstructure
from lemlist_async.core.wire import Call, Effect
from lemlist_async.errors import InvalidInputError, LemlistError
from lemlist_async.pagination import Pages
from lemlist_async.resources._base import Resource
from lemlist_async.resources._csv import CsvFile

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError as _missing:
    raise ImportError(
        "lemlist_async.integrations.mcp needs the extra mcp: pip install 'lemlist-async[mcp]'"
    ) from _missing

T = TypeVar("T")
Method = Callable[..., Any]

FOUND = 12
"""Operations that one search lists at most."""
ROWS = 100
"""Rows of an export that are given at most; a list gives its first page."""
_INSTRUCTIONS = (
    "search finds operations of the lemlist API, describe tells their arguments. read runs those that change "
    "nothing, change the others. Calls wait for lemlist's limit of 20 requests in 2 seconds by themselves."
)


class ReadOnly(Lemlist):
    """View of a client that sends nothing which changes something."""

    @classmethod
    def view(cls, lemlist: Lemlist) -> ReadOnly:
        """Return a view that shares connections, throttle and options."""
        return cls.of(lemlist._pipeline, lemlist._base, lemlist._options)  # pyright: ignore[reportPrivateUsage]  # of the class above

    def send(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Run a call that changes nothing.

        Raises:
            InvalidInputError: it would change something.
        """
        if call.effect is not Effect.READ:
            raise InvalidInputError("it changes something: use the tool change", operation=call.operation)
        return super().send(call)


def make_server(lemlist: Lemlist, *, changes: bool = False) -> MCPServer:
    """Return the server of a client. Without `changes` the tool that changes something is not offered."""
    server: MCPServer = MCPServer("lemlist", instructions=_INSTRUCTIONS)
    reading, changing = operations(ReadOnly.view(lemlist)), operations(lemlist)

    @server.tool()
    def search(words: str) -> str:
        """Find operations by words, such as "pause lead"."""
        return "\n".join(f"{name}: {_sentence(method)}" for name, method in _matching(reading, words))

    @server.tool()
    def describe(operation: str) -> str:
        """Arguments of an operation, such as leads.create."""
        method = _named(reading, operation)
        return f"{operation}{inspect.signature(method)}\n\n{inspect.getdoc(method)}"

    @server.tool()
    async def read(operation: str, arguments: dict[str, Any] | None = None) -> str:
        """Run an operation that changes nothing."""
        return await _answer(_named(reading, operation), arguments or {})

    if changes:

        @server.tool()
        async def change(operation: str, arguments: dict[str, Any] | None = None) -> str:
            """Run any operation. Ask the user first."""
            return await _answer(_named(changing, operation), arguments or {})

    return server


def operations(lemlist: Lemlist) -> dict[str, Method]:
    """Return the methods of all areas by name, ``leads.create``."""
    areas = {
        name: getattr(lemlist, name)
        for name, member in vars(Lemlist).items()
        if isinstance(member, functools.cached_property)
    }
    return {
        f"{area}.{name}": getattr(resource, name)
        for area, resource in areas.items()
        if isinstance(resource, Resource)
        for name, member in vars(type(resource)).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }


def _named(methods: Mapping[str, Method], name: str) -> Method:
    if name not in methods:
        near = ", ".join(difflib.get_close_matches(name, methods, 3, 0.4))
        raise ToolError(
            f"there is no operation {name!r}: find one with search; close to it: {near or 'none'}"
        )
    return methods[name]


def _matching(methods: Mapping[str, Method], words: str) -> list[tuple[str, Method]]:
    """Return the methods in which most of the words stand: in the name, in the first sentence, anywhere else."""
    # words such as "of" stand everywhere; the ends of words tell forms of one
    wanted = [word[: max(4, len(word) - 2)] for word in words.lower().split() if len(word) > 2]

    def rank(item: tuple[str, Method]) -> int:
        name, sentence = item[0].lower(), _sentence(item[1]).lower()
        whole = (inspect.getdoc(item[1]) or "").lower()
        return sum(4 * (word in name) + 2 * (word in sentence) + (word in whole) for word in wanted)

    found = sorted(methods.items(), key=rank, reverse=True)
    return [item for item in found if rank(item)][:FOUND]


def _sentence(method: Method) -> str:
    return " ".join((inspect.getdoc(method) or "").partition("\n\n")[0].split())


async def _answer(method: Method, arguments: Mapping[str, Any]) -> str:
    """Call a method with arguments by name, and return its result as JSON.

    Raises:
        ToolError: the arguments do not fit, or lemlist refuses them; the text says why.
    """
    try:
        return await _result(method, arguments)
    except (LemlistError, TypeError, ValueError) as error:
        advice = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
        raise ToolError(f"{type(error).__name__}: {error}{advice}") from error


async def _result(method: Method, arguments: Mapping[str, Any]) -> str:
    args, keywords = _bound(method, arguments)
    made = method(*args, **keywords)
    if isinstance(made, CsvFile):
        return _json([row async for row in _first(made, ROWS)])
    if _is_list(made):
        page = await made
        return _json({"items": unstructure(page.items), "total": page.total, "next": page.next})
    return _json(unstructure(await made if inspect.isawaitable(made) else made))


def _is_list(made: object) -> TypeGuard[Pages[Any]]:
    return isinstance(made, Pages)


def _bound(method: Method, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments as Python takes them: files come as base64."""
    keywords, args = dict(arguments), list[Any]()
    hints = get_type_hints(method)
    for parameter in inspect.signature(method).parameters.values():
        if parameter.name in keywords and hints.get(parameter.name) is bytes:
            keywords[parameter.name] = base64.b64decode(keywords[parameter.name], validate=True)
        if parameter.kind is parameter.VAR_POSITIONAL and parameter.name in keywords:
            args += keywords.pop(parameter.name)
    return args, keywords


async def _first(export: CsvFile, most: int) -> AsyncIterator[dict[str, str]]:
    count = 0
    async for row in export:
        yield row
        count += 1
        if count >= most:
            return


def _json(value: Any) -> str:
    return dumps(value, default=str).decode()
