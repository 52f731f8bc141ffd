"""A/B tests of e-mail steps: a second variant, and the choice of the winner."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.sequences import sequence_of, step_of
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_PLANS: Final[tuple[str, ...]] = ("emailPro", "multichannelExpert")
_TEXTS: Final[tuple[str, ...]] = ("subject", "message", "altMessage")
_CONTENT: Final[tuple[str, ...]] = (*_TEXTS, "cc", "plainText")
_MAX_SUBJECT: Final = 400
_TYPES: Final = ((bool, "boolean"), (int | float, "number"), (list, "array"), (dict, "object"))


def create_variant(context: RequestContext) -> Record:
    """Create variant B as a copy of A. Leads are split between both from now on."""
    step = _email_step(context)
    if step["type"] != "email":
        raise refuse(400, "A/B tests are for email steps only")
    if step.get("abTest"):
        raise refuse(400, "A/B test already exists on this step")
    variant = {field: step[field] for field in _CONTENT if field in step}
    step |= {"abTest": True, "emailTemplateBId": context.team.new_id("etp"), "variantB": variant}
    return _view(step)


def get_variant(context: RequestContext) -> Record:
    """Return variant B."""
    return _view(_tested(context))


def update_variant(context: RequestContext) -> Record:
    """Change the given fields of variant B."""
    step, body = _tested(context), context.record()
    for field in _TEXTS:
        value: object = body.get(field, "")
        if not isinstance(value, str):
            raise refuse(400, f"Match error: Expected string, got {_type_name(value)}")
    if len(body.get("subject", "")) > _MAX_SUBJECT:
        raise refuse(400, f"Match error: subject is longer than {_MAX_SUBJECT} characters")
    step["variantB"] |= {field: body[field] for field in _CONTENT if field in body}
    return _view(step)


def _type_name(value: object) -> str:
    """Name the type of a value as JavaScript does."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "null")


def delete_variant(context: RequestContext) -> Record:
    """End the test. Without A, B takes its place."""
    step = _tested(context)
    _refuse_running(context)
    if context.one("variant") == "A":
        step |= step["variantB"] | {"emailTemplateId": step["emailTemplateBId"]}
    for field in ("abTest", "variantB", "emailTemplateBId"):
        del step[field]
    return {"ok": True}


def select_winner(context: RequestContext) -> Record:
    """Select the winner, once."""
    step, variant = _tested(context), context.record().get("variant")
    if variant not in ("A", "B"):
        raise refuse(400, "Invalid variant")
    if step["abTest"] is not True:
        raise refuse(400, "A winning variant has already been selected for this step")
    step["abTest"] = variant
    return {"stepId": step["_id"], "abTest": variant}


def _email_step(context: RequestContext) -> Record:
    if context.team.plan not in _PLANS:
        raise refuse(402, "route is available starting emailPro plan")
    return step_of(context, sequence_of(context))


def _tested(context: RequestContext) -> Record:
    step = _email_step(context)
    if not step.get("abTest"):
        raise refuse(404, "No A/B test variant on this step")
    return step


def _refuse_running(context: RequestContext) -> None:
    campaign = context.team.campaigns[sequence_of(context)["campaignId"]]
    if campaign["status"] == "running":
        raise refuse(400, "You cannot edit this step because the campaign is running")


def _view(step: Record) -> Record:
    head = {"stepId": step["_id"], "abTest": step["abTest"], "emailTemplateBId": step["emailTemplateBId"]}
    return {**head, **step["variantB"]}


_PATH: Final = "/sequences/{sequenceId}/steps/{stepId}/ab-test"
ROUTES = (
    Route("POST", _PATH, create_variant),
    Route("GET", _PATH, get_variant),
    Route("PATCH", _PATH, update_variant),
    Route("DELETE", _PATH, delete_variant),
    Route("POST", f"{_PATH}/winner", select_winner),
)
