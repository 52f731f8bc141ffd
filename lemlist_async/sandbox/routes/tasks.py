"""Tasks: what members have to do by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from lemlist_async.core.json import loads
from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

from .common import objects, texts, word
from .contacts import full_name

__all__ = ["ROUTES"]

_TYPES: Final[tuple[str, ...]] = ("email", "manual", "phone", "linkedin")
_PRIORITIES: Final[tuple[str, ...]] = ("", "0", "1", "2")
_PAGE: Final = 100
# requests and answers call the same things by other names
_RENAMED: Final[dict[str, str]] = {"assignedTo": "userId", "message": "content"}
_EDITABLE: Final[tuple[str, ...]] = (
    "assignedTo",
    "dueDate",
    "title",
    "message",
    "priority",
    "images",
    "videos",
    "done",
)
_HIDDEN: Final[tuple[str, ...]] = ("done", "ignored")
_MALFORMED: Final[Record] = {"error": "Malformed filters"}


def list_tasks(call: Call) -> Record:
    """Open tasks; ``filters`` has to be there as JSON text, and the page comes back as text."""
    tests = [_test_of(call, row) for row in _filters(call)]
    page = call.number("page", 0)
    open_tasks = [task for task in call.team.tasks.values() if not task["done"] and not task["ignored"]]
    chosen = [task for task in open_tasks if all(test(task) for test in tests)]
    rows = [_view(task) for task in chosen[page * _PAGE : (page + 1) * _PAGE]]
    return {"results": rows, "page": str(page)}


def _filters(call: Call) -> list[Record]:
    try:
        return objects(loads(call.one("filters") or ""), _MALFORMED)
    except ValueError:
        raise refuse(400, _MALFORMED) from None


_PERSON: Final[dict[str, str]] = {
    "email": "email",
    "phone": "phone",
    "linkedin": "linkedinUrl",
    "fullName": "fullName",
}


def _test_of(call: Call, given: Record) -> Callable[[Record], bool]:
    """What one filter asks of a task."""
    name = given.get("filterId")
    if name in _PERSON:
        return _person_test(call, str(name), given)
    if name == "dueDate":
        first, last = given.get("from") or "", given.get("to") or "9999-12-31"
        return lambda task: first <= task["dueDate"][:10] <= last
    values: dict[str, Callable[[Record], Any]] = {
        "campaignId": lambda task: task.get("campaignId"),
        "campaignState": lambda task: call.team.campaigns.get(task.get("campaignId", ""), {}).get("status"),
        "type": lambda task: task["type"],
        "assignedTo": lambda task: task["userId"],
    }
    if name not in values:
        raise refuse(400, _MALFORMED)
    value, wanted, unwanted = values[str(name)], given.get("in"), given.get("out") or ()
    return lambda task: (wanted is None or value(task) in wanted) and value(task) not in unwanted


def _person_test(call: Call, name: str, given: Record) -> Callable[[Record], bool]:
    try:
        pattern = re.compile(given["regex"] if "regex" in given else re.escape(given["value"]), re.IGNORECASE)
    except (KeyError, TypeError, re.error):
        raise refuse(400, _MALFORMED) from None

    def test(task: Record) -> bool:
        contact = call.team.contacts.get(task.get("contactId", ""))
        if contact is None:
            return False
        person = {**contact["fields"], **contact, "fullName": full_name(contact)}
        return pattern.search(str(person.get(_PERSON[name]) or "")) is not None

    return test


def _view(task: Record) -> Record:
    return {field: value for field, value in task.items() if field not in _HIDDEN}


def create_task(call: Call) -> Record:
    """``recordId`` is needed, whatever the document says; a contact, company or lead."""
    body = call.record()
    record_id = word(body, "recordId")
    if not record_id:
        raise refuse(400, "recordId is required")
    if body.get("type") not in _TYPES:
        raise refuse(400, "Bad params: type is invalid")
    if "assignedTo" not in body or "dueDate" not in body:
        raise refuse(400, "Bad params: assignedTo and dueDate are required")
    task: Record = {"_id": call.team.new_id("opp"), "type": body["type"], "createdAt": call.team.stamp()}
    task |= {"title": "", "content": "", "priority": 0, "done": False, "ignored": False}
    task |= _subject(call, record_id) | _changes(call, body)
    return _view(call.team.tasks.keep(task))


def _subject(call: Call, record_id: str) -> Record:
    """The ids that a record brings into its task."""
    team = call.team
    if record_id in team.leads:
        lead = team.leads[record_id]
        return {"leadId": record_id, "campaignId": lead["campaignId"], "contactId": lead["contactId"]}
    if record_id in team.contacts:
        return {"contactId": record_id}
    if record_id in team.companies:
        return {"companyId": record_id}
    raise refuse(400, "Bad params: recordId is unknown")


def _changes(call: Call, body: Record) -> Record:
    """The fields of a body under the names of the answer; the priority becomes a number."""
    given = {field: body[field] for field in _EDITABLE if field in body}
    if "assignedTo" in given and given["assignedTo"] not in call.team.users:
        raise refuse(400, "Bad params: assignedTo is unknown")
    if "dueDate" in given and not _is_date(given["dueDate"]):
        raise refuse(400, "Bad params: dueDate is invalid")
    if given.get("priority", "") not in _PRIORITIES:
        raise refuse(400, "Bad params: priority is invalid")
    changes: Record = {_RENAMED.get(field, field): value for field, value in given.items()}
    if "priority" in changes:
        changes["priority"] = int(changes["priority"] or 0)
    return changes


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return False
    return True


def update_task(call: Call) -> Record:
    """A PATCH on the collection: the id is in the body."""
    body = call.record()
    task = call.team.tasks.get(word(body, "id"))
    if task is None:
        raise refuse(400, "Bad team")
    task |= _changes(call, body)
    return _view(task)


def ignore_tasks(call: Call) -> Record:
    """Unknown ids are passed over."""
    for task_id in texts(call.record().get("ids"), "Bad params: ids is required"):
        if task_id in call.team.tasks:
            call.team.tasks[task_id]["ignored"] = True
    return {}


ROUTES = (
    Route("GET", "/tasks", list_tasks),
    Route("POST", "/tasks", create_task),
    Route("PATCH", "/tasks", update_task),
    Route("POST", "/tasks/ignore", ignore_tasks),
)
