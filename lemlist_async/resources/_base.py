"""Base class of all areas: from the arguments of a method to a Call, or to a list of pages."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar, cast, get_origin, overload

import attrs

from lemlist_async.core.decode import decoder
from lemlist_async.core.model import Model, model
from lemlist_async.core.names import hints_of
from lemlist_async.core.payload import Payload, encode, query_value
from lemlist_async.core.validation import Between, check_flat, check_number, texts
from lemlist_async.core.wire import (
    Call,
    Decode,
    Effect,
    NoIdError,
    ShapeError,
    UnexpectedTypes,
    Upload,
    is_object,
)
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Cursor, Page, Pages, Scheme, goes_on, read_totals, rows_of

T = TypeVar("T")

READ, IDEMPOTENT, DEDUPABLE, UNSAFE = Effect.READ, Effect.IDEMPOTENT, Effect.DEDUPABLE, Effect.UNSAFE
NOTHING = Payload()


@model
class Done(Model):
    """Response of an operation that returns no data."""

    ok: bool | None = None


class Sender(Protocol):
    """Client as a resource sees it."""

    def send(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Run a call to its result."""
        ...

    def changes(self, paths: tuple[str, ...]) -> int:
        """Count the calls other than reads to paths that begin with one of `paths`."""
        ...

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Run a call, and stream its body."""
        ...


class Resource:
    """One area of the API, as an attribute of `Lemlist`."""

    def __init_subclass__(cls) -> None:
        for name, method in vars(cls).items():
            if not name.startswith("_") and inspect.isfunction(method):
                _list_fields(method)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        area = type(self).__module__.rpartition(".")[2]
        return f"<lemlist.{area} of {self._sender!r}>"

    @overload
    def _call(
        self, method: str, into: type[T], path: str, *ids: str, effect: Effect = ..., payload: Payload = ...,
        body: Any = ..., under: str | None = ..., upload: Upload | None = ..., plan_limited: bool = ...,
        verify: str | None = ..., acts_on: str | None = ...,
    ) -> Coroutine[Any, Any, T]: ...  # fmt: skip
    @overload
    def _call(
        self, method: str, into: None, path: str, *ids: str, effect: Effect = ..., payload: Payload = ...,
        body: Any = ..., under: str | None = ..., upload: Upload | None = ..., plan_limited: bool = ...,
        verify: str | None = ..., acts_on: str | None = ...,
    ) -> Coroutine[Any, Any, None]: ...  # fmt: skip
    def _call(
        self,
        method: str,
        into: Any,
        path: str,
        *ids: str,
        effect: Effect = READ,
        payload: Payload = NOTHING,
        body: Any = None,
        under: str | None = None,
        upload: Upload | None = None,
        plan_limited: bool = False,
        verify: str | None = None,
        acts_on: str | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Send one operation.

        `into` is a model, a list or mapping of one, `str` for a text, or None. It is the response itself, or what
        stands there under the key `under`, beside nothing but a sentence or a flag. `acts_on` is the id of the
        record that a write is about, where the path does not end with it.
        """
        if effect is READ:
            decode = reader(into, under)
        else:
            about = _acts_on(method, path, ids) if acts_on is None else acts_on
            decode = functools.partial(confirmation(into, under), about)
        call: Call[Any] = Call(
            method, path, ids, effect, payload.query, payload.body if body is None else body, upload,
            decode=decode, text=into is str or into is None, plan_limited=plan_limited, verify=verify,
        )  # fmt: skip
        return self._sender.send(call)

    def _pages(
        self, item: type[T], path: str, *ids: str, scheme: Scheme, payload: Payload = NOTHING,
        under: str = "data", method: str = "GET", changed_by: tuple[str, ...] = (),
    ) -> Pages[T]:  # fmt: skip
        """A list whose rows are `item`s under the key `under`; a POST is paged by its body.

        Writes to paths that begin with one of `changed_by` may take rows off the list while it is read.
        """

        async def fetch(cursor: Cursor) -> Page[T]:
            asked = scheme.ask(cursor)
            query, body = payload.query, payload.body
            if method == "GET":
                query = [*query, *((name, str(value)) for name, value in asked.items())]
            else:
                body = {**(body or {}), **asked}
            decode = page_reader(item, scheme, cursor, under)
            return await self._sender.send(Call(method, path, ids, READ, query, body, decode=decode))

        changes = functools.partial(self._sender.changes, changed_by) if changed_by else None
        return Pages(fetch, scheme, changes=changes)


def _list_fields(method: Any) -> None:
    """Add the keywords that a method takes to its docstring: `help` shows a TypedDict by its name only."""
    unpacked = next((hint for hint in method.__annotations__.values() if hint.startswith("Unpack[")), None)
    if unpacked is None or not method.__doc__:
        return
    spec = method.__globals__[unpacked.removeprefix("Unpack[").removesuffix("]")]
    lines = [f"            {name}: {_type_of(hint)}\n" for name, hint in spec.__annotations__.items()]
    method.__doc__ = f"{method.__doc__.rstrip()}\n\n        Fields:\n{''.join(lines)}"


def _type_of(hint: Any) -> str:
    """Return an annotation as it stands in the source, without the marks beside its type."""
    text: str = getattr(hint, "__forward_arg__", str(hint))
    if not text.startswith(("Annotated[", "Required[")):
        return text
    # not ast.parse: in CPython before 3.11.8 it fails now and then while another thread parses too
    inner, depth = text[text.index("[") + 1 : -1], 0
    for at, character in enumerate(inner):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            return _type_of(inner[:at])
    return _type_of(inner)


@functools.cache
def reader(into: Any, under: str | None = None) -> Decode[Any]:
    """Return the function from parsed JSON to `into`, which refuses another shape at the top level."""
    if into is None:
        return lambda raw, unexpected_types: None
    decode, wanted = decoder(into), get_origin(into) or into

    def checked(raw: Any, unexpected_types: UnexpectedTypes) -> Any:
        if under is not None:
            raw = _below(raw, under)
        found = decode(_several(raw) if wanted is list else raw, unexpected_types)
        if not isinstance(found, wanted):
            came = "nothing" if raw is None else type(raw).__name__
            raise ShapeError(f"{wanted.__name__} was promised, {came} came")
        # an `id` without a default is declared where a response is meaningless without it
        if getattr(found, "id", None) == "":
            raise ShapeError(f"{wanted.__name__} came without an id")
        return found

    return checked


@functools.cache
def confirmation(into: Any, under: str | None = None) -> Callable[[str | None, Any, UnexpectedTypes], Any]:
    """Return the function from the response to a successful write to `into`: any 2xx is a success, whatever its body.

    Its first argument is the id of the record that the write was about, for answers without one; None where the
    write makes a record, whose id has to come: lemlist says 200, and creates nothing, to a campaign id of the
    wrong form.
    """
    if into is None:
        return lambda about, raw, unexpected_types: None
    decode, wanted = decoder(into), get_origin(into) or into

    def confirmed(about: str | None, raw: Any, unexpected_types: UnexpectedTypes) -> Any:
        inner = raw if under is None else _below(raw, under)
        try:
            found = decode(_several(inner) if wanted is list else inner, unexpected_types)
        except ShapeError:
            found = cast("Any", None)
        if not isinstance(found, wanted):
            found = decode(_EMPTY.get(wanted, dict)(), {})
        if getattr(found, "id", None) == "":
            if about is None:
                raise NoIdError(f"{wanted.__name__} came without an id")
            found.id = about
        if isinstance(found, Model) and isinstance(raw, str):
            found.extra["message"] = raw
        return found

    return confirmed


_EMPTY: dict[Any, Callable[[], Any]] = {str: str, list: list}
"""Replacements for a confirmation of another shape than promised; for models, an object without keys."""


def _acts_on(method: str, path: str, ids: Sequence[str]) -> str | None:
    """Return the id of the record that a write is about; "" if it has another name, None if the write creates one."""
    if path.endswith("Id}"):
        return ids[-1]
    return None if method == "POST" and not path.endswith("}") else ""


def _below(raw: Any, under: str) -> Any:
    return raw[under] if is_object(raw) and under in raw else raw


def _several(raw: Any) -> list[Any]:
    # the first version of some routes gives one record where the second gives a list
    return [raw] if is_object(raw) and "_id" in raw else rows_of(raw)


def page_reader(item: Any, scheme: Scheme, cursor: Cursor, under: str) -> Decode[Page[Any]]:
    """Return the function from one response of a list endpoint to a Page."""
    decode = decoder(list[item])

    def read(raw: Any, unexpected_types: UnexpectedTypes) -> Page[Any]:
        rows = rows_of(raw, under)
        items = decode(rows, unexpected_types)
        beside = {} if raw is rows else {name: value for name, value in raw.items() if value is not rows}
        reported = read_totals(raw)
        if reported.unreadable:
            raise ShapeError("the next page is named by no number")
        following = scheme.after(cursor, len(rows), reported)
        if following is not None and not goes_on(scheme, cursor, len(rows), reported, scheme.before(cursor)):
            following = None
        return Page(items, reported.rows, following, beside, reported)

    return read


def query_of(**values: str | int | None) -> Payload:
    """Return a payload with a query only, without the values that are None.

    Raises:
        InvalidInputError: a text is empty, or a value is no text and no number.
    """
    return Payload([(name, _in_query(name, value)) for name, value in values.items() if value is not None])


def _in_query(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInputError(f"{name} must be a text, not {type(value).__name__}")
    if value == "":
        raise InvalidInputError(f"{name} is empty")
    return str(value)


def states(state: str | Sequence[str]) -> str:
    """Encode a state, several separated by commas, or a list of states for a query."""
    return state if isinstance(state, str) else ",".join(texts("state", state, 1))


def not_a_route(value: str, *siblings: str) -> str:
    """Return an id that is not the name of another route at its place: ``/contacts/{id}`` and ``/contacts/lists``.

    Raises:
        InvalidInputError: it is one of `siblings`.
    """
    if value in siblings:
        raise InvalidInputError(f"{value!r} is another route of the API, and no id")
    return value


def within(name: str, value: int, low: int, high: int) -> int:
    """Return a page size that is in its documented range.

    Raises:
        InvalidInputError: it is not.
    """
    check_number(name, value, Between(low, high))
    if not isinstance(cast("object", value), int):
        raise InvalidInputError(f"{name} must be a whole number, not {value!r}")
    return value


def changes(spec: type, fields: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> Payload:
    """Return a payload whose body has the fields to change.

    Raises:
        InvalidInputError: there are none; a PATCH without a body is refused, or changes nothing.
    """
    payload = with_custom(encode(spec, fields), custom)
    if not payload.body:
        raise InvalidInputError(f"nothing is given to change; there are {', '.join(sorted(hints_of(spec)))}")
    return payload


def some_of(fields: Mapping[str, Any], *names: str) -> None:
    """Check that at least one of `names` is given, and neither None nor False.

    Raises:
        InvalidInputError: none of them is.
    """
    if not any(fields.get(name) for name in names):
        raise InvalidInputError(f"give at least one of {', '.join(names)}")


def custom_fields(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return custom variables for a body, under their own names.

    Raises:
        InvalidInputError: a value is nested; lemlist would keep it as the text ``[object Object]``.
    """
    if variables is not None and not isinstance(cast("object", variables), Mapping):
        raise InvalidInputError(f"variables are a mapping from name to value, not {type(variables).__name__}")
    for name, value in (variables or {}).items():
        check_flat(name, value)
    return dict(variables or {})


def with_custom(payload: Payload, values: Mapping[str, Any] | None) -> Payload:
    """Return a payload whose body also has custom variables.

    Raises:
        InvalidInputError: one is nested, or has the name of a field that is given too.
    """
    if values is None:
        return payload
    own, body = custom_fields(values), payload.body or {}
    if twice := own.keys() & body.keys():
        raise InvalidInputError(f"{min(twice)!r} is given as a field and as a custom one")
    return attrs.evolve(payload, body={**body, **own})


def custom_query(variables: Mapping[str, Any]) -> Payload:
    """Return custom variables for a query, whose keys are their names.

    Raises:
        InvalidInputError: there is none, or a value that is nested or null.
    """
    if not variables:
        raise InvalidInputError("no variable is given")
    return Payload([(name, query_value(value)) for name, value in custom_fields(variables).items()])
