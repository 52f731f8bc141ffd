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

What a call does after a fault depends only on its *effect*, never on its HTTP verb, which is misleading in this
API. Each operation states its effect in [operations.md](operations.md).

| effect | a repeat | when the outcome is unknown |
|---|---|---|
| read, idempotent | changes nothing more | the call is repeated |
| dedup-able, unsafe | could do it twice | the call is not repeated; its error is also an `AmbiguousError` |

In the table, "attempts" is the number of requests that the server saw, with {TRIES} allowed
(`Retry(attempts={TRIES})`). The suite runs every row against raw sockets for each of the four effects
(`tests/wire/client/test_faults.py`). It checks the error, the number of requests, and that the pool and the
throttle are afterwards as before. `docs/generate_faults.py` writes this page from the same table.

| fault | attempts, may be repeated | attempts, may not | error, may be repeated | error, may not |
|---|---|---|---|---|
"""
TAIL = """
A request that certainly was not sent is repeated whatever its effect: connection refused (`refused`), no connection in
time (`connect_timeout`), a name that does not resolve (`dns`), a failed TLS handshake (`tls`), a proxy that cannot be
reached (`proxy_unreachable`) or that responds to CONNECT with 408, 425, 429, 500, 502, 503 or 504 (`proxy_busy`), a
connection that already holds a response (`stale`). Not repeated: an invalid certificate (`certificate`) and a
proxy that refuses (`proxy`). All of them raise `NotSentError`, whose `kind` is the word in brackets.

`Retry-After` is the shortest wait. It may be a number of seconds or a date in any form. A number that can only be a
date (epoch seconds) is compared with the server's `Date`, and ignored without it. A wait above
`Retry.max_retry_after` (120 s) ends the call at once. `error.gave_up`, and a note in the traceback, say why there
was no further attempt.

## What lemlist says

The message takes precedence over the status, since lemlist sends the same refusal under different statuses. Any
text that is not markup counts as a message, whatever its content type: a bare sentence labelled `text/html` is
read, a gateway's HTML page is not.

`AlreadyDoneError` means that the change was made before. Every operation whose repeat lemlist refuses raises it or
a subclass: for a campaign that already runs or is paused, a lead that is launched, a winner that is selected. For a
lead, hook, label, persona, variable, variant, mailbox, alert or enrichment that exists, the subclass is
`AlreadyExistsError` (also a `ConflictError`). `tests/contract/test_done_before.py` has one row for each.

A refusal because of the plan is a `PaymentRequiredError` ("Upgrade your plan", "route is available starting …"),
one because of the account a `PermissionDeniedError` ("Endpoint not available"). A 401 that names a route, a plan or
an endpoint is a `PermissionDeniedError` too, since it says nothing about the key.

A connection that received data while it was idle is closed and not used again: a stray second response would be
taken for the response to the next request. A response that switches the protocol (101) is an
`UnexpectedStatusError`, and its connection is closed at once. A response that is compressed as `br`, `zstd` or
anything else that was not asked for is an error that names the encoding.

## When a success confirms nothing

For a write whose caller needs no data back, any 2xx is success: with an empty body, a sentence under any content
type, or another shape than documented. Only an HTML page, or JSON that does not parse, is an error. A call that
creates a record must return its id: without one it raises `MissingIdError`, which says that lemlist reported
success. Such a call is never sent again; a bulk job looks the row up, or reports it as done without an id.

## When the key is refused

A circuit breaker stops a wrong key from being sent over and over. After 3 consecutive responses that refuse the key
(`AuthenticationError`), calls raise that error without being sent. After 30 s one call at a time is let through,
and the first success closes the circuit. If the key has worked before, one call at a time is let through from the
start. Only responses that require a valid key count as success: a 2xx, or a refusal such as 400, 404 and 409. A 401
about a route, the edge's 403, a 429 and a 5xx count neither way.

`Options(auth_breaker=AuthBreaker(failure_threshold=3, recovery_timeout=30))` sets both, `failure_threshold=None`
turns the breaker off, and `repr(lemlist)` shows its state: `<AuthBreaker closed>`.

## When the outcome of an earlier attempt is unknown

An idempotent call whose first response was lost is sent again. If the repeat is not sent, or is refused before it
is processed (401, 402, 403, 429), it says nothing about the first attempt. Then the error of the lost response is
raised, with all `attempts`, and the last error as its `__context__`. If the deadline passes, the message of its
error says that an earlier attempt may have succeeded. A DELETE whose repeat finds nothing raises
`AlreadyGoneError`.

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

Frozen time (freezegun) does not freeze the throttle. Without `real_asyncio=True` it also freezes the event loop,
where no timer fires: a call that would have to wait raises `ConfigurationError`, and a failed attempt is not
repeated. Tools that replace aiohttp's `ClientSession._request` (vcrpy, aioresponses) bypass the key, the throttle
and the status check; such a response raises `ConfigurationError` too. Test against the sandbox, or any server on a
loopback port.

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
