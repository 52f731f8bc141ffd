"""Records of a seed file: completed with lemlist's defaults, and checked against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["complete", "wrong"]

Complete: TypeAlias = Callable[[Team, Record], Record]
_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "true or false"),
    (str, "text"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def wrong(reason: str) -> ValueError:
    """Build the refusal of a seed file."""
    return ValueError(f"the snapshot is wrong: {reason}")


def complete(team: Team, table: str, given: object) -> Record:
    """Return a record of a table with all that it needs; ValueError for one that cannot be completed."""
    if not isinstance(given, dict):
        raise wrong(f"{table} has a record that is no object")
    record = cast("Record", given)
    if table in _COMPLETE:
        default = _COMPLETE[table](team, record)
    elif "_id" in record:
        default = {"_id": ""}
    else:
        raise wrong(f"{table} has a record without _id")
    for name, value in default.items():
        _check(f"{name} of {table}", value, record.get(name, value))
    return default | record


def _check(name: str, default: object, given: object) -> None:
    if default is None or given is None:
        return
    kind, words = next((kind, words) for kind, words in _KINDS if isinstance(default, kind))
    if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
        raise wrong(f"{name} is {words}, not {given!r}")


def _user(team: Team, record: Record) -> Record:
    name, email = str(record.get("name", "Member")), str(record.get("email", "member@sandbox.example"))
    return defaults.user(team, name, email, "member", "google")


def _campaign(team: Team, record: Record) -> Record:
    return defaults.campaign(team, str(record.get("name", "Sandbox campaign")))


def _sequence(team: Team, record: Record) -> Record:
    steps: object = record.get("steps", [])
    sequence_id = record.get("_id") or team.new_id("seq")
    if isinstance(steps, list):
        record["steps"] = [_step(team, sequence_id, one) for one in cast("list[object]", steps)]
    return {"_id": sequence_id, "campaignId": "", "level": 0, "steps": []}


def _step(team: Team, sequence_id: str, given: object) -> Record:
    record = cast("Record", given) if isinstance(given, dict) else {}
    if not isinstance(record.get("type"), str):
        raise wrong("steps have a type")
    return defaults.step(team, sequence_id, record["type"]) | record


def _contact(team: Team, record: Record) -> Record:
    return defaults.contact(team, None, {})


def _lead(team: Team, record: Record) -> Record:
    home = team.campaigns.get(str(record.get("campaignId")))
    variables = record.get("variables", {})
    if home is None or not isinstance(variables, dict):
        raise wrong("leads have the campaignId of a campaign, and an object of variables")
    contact_id = record.get("contactId") or team.add_contact(**cast("Record", variables))["_id"]
    if contact_id not in team.contacts:
        raise wrong(f"leads has an unknown contactId {contact_id!r}")
    return defaults.lead(team, home, contact_id, cast("Record", variables))


def _contact_list(team: Team, record: Record) -> Record:
    return {"_id": team.new_id("clt"), "name": "List", "dynamic": False, "contactIds": {}}


def _activity(team: Team, record: Record) -> Record:
    return team.event(str(record.get("type", "annotated")))


def _hook(team: Team, record: Record) -> Record:
    if not isinstance(record.get("targetUrl"), str):
        raise wrong("hooks have a targetUrl")
    return {"_id": team.new_id("hoo"), "createdAt": team.stamp()}


def _block(team: Team, record: Record) -> Record:
    if not isinstance(record.get("value"), str):
        raise wrong("unsubscribes have a value")
    return {"_id": team.new_id("uns"), "source": "api", "createdAt": team.stamp()}


def _conversation(team: Team, record: Record) -> Record:
    if record.get("contactId") not in team.contacts:
        raise wrong("conversations have the contactId of a contact")
    return defaults.conversation(team, record["contactId"])


_COMPLETE: Final[dict[str, Complete]] = {
    "users": _user,
    "schedules": lambda team, record: defaults.schedule(team),
    "campaigns": _campaign,
    "sequences": _sequence,
    "contacts": _contact,
    "leads": _lead,
    "contact_lists": _contact_list,
    "companies": lambda team, record: defaults.company(team, None, {}),
    "activities": _activity,
    "hooks": _hook,
    "unsubscribes": _block,
    "conversations": _conversation,
}
