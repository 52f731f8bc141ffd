"""Sequences: the steps of a campaign."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import campaign_of, find
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "sequence_of", "step_of"]

TYPES: Final[tuple[str, ...]] = (
    "email",
    "manual",
    "phone",
    "api",
    "linkedinVisit",
    "linkedinInvite",
    "linkedinSend",
    "linkedinVoiceNote",
    "linkedinFollow",
    "linkedinLikeLastPost",
    "linkedinCommentLastPost",
    "linkedinEndorse",
    "linkedinWithdrawInvitation",
    "sendToAnotherCampaign",
    "conditional",
    "whatsappMessage",
    "sms",
)
_FIXED: Final[tuple[str, ...]] = ("_id", "index", "sequenceId", "emailTemplateId", "type", "conditions")
_LONGEST_DELAY: Final = 1500


def get_sequences(context: RequestContext) -> Record:
    """Return the sequences of a campaign by id: the main one, and a pair for each condition."""
    campaign = campaign_of(context)
    own = [row for row in context.team.sequences.values() if row["campaignId"] == campaign["_id"]]
    return {sequence["_id"]: _view(sequence) for sequence in own}


def _view(sequence: Record) -> Record:
    steps = [
        step | {"index": number + 1, "sequenceStep": number} for number, step in enumerate(sequence["steps"])
    ]
    shown = ("_id", "level", "parentId", "conditionalStepIndex")
    return {field: sequence[field] for field in shown if field in sequence} | {"steps": steps}


def sequence_of(context: RequestContext) -> Record:
    """Return the sequence that the path names."""
    return find(context, context.team.sequences, context.ids["sequenceId"], "Sequence not found")


def step_of(context: RequestContext, sequence: Record) -> Record:
    """Return the step that the path names."""
    steps: list[Record] = sequence["steps"]
    step = next((step for step in steps if step["_id"] == context.ids["stepId"]), None)
    if step is None:
        raise refuse(404, "Step not found")
    return step


def add_step(context: RequestContext) -> Record:
    """Insert a step at ``index`` (from 0), or at the end. A condition adds two branches."""
    sequence, body = sequence_of(context), context.record()
    step = defaults.step(context.team, sequence["_id"], _type_of(body)) | _content(body)
    if step["type"] == "conditional":
        step["conditions"] = _branches(context, sequence)
    index = body.get("index", len(sequence["steps"]))
    if not isinstance(index, int) or index < 0:
        raise refuse(400, "Bad params: index must be a positive integer")
    sequence["steps"].insert(index, step)
    return step


def _type_of(body: Record) -> str:
    kind = body.get("type")
    if kind not in TYPES:
        raise refuse(400, "Bad params: type is invalid")
    return str(kind)


def _content(body: Record) -> Record:
    delay = body.get("delay", 0)
    if not isinstance(delay, int) or isinstance(delay, bool) or not 0 <= delay <= _LONGEST_DELAY:
        raise refuse(400, "Bad params: delay must be a whole number of days")
    return {field: value for field, value in body.items() if field not in _FIXED}


def _branches(context: RequestContext, sequence: Record) -> list[Record]:
    """Create two empty sequences: one for a condition that holds, one for the other case."""
    home = {"campaignId": sequence["campaignId"], "level": sequence["level"] + 1, "parentId": sequence["_id"]}
    at = {"conditionalStepIndex": len(sequence["steps"])}
    branches = [
        context.team.sequences.keep(
            {"_id": context.team.new_id("seq"), **home, **at, "steps": list[Record]()}
        )
        for _ in range(2)
    ]
    return [{"sequenceId": branch["_id"], "fallback": number == 1} for number, branch in enumerate(branches)]


def update_step(context: RequestContext) -> Record:
    """Change a step. ``type`` has to be repeated, and cannot change."""
    sequence, body = sequence_of(context), context.record()
    step = step_of(context, sequence)
    if _type_of(body) != step["type"]:
        raise refuse(400, "Bad params: the type of a step cannot be changed")
    step |= _content(body)
    return step


def delete_step(context: RequestContext) -> Record:
    """Delete a step. A running campaign prevents it."""
    sequence = sequence_of(context)
    step = step_of(context, sequence)
    campaign = context.team.campaigns[sequence["campaignId"]]
    if campaign["status"] == "running":
        raise refuse(400, "You cannot delete this step because the campaign is running")
    sequence["steps"].remove(step)
    for branch in step.get("conditions", []):
        del context.team.sequences[branch["sequenceId"]]
    return {"ok": True}


ROUTES = (
    Route("GET", "/campaigns/{campaignId}/sequences", get_sequences),
    Route("POST", "/sequences/{sequenceId}/steps", add_step),
    Route("PATCH", "/sequences/{sequenceId}/steps/{stepId}", update_step),
    Route("DELETE", "/sequences/{sequenceId}/steps/{stepId}", delete_step),
)
