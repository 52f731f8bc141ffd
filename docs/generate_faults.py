"""Writes docs/faults.md from the table that the tests hold every fault against: python docs/generate_faults.py"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lemlist_async import Effect  # noqa: E402  # the path has to be there first
from lemlist_async.errors import AmbiguousError  # noqa: E402  # as above
from tests.support.faults_table import FAULTS, TRIES, Fault  # noqa: E402  # as above

HEAD = f"""\
# Faults, and the outcome of a call

What a call does after a fault depends on its *effect*, and on nothing else: not on the verb, which lies here. Each
operation states its effect in [operations.md](operations.md).

| effect | a repeat | after "maybe done" |
|---|---|---|
| read, idempotent | changes nothing more | is made |
| dedup-able, unsafe | could do it twice | is not made: the error is also an `AmbiguousError` |

Below, "attempts" is how often the server saw the request, with {TRIES} allowed (`Retry(attempts={TRIES})`). The suite
runs every row against raw sockets, for each of the four effects (`tests/wire/client/test_faults.py`). Beside the
error and the number of requests it checks that the pool and the throttle are as before. This page is written by
`docs/generate_faults.py` from the same table.

| fault | attempts, may be repeated | attempts, may not | error, may be repeated | error, may not |
|---|---|---|---|---|
"""
TAIL = """
Certainly never sent, and so tried again whatever the effect: a refused connection (`refused`), no connection in time
(`connect_timeout`), a name that does not resolve (`dns`), a failed TLS handshake (`tls`), a proxy that cannot be
reached (`proxy_unreachable`) or that answers 408, 425, 429, 500, 502, 503 or 504 to CONNECT (`proxy_busy`), a
connection that already holds a response (`stale`). Never tried again: a certificate that is not valid
(`certificate`), a proxy that refuses (`proxy`). All of them raise `NotSentError`, whose `kind` is the word in
brackets.

`Retry-After` is a floor, in seconds or as any form of date. A number that can only be a date (epoch seconds) is read
as one against the server's `Date`, and ignored without it. A wait above `Retry.max_retry_after` (120 s) ends the call
at once. The error says in `gave_up`, and in a note of its traceback, why there was no further try.

## What lemlist says

The message decides before the status, since lemlist moves one refusal from status to status. A text is a message
unless it is markup, whatever its content type: a bare sentence labelled `text/html` is read, a gateway's page is not.

`AlreadyDoneError` is the one class for "this was done before". Each operation whose repeat lemlist refuses ends in it
or in a subclass: a campaign that runs or rests already, a lead that is launched, a winner that is selected; and as
`AlreadyExistsError` (also a `ConflictError`) a lead, hook, label, persona, variable, variant, mailbox, alert or
enrichment that is there. `tests/contract/test_done_before.py` has one row for each.

A refusal of the plan is a `PaymentRequiredError` ("Upgrade your plan", "route is available starting …"), one of the
account a `PermissionDeniedError` ("Endpoint not available"). A 401 that speaks of a route, a plan or an endpoint is a
`PermissionDeniedError` too: it says nothing about the key.

A connection on which something came while it was idle carries no further request: a stray second response would be
taken for the response to it. It is closed, and another one is used. A response that switches the protocol (101) is an
`UnexpectedStatusError`, and its connection is closed at once. A response that is compressed as `br`, `zstd` or
anything else that was not asked for is an error that names the encoding.

## When a success confirms nothing

Any 2xx is success for a write whose caller needs nothing back: an empty body, a sentence under any content type, or
another shape than promised. Only a page of HTML, and JSON that begins and does not parse, are errors then. What makes
something has to name it: without an id it raises `MissingIdError`, which says that lemlist reported success. It is
never sent again; a bulk job looks the row up, and otherwise reports it as done without an id.

## When the key is refused

A circuit breaker keeps a wrong key from being sent for ever. After 3 consecutive responses that refuse the key
(`AuthenticationError`), calls end in that error without being sent. After 30 s one call at a time is let through, and
the first success closes the circuit. If the key has worked before, one call at a time is let through from the start.
Only a response that needs a valid key counts: a success, or a refusal such as 400, 404 and 409. A 401 about a
route, the edge's 403, a 429 and a 5xx count neither way.

`Options(auth_breaker=AuthBreaker(failure_threshold=3, recovery_timeout=30))` sets both, `failure_threshold=None`
turns the breaker off, and `repr(lemlist)` shows its state: `<AuthBreaker closed>`.

## When the outcome of an earlier attempt is unknown

An idempotent call whose first response was lost is sent again. If the repeat is not sent, or refused at the door
(401, 402, 403, 429), that says nothing about the first attempt: the error of the lost response is raised, with all
`attempts`, and the last error is its `__context__`. A deadline that passes then says so in its message. A DELETE
whose repeat finds nothing raises `AlreadyGoneError`.

## When the client closes

`aclose()` ends every call in progress at once:

| where the call is | error |
|---|---|
| waiting for a slot, for a connection, or for the next attempt | `ClosedError` |
| in flight, a read | `ClosedError` |
| in flight, idempotent | `TransportError` with the kind `closed` |
| in flight, dedup-able or unsafe | `LostResponseError` with the kind `closed` |
| a stream that is being read | `TransportError` with the kind `closed` |
| in the body of a refusal | that refusal |

`tests/wire/client/test_endings.py` holds both.

## Under test tools

Frozen time (freezegun) freezes no throttle. Without `real_asyncio=True` it freezes the event loop too, where no timer
ever fires: a call that would have to wait then raises `ConfigurationError`, and a failed attempt is not
repeated. Tools that replace aiohttp's `ClientSession._request` (vcrpy, aioresponses) bypass the key, the throttle and
the check of the status; such a response is a `ConfigurationError` too. The sandbox, or any server on a loopback
port, is what to test against.

## For a long time

`python benchmarks/soak.py`: 200,000 calls of 50 tasks to a sandbox in another process that lets 2 % of the requests
fail, every fiftieth call cancelled. From the first tenth to the end the process's memory grew by 0.1 MiB, its tasks,
sockets and file descriptors by none.
"""


def row(fault: Fault) -> str:
    """One line of the table."""
    error, other = fault.error_for(Effect.READ).__name__, fault.error_for(Effect.UNSAFE)
    mark = " (ambiguous)" if issubclass(other, AmbiguousError) else ""
    attempts = fault.attempts(Effect.READ), fault.attempts(Effect.UNSAFE)
    return f"| {fault.name} | {attempts[0]} | {attempts[1]} | `{error}` | `{other.__name__}`{mark} |\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(row, FAULTS)) + TAIL


if __name__ == "__main__":
    (ROOT / "docs" / "faults.md").write_text(page())
