"""Faults as JSON: their names, and checks of their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from lemlist_async.sandbox import fault_kinds
from lemlist_async.sandbox.fault_kinds import Fault
from lemlist_async.sandbox.tables import Record

__all__ = ["is_number", "ordered_fault"]

_FAULTS: Final[dict[str, Callable[..., Fault]]] = {
    name: getattr(fault_kinds, name)
    for name in (
        *("Status", "Reset", "Hang", "Slow", "Drip", "Cut", "Garbage"),
        *("gateway", "rate_limited", "lost_response", "html", "retyped"),
    )
}
_NUMBERS: Final = ("seconds", "stall", "keep", "probability")
_INTEGERS: Final = ("status", "pieces", "retry_after", "times", "after")
_STATUSES: Final = range(200, 600)
_RULE: Final = ("match", "times", "after", "probability")


def is_number(value: object) -> bool:
    """Tell whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def ordered_fault(given: Record) -> tuple[Fault, dict[str, Any]]:
    """Return the fault that an order names, and its rule; ValueError or TypeError for a wrong order."""
    name = given.get("fault")
    if not isinstance(name, str) or name not in _FAULTS:
        raise ValueError(f"fault is one of {', '.join(_FAULTS)}")
    own = {field: value for field, value in given.items() if field not in ("fault", *_RULE)}
    for field, value in given.items():
        _check(field, value)
    if "raw" in own:
        own["raw"] = own["raw"].encode()
    return _FAULTS[name](**own), {field: given[field] for field in _RULE if field in given}


def _fits(field: str, value: object) -> bool:
    if field in ("times", "match", "retry_after") and value is None:
        return True
    if field in _NUMBERS:
        return is_number(value)
    if field in _INTEGERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and (field != "status" or value in _STATUSES)
    if field in ("effect", "hard", "rate_headers"):
        return isinstance(value, bool)
    if field == "headers":
        return isinstance(value, dict) and all(
            isinstance(text, str) for text in cast("Record", value).values()
        )
    return isinstance(value, str)


def _check(field: str, value: object) -> None:
    if not _fits(field, value):
        raise ValueError(f"{field} cannot be {value!r}")
