"""Responses of successful requests: read, cap and decode their bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from lemlist_async.clock import steady
from lemlist_async.core.classify import (
    BODY_READ,
    announces_html,
    is_html,
    left_packed,
    refusal_inside,
    unlike_the_api,
    unreadable,
    without_id,
)
from lemlist_async.core.json import read
from lemlist_async.core.wire import Call, Effect, NoIdError, Response, ShapeError, UnexpectedTypes
from lemlist_async.errors import DecodeError, LemlistError
from lemlist_async.transport.direct import DirectResponse
from lemlist_async.transport.faults import CAUGHT, fault, maybe_done

_BOM = b"\xef\xbb\xbf"

Received = aiohttp.ClientResponse | DirectResponse
"""Response whose headers have arrived."""


class ResponseReader:
    """Turns responses with a 2xx status into results, and counts the values of unexpected types in them."""

    def __init__(self) -> None:
        self.unexpected_types: UnexpectedTypes = {}

    async def take(self, call: Call[Any], received: Received, cap: int, *, streamed: bool) -> Any:
        """Return the decoded body of a response, or (`streamed`) the response itself with its body unread.

        Raises:
            TransportError: the body was cut, or is larger than `cap` bytes.
            DecodeError: the body is not what the operation promises.
            APIStatusError: the body holds a refusal.
        """
        try:
            if streamed and _may_be_streamed(call, received):
                return received
            status = received.status
            try:
                body = await read_capped(received, cap)
            except CAUGHT as error:
                lost = fault(error, call, sent=True, status=status)
            else:
                if body is not None:
                    response = Response(status, received.headers, body)
                    if streamed:
                        raise unlike_the_api(call, response)
                    return self._decode(call, response)
                why = f"the response is larger than {cap} bytes"
                lost = maybe_done(call, why, kind="too_large", status=status)
            # outside of the except block: aiohttp's exception, as the context, would show the request's headers
            raise lost
        except BaseException:
            # a cancellation too: a half-read connection must not go back into the pool
            received.close()
            raise

    def _decode(self, call: Call[Any], response: Response) -> Any:
        if is_html(response):
            raise unlike_the_api(call, response)
        parsed = True
        try:
            found = read(response.body, self.unexpected_types) if response.body else None
        except ValueError:
            parsed, found = False, None
        if not parsed:
            # outside of the except block: the parser's error, as the context, would show the whole body
            found = _confirmation(call, response)
        if (refused := refusal_inside(call, response, found)) is not None:
            raise refused
        if call.decode is None:
            return found
        try:
            return call.decode(found, self.unexpected_types)
        except NoIdError:
            raise without_id(call, response) from None
        except ShapeError as error:
            why = f"the response has an unexpected shape: {error}"
        raise DecodeError(
            why, status=response.status, body=response.text(BODY_READ), operation=call.operation
        )


def _may_be_streamed(call: Call[Any], received: Received) -> bool:
    """Return whether a response is the file it should be; False if its headers announce a page."""
    response = Response(received.status, received.headers)
    if announces_html(response):
        return False
    if packed := left_packed(response):
        raise unreadable(call, response, packed)
    return True


def _confirmation(call: Call[Any], response: Response) -> str | None:
    """Return a body that is not JSON: the sentence that confirms a write, or None for an empty one."""
    if response.body.isspace():
        return None
    # a body that begins like JSON and does not parse is damaged JSON
    damaged = response.body.removeprefix(_BOM).lstrip().startswith((b"{", b"["))
    packed = left_packed(response)
    if not damaged and (call.text or call.effect is not Effect.READ):
        # the write took effect, whatever its confirmation looks like
        return None if packed else response.text()
    if packed:
        raise unreadable(call, response, packed)
    why = "the response is not JSON: it is damaged" if damaged else "the response is a sentence, not JSON"
    raise DecodeError(
        why, status=response.status, body=response.text(BODY_READ), damaged=damaged, operation=call.operation
    )


async def stream_body(
    call: Call[Any],
    received: aiohttp.ClientResponse,
    is_closed: Callable[[], bool],
    ended: Callable[[LemlistError | None, float], None],
) -> AsyncIterator[bytes]:
    """Yield the body of a response piece by piece.

    `ended` is called once the body has ended, with the fault that is raised, if any, and the seconds of the stream.
    """
    began = steady()
    lost: LemlistError | None = None
    try:
        async for piece in received.content.iter_any():
            yield piece
    except CAUGHT as error:
        lost = fault(error, call, sent=True, status=received.status)
    # a body without a length ends with its connection: after our own close it only looks complete
    if is_closed():
        why = "the client was closed while the body was read"
        lost = maybe_done(call, why, kind="closed", status=received.status)
    ended(lost, steady() - began)
    if lost is not None:
        raise lost


async def read_capped(received: Received, cap: int) -> bytes | None:
    """Return the whole body, or None after closing the connection if the body is larger than `cap` bytes."""
    content = received.content
    if content.is_eof():
        # the usual body arrives with its headers
        body = content.read_nowait()
        if len(body) <= cap:
            return body
    else:
        body = await content.readany()
    pieces, size = [body], len(body)
    while size <= cap:
        if content.at_eof():
            return body if len(pieces) == 1 else b"".join(pieces)
        pieces.append(await content.readany())
        size += len(pieces[-1])
    # the rest may be endless, and an unread rest would be taken for the next response
    received.close()
    return None
