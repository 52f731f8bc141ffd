"""Sequences: the steps of a campaign."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

from .common import campaign_of, find

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
_FIXED: Final[tuple[str, ...]] = ("_id", "index", "sequenceId", "emailTemplateId", "type")


def get_sequences(call: Call) -> Record:
    """The sequences of a campaign by their ids: the main one, and a pair for each condition."""
    campaign = campaign_of(call)
    own = [row for row in call.team.sequences.values() if row["campaignId"] == campaign["_id"]]
    return {sequence["_id"]: _view(sequence) for sequence in own}


def _view(sequence: Record) -> Record:
    steps = [
        step | {"index": number + 1, "sequenceStep": number} for number, step in enumerate(sequence["steps"])
    ]
    shown = ("_id", "level", "parentId", "conditionalStepIndex")
    return {field: sequence[field] for field in shown if field in sequence} | {"steps": steps}


def sequence_of(call: Call) -> Record:
    """The sequence of the path."""
    return find(call, call.team.sequences, call.ids["sequenceId"], "Sequence not found")


def step_of(call: Call, sequence: Record) -> Record:
    """The step of the path."""
    steps: list[Record] = sequence["steps"]
    step = next((step for step in steps if step["_id"] == call.ids["stepId"]), None)
    if step is None:
        raise refuse(404, "Step not found")
    return step


def add_step(call: Call) -> Record:
    """Inserts a step at ``index`` (from 0), or at the end; a condition brings two branches."""
    sequence, body = sequence_of(call), call.record()
    step = defaults.step(call.team, sequence["_id"], _type_of(body)) | _content(body)
    if step["type"] == "conditional":
        step["conditions"] = _branches(call, sequence)
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
    if not isinstance(delay, int) or isinstance(delay, bool) or delay < 0:
        raise refuse(400, "Bad params: delay must be a whole number of days")
    return {field: value for field, value in body.items() if field not in _FIXED}


def _branches(call: Call, sequence: Record) -> list[Record]:
    """Two empty sequences below: one if the condition holds, one if not."""
    home = {"campaignId": sequence["campaignId"], "level": sequence["level"] + 1, "parentId": sequence["_id"]}
    at = {"conditionalStepIndex": len(sequence["steps"])}
    branches = [
        call.team.sequences.keep({"_id": call.team.new_id("seq"), **home, **at, "steps": list[Record]()})
        for _ in range(2)
    ]
    return [{"sequenceId": branch["_id"], "fallback": number == 1} for number, branch in enumerate(branches)]


def update_step(call: Call) -> Record:
    """``type`` has to be repeated, and cannot change."""
    sequence, body = sequence_of(call), call.record()
    step = step_of(call, sequence)
    if _type_of(body) != step["type"]:
        raise refuse(400, "Bad params: the type of a step cannot be changed")
    step |= _content(body)
    return step


def delete_step(call: Call) -> Record:
    """Not while the campaign runs."""
    sequence = sequence_of(call)
    step = step_of(call, sequence)
    campaign = call.team.campaigns[sequence["campaignId"]]
    if campaign["status"] == "running":
        raise refuse(400, "You cannot delete this step because the campaign is running")
    sequence["steps"].remove(step)
    for branch in step.get("conditions", []):
        del call.team.sequences[branch["sequenceId"]]
    return {"ok": True}


ROUTES = (
    Route("GET", "/campaigns/{campaignId}/sequences", get_sequences),
    Route("POST", "/sequences/{sequenceId}/steps", add_step),
    Route("PATCH", "/sequences/{sequenceId}/steps/{stepId}", update_step),
    Route("DELETE", "/sequences/{sequenceId}/steps/{stepId}", delete_step),
)
