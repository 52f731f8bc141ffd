"""Snapshots: the state of a sandbox as one JSON object, and the way back."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from random import Random
from typing import Any, Final, cast

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.seeding import complete, wrong
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, Table

__all__ = ["VERSION", "moment_of", "restored", "taken"]

VERSION: Final = 1
_VALUES: Final[dict[str, type]] = {
    "id": str,
    "name": str,
    "plan": str,
    "beta": bool,
    "user_id": str,
    "created_at": str,
    "credits": dict,
    "searches_left": int,
    "restores": int,
    "sent": list,
    "walks": dict,
    "paces": dict,
    "mailbox_use": dict,
}
_FIRST: Final = ("users", "schedules", "campaigns", "sequences", "contacts", "leads")
"""Tables in the order in which their records are completed, each from those before."""


def taken(team: Team) -> Record:
    """Return the state of a team. It shares its records with the team."""
    return {
        **{_wire(name): getattr(team, name) for name in _VALUES},
        **{_wire(name): list(table.values()) for name, table in team.tables().items()},
        "files": {name: base64.b64encode(content).decode() for name, content in team.files.items()},
        "kindsSeen": [list(pair) for pair in sorted(team.kinds_seen)],
    }


def restored(given: object, team: Team, seed: str) -> None:
    """Fill a new team from a state; ValueError for a wrong one. Fields that are absent have their defaults."""
    if not isinstance(given, dict):
        raise wrong("a team is an object")
    state = cast("Record", given)
    tables = team.tables()
    known = {_wire(name) for name in (*_VALUES, *tables, "files", "kinds_seen")}
    if unknown := sorted(state.keys() - known):
        raise wrong(f"a team has no {', '.join(unknown)}")
    for name, kind in _VALUES.items():
        _set(team, name, kind, state)
    team.restores += 1
    # the ids that follow must differ from those that the state holds
    team.random = Random(f"{seed} after restore {team.restores}")  # noqa: S311 - play that has to repeat
    for name in dict.fromkeys((*_FIRST, *tables)):
        _fill(team, name, tables[name], state.get(_wire(name)))
    for campaign in team.campaigns.values():
        if campaign["sequenceId"] not in team.sequences:
            team.sequences.keep(defaults.sequence(campaign))
    _read_files(team, state)
    _read_kinds(team, state)


def moment_of(given: object) -> float | None:
    """Return the time of a snapshot in epoch seconds, if it has one; ValueError for one that is no time."""
    if given is None:
        return None
    try:
        return datetime.fromisoformat(str(given)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise wrong(f"now is a time such as 2026-03-02T09:00:00.000Z, not {given!r}") from None


def _wire(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _set(team: Team, name: str, kind: type, state: Record) -> None:
    if _wire(name) not in state:
        return
    value: Any = state[_wire(name)]
    if type(value) is not kind:
        raise wrong(f"{_wire(name)} of a team cannot be {value!r}")
    setattr(team, name, value)


def _fill(team: Team, name: str, table: Table, rows: object) -> None:
    if rows is None:
        return
    if not isinstance(rows, list):
        raise wrong(f"{_wire(name)} is a list of records")
    if name == "users":
        table.clear()  # the two that each team begins with
    for row in cast("list[object]", rows):
        record = complete(team, name, row)
        if not isinstance(record["_id"], str) or record["_id"] in table:
            raise wrong(f"{_wire(name)} has two records {record['_id']!r}, or one whose _id is no text")
        table.keep(record)
    if name == "users":
        team.user_id = team.user_id if team.user_id in table else next(iter(table), "")


def _read_files(team: Team, state: Record) -> None:
    files: object = state.get("files", {})
    if not isinstance(files, dict):
        raise wrong("files is an object of texts in Base64")
    try:
        team.files = {
            name: base64.b64decode(content, validate=True)
            for name, content in cast("dict[str, Any]", files).items()
        }
    except (TypeError, ValueError, binascii.Error):
        raise wrong("files is an object of texts in Base64") from None


def _read_kinds(team: Team, state: Record) -> None:
    pairs: Any = state.get("kindsSeen", [])
    try:
        team.kinds_seen = {(str(lead_id), str(kind)) for lead_id, kind in pairs}
    except (TypeError, ValueError):
        raise wrong("kindsSeen is a list of pairs of a lead's id and a type of events") from None
