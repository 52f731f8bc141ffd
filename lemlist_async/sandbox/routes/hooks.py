"""Webhooks: registrations only; the sandbox calls nobody."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from lemlist_async.sandbox.exchange import Call, Record, refuse

from .common import QuietRoute, find

__all__ = ["ROUTES", "hook_view"]

_FILTERS: Final[tuple[str, ...]] = ("campaignId", "isFirst", "zapId")


def hook_view(hook: Record) -> Record:
    """A hook as it is shown: never with its secret."""
    return {field: value for field, value in hook.items() if field != "secret"}


def list_hooks(call: Call) -> list[Record]:
    """All of them."""
    return [hook_view(hook) for hook in call.team.hooks.values()]


def create_hook(call: Call) -> Record:
    """One for each ``targetUrl``, whatever the type; filters are read from the query, or the body as of old."""
    body = call.record()
    url = body.get("targetUrl")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise refuse(400, "Bad params: targetUrl is not a URL")
    if any(hook["targetUrl"] == url for hook in call.team.hooks.values()):
        raise refuse(409, "A webhook with this targetUrl already exists")
    hook = {"_id": call.team.new_id("hoo"), "targetUrl": url, "createdAt": call.team.stamp()}
    hook |= {field: body[field] for field in ("type", "secret") if body.get(field)}
    call.team.hooks.keep(hook | _filters(call, body))
    return hook_view(hook)


def _filters(call: Call, body: Record) -> Record:
    given = {field: call.one(field) or body.get(field) for field in _FILTERS}
    filters: Record = {field: value for field, value in given.items() if value}
    if "isFirst" in filters:
        filters["isFirst"] = filters["isFirst"] in ("true", True)
    if str(filters.get("zapId", "")).isdigit():  # text on the way in, a number on the way out
        filters["zapId"] = int(filters["zapId"])
    return filters


def delete_hook(call: Call) -> Record:
    """Answers with what is gone."""
    hook = find(call, call.team.hooks, call.ids["hookId"], "Webhook not found")
    del call.team.hooks[hook["_id"]]
    return hook_view(hook)


ROUTES = (
    QuietRoute("GET", "/hooks", list_hooks),
    QuietRoute("POST", "/hooks", create_hook),
    QuietRoute("DELETE", "/hooks/{hookId}", delete_hook),
)
