"""Tasks that members do by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from lemlist_async.core.json import loads
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import objects, texts, word
from lemlist_async.sandbox.routes.contacts import full_name
from lemlist_async.sandbox.safe_regex import SUBJECT, safe_pattern
from lemlist_async.sandbox.tables import Record

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


def list_tasks(context: RequestContext) -> Record:
    """List open tasks. ``filters`` is required JSON text, and the page is returned as text."""
    tests = [_test_of(context, row) for row in _filters(context)]
    page = context.number("page", 0)
    open_tasks = [task for task in context.team.tasks.values() if not task["done"] and not task["ignored"]]
    chosen = [task for task in open_tasks if all(test(task) for test in tests)]
    rows = [_view(task) for task in chosen[page * _PAGE : (page + 1) * _PAGE]]
    return {"results": rows, "page": str(page)}


def _filters(context: RequestContext) -> list[Record]:
    try:
        return objects(loads(context.one("filters") or ""), _MALFORMED)
    except ValueError:
        raise refuse(400, _MALFORMED) from None


_PERSON: Final[dict[str, str]] = {
    "email": "email",
    "phone": "phone",
    "linkedin": "linkedinUrl",
    "fullName": "fullName",
}


def _test_of(context: RequestContext, given: Record) -> Callable[[Record], bool]:
    """Build the test of one filter."""
    name = given.get("filterId")
    if isinstance(name, str) and name in _PERSON:
        return _person_test(context, name, given)
    if name == "dueDate":
        first, last = word(given, "from"), word(given, "to") or "9999-12-31"
        return lambda task: first <= task["dueDate"][:10] <= last
    values: dict[str, Callable[[Record], Any]] = {
        "campaignId": lambda task: task.get("campaignId"),
        "campaignState": lambda task: context.team.campaigns.get(task.get("campaignId", ""), {}).get(
            "status"
        ),
        "type": lambda task: task["type"],
        "assignedTo": lambda task: task["userId"],
    }
    if not isinstance(name, str) or name not in values:
        raise refuse(400, _MALFORMED)
    value = values[name]
    wanted = texts(given["in"], _MALFORMED) if given.get("in") is not None else None
    unwanted = texts(given.get("out") or [], _MALFORMED)
    return lambda task: (wanted is None or value(task) in wanted) and value(task) not in unwanted


def _person_test(context: RequestContext, name: str, given: Record) -> Callable[[Record], bool]:
    text = given.get("regex", given.get("value"))
    if not isinstance(text, str):
        raise refuse(400, _MALFORMED)
    try:
        pattern = safe_pattern(text) if "regex" in given else re.compile(re.escape(text), re.IGNORECASE)
    except (re.error, RecursionError, OverflowError):
        raise refuse(400, _MALFORMED) from None

    def test(task: Record) -> bool:
        contact = context.team.contacts.get(task.get("contactId", ""))
        if contact is None:
            return False
        person = {**contact["fields"], **contact, "fullName": full_name(contact)}
        return pattern.search(str(person.get(_PERSON[name]) or "")[:SUBJECT]) is not None

    return test


def _view(task: Record) -> Record:
    return {field: value for field, value in task.items() if field not in _HIDDEN}


def create_task(context: RequestContext) -> Record:
    """Create a task. ``recordId`` is required in practice: a contact, company or lead."""
    body = context.record()
    record_id = word(body, "recordId")
    if not record_id:
        raise refuse(400, "recordId is required")
    if body.get("type") not in _TYPES:
        raise refuse(400, "Bad params: type is invalid")
    if "assignedTo" not in body or "dueDate" not in body:
        raise refuse(400, "Bad params: assignedTo and dueDate are required")
    task: Record = {
        "_id": context.team.new_id("opp"),
        "type": body["type"],
        "createdAt": context.team.stamp(),
    }
    task |= {"title": "", "content": "", "priority": 0, "done": False, "ignored": False}
    task |= _subject(context, record_id) | _changes(context, body)
    return _view(context.team.tasks.keep(task))


def _subject(context: RequestContext, record_id: str) -> Record:
    """Return the ids that a record gives to its task."""
    team = context.team
    if record_id in team.leads:
        lead = team.leads[record_id]
        return {"leadId": record_id, "campaignId": lead["campaignId"], "contactId": lead["contactId"]}
    if record_id in team.contacts:
        return {"contactId": record_id}
    if record_id in team.companies:
        return {"companyId": record_id}
    raise refuse(400, "Bad params: recordId is unknown")


def _changes(context: RequestContext, body: Record) -> Record:
    """Return the fields of a body under the response's names. The priority becomes a number."""
    given = {field: body[field] for field in _EDITABLE if field in body}
    if "assignedTo" in given and word(given, "assignedTo") not in context.team.users:
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


def update_task(context: RequestContext) -> Record:
    """Update the task that the body names. The PATCH goes to the collection."""
    body = context.record()
    task = context.team.tasks.get(word(body, "id"))
    if task is None:
        raise refuse(400, "Bad team")
    changes = _changes(context, body)
    finished = changes.get("done") is True and not task["done"]
    task |= changes
    if finished:
        _finish(context, task, _DONE)
    return _view(task)


_DONE: Final[dict[str, str]] = {
    "email": "emailsDone",
    "manual": "manualDone",
    "phone": "aircallDone",
    "linkedin": "linkedinDone",
}
_IGNORED: Final[dict[str, str]] = {"email": "emailsIgnored", "phone": "aircallIgnored"}


def _finish(context: RequestContext, task: Record, events: dict[str, str]) -> None:
    """Write the event of a task that is over, and let its lead go on."""
    lead = context.team.leads.get(task.get("leadId", ""))
    if lead is None:
        return
    context.happen(events.get(task["type"], "manualIgnored"), lead, opportunityId=task["_id"])
    context.world.engine.walker.task_done(context.team, lead)


def ignore_tasks(context: RequestContext) -> Record:
    """Ignore tasks. Unknown ids are skipped."""
    for task_id in texts(context.record().get("ids"), "Bad params: ids is required"):
        task = context.team.tasks.get(task_id)
        if task is not None and not task["ignored"]:
            task["ignored"] = True
            _finish(context, task, _IGNORED)
    return {}


ROUTES = (
    Route("GET", "/tasks", list_tasks),
    Route("POST", "/tasks", create_task),
    Route("PATCH", "/tasks", update_task),
    Route("POST", "/tasks/ignore", ignore_tasks),
)
