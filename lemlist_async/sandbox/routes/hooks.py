"""Webhooks: registrations."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.routes.common import QuietRoute, find, on_the_web
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "hook_view"]

_FILTERS: Final[tuple[str, ...]] = ("campaignId", "isFirst", "zapId")


def hook_view(hook: Record) -> Record:
    """Build a hook as shown, without its secret."""
    return {field: value for field, value in hook.items() if field != "secret"}


def list_hooks(context: RequestContext) -> list[Record]:
    """List all hooks."""
    return [hook_view(hook) for hook in context.team.hooks.values()]


def create_hook(context: RequestContext) -> Record:
    """Create a hook, one per ``targetUrl`` of any type. Filters come from the query, or as of old from the body."""
    body = context.record()
    url = body.get("targetUrl")
    if not isinstance(url, str) or not on_the_web(url):
        raise refuse(400, "Bad params: targetUrl is not a URL")
    if any(hook["targetUrl"] == url for hook in context.team.hooks.values()):
        raise refuse(409, "A webhook with this targetUrl already exists")
    hook = {"_id": context.team.new_id("hoo"), "targetUrl": url, "createdAt": context.team.stamp()}
    hook |= {field: body[field] for field in ("type", "secret") if body.get(field)}
    context.team.hooks.keep(hook | _filters(context, body))
    return hook_view(hook)


def _filters(context: RequestContext, body: Record) -> Record:
    given = {field: context.one(field) or body.get(field) for field in _FILTERS}
    filters: Record = {field: value for field, value in given.items() if value}
    if "isFirst" in filters:
        filters["isFirst"] = filters["isFirst"] in ("true", True)
    if str(filters.get("zapId", "")).isdigit():  # text on the way in, a number on the way out
        filters["zapId"] = int(filters["zapId"])
    return filters


def delete_hook(context: RequestContext) -> Record:
    """Delete a hook and return it."""
    hook = find(context, context.team.hooks, context.ids["hookId"], "Webhook not found")
    del context.team.hooks[hook["_id"]]
    return hook_view(hook)


ROUTES = (
    QuietRoute("GET", "/hooks", list_hooks),
    QuietRoute("POST", "/hooks", create_hook),
    QuietRoute("DELETE", "/hooks/{hookId}", delete_hook),
)
