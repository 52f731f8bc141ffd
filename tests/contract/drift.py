"""Differences between a vendor's document and this library, in words.

    python -m tests.contract.drift openapi.json

Prints operations, parameters, fields of bodies and keys of answers that the document has and the library has not, and
operations that the document has no longer. Exit code 1 if there is a difference, 0 if there is none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from tests.contract.comparison import NOT_OFFERED, NOT_SENT, UNDECLARED, undeclared_keys, unsent
from tests.contract.document import load
from tests.contract.operations import ROWS, UNDOCUMENTED


def drift() -> Iterator[str]:
    """Yield a line for each difference from the document that LEMLIST_OPENAPI names."""
    operations = load()
    known = {row.wire for row in ROWS} | NOT_OFFERED.keys()
    there = {operation.wire for operation in operations}
    yield from (f"new operation: {wire}" for wire in sorted(there - known))
    yield from (f"operation that is gone: {wire}" for wire in sorted(known - there - UNDOCUMENTED))
    for operation in operations:
        if operation.wire in known - NOT_OFFERED.keys():
            query, body = unsent(operation)
            excused = NOT_SENT.get(operation.wire, {}).keys()
            yield from (f"new parameter: {operation.wire} ?{name}" for name in sorted(query - excused))
            yield from (f"new field to send: {operation.wire} {name}" for name in sorted(body))
    missing, _ = undeclared_keys()
    yield from (f"new key of an answer: {name}" for name in sorted(missing.keys() - UNDECLARED.keys()))


if __name__ == "__main__":
    os.environ["LEMLIST_OPENAPI"] = sys.argv[1]
    found = list(drift())
    print("\n".join(found) or "no difference")
    sys.exit(1 if found else 0)
