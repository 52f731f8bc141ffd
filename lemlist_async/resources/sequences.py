"""Sequences of campaigns: their steps, and A/B tests of e-mail steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id
from lemlist_async.core.payload import encode
from lemlist_async.core.validation import Between, Form, Length, chosen
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, UNSAFE, Done, Resource, changes, query_of

StepType = Literal[
    "email", "manual", "phone", "api", "linkedinVisit", "linkedinInvite", "linkedinSend", "linkedinVoiceNote",
    "linkedinFollow", "linkedinLikeLastPost", "linkedinCommentLastPost", "linkedinEndorse",
    "linkedinWithdrawInvitation", "sendToAnotherCampaign", "conditional", "whatsappMessage", "sms",
]  # fmt: skip
ConditionKey = Literal[
    "hasEmailAddress", "hasLinkedinUrl", "hasPhoneNumber", "hasScore", "emailsOpened", "emailsClicked",
    "emailsUnsubscribed", "meetingBooked", "linkedinInviteAccepted", "linkedinOpened", "aircallDone",
    "linkedinNetworkCheck", "hasWhatsappAccount",
]  # fmt: skip
Variant = Literal["A", "B"]


@model
class Step(Model):
    """A step of a sequence; what is particular to its type is in `extra`."""

    id: Id
    type: StepType | str | None = None
    """Absent now and then, for an e-mail."""
    index: int | None = None
    delay: float | None = None
    """Days after the step before."""
    sequence_id: str | None = None
    sequence_step: int | None = None
    """Place in the sequence, from 0."""
    email_template_id: str | None = None
    """Set for messages of every channel."""
    email_template_b_id: str | None = None
    ab_test: bool | str | None = None
    """Whether a test runs, or the variant that won it."""
    subject: str | None = None
    message: str | None = None
    alt_message: str | None = None
    conditions: list[dict[str, Any]] | None = None
    """The branches of a ``conditional`` step; undocumented."""


@model
class CampaignSequence(Model):
    """A sequence: the main one of a campaign, or a branch of a ``conditional`` step."""

    id: Id
    steps: list[Step] | None = None
    level: int | None = None
    """0 for the main one."""
    parent_id: str | None = None
    conditional_step_index: int | None = None


@model
class ABVariant(Model):
    """Variant B of an e-mail step."""

    step_id: str | None = None
    ab_test: bool | str | None = None
    """True while the test runs, then the variant that won."""
    email_template_b_id: str | None = None
    subject: str | None = None
    message: str | None = None
    """HTML."""
    alt_message: str | None = None
    cc: list[str] | None = None
    plain_text: bool | None = None


class StepFields(TypedDict, total=False):
    """The fields of a step; which of them count depends on its type."""

    delay: Annotated[int, Between(0)]
    """Whole days after the step before; by default 0 for the first step, else 1."""
    subject: str
    """Needed for ``email``."""
    message: str
    """Needed for ``linkedinSend``, ``whatsappMessage`` and ``sms``."""
    alt_message: str
    """Another text for ``linkedinSend``."""
    title: str
    """For ``manual``."""
    method: Literal["GET", "POST", "PUT", "DELETE", "PATCH"]
    """For ``api``."""
    url: Annotated[str, Form("url")]
    """Needed for ``api``; http or https."""
    condition_key: ConditionKey | str
    """For ``conditional``."""
    delay_type: Literal["within", "waitUntil"]
    """For ``conditional``."""
    campaign_id: str
    """For ``sendToAnotherCampaign``: one that is not archived."""
    images: Annotated[Sequence[str], Length(0, 6), Form("url")]
    """For ``linkedinInvite`` and ``linkedinSend``: https addresses (PNG, JPEG, GIF; 20 MB each), 6 with videos."""
    videos: Annotated[Sequence[str], Length(0, 6), Form("url")]
    """https addresses (MP4, QuickTime, 20 MB each); an empty list takes them off."""
    skill_name: str
    """For ``linkedinEndorse``."""
    endorse_any_fallback: bool
    """For ``linkedinEndorse``: another skill where the person has not this one."""
    record_mode: Literal["manual", "ai"]
    """For ``linkedinVoiceNote``; by default ``manual``."""


class NewStep(StepFields, total=False):
    """A step to insert."""

    type: Required[StepType | str]
    index: Annotated[int, Between(-1)]
    """Position; by default at the end."""


class StepChanges(StepFields, total=False):
    """Fields of a step to change; what is left out keeps its value."""

    type: Required[StepType | str]
    """Must be said, and cannot be changed."""


class VariantChanges(TypedDict, total=False):
    """Fields of variant B to change; what is left out keeps its value."""

    subject: Annotated[str, Length(0, 400)]
    """400 characters at most."""
    message: str
    """HTML."""
    alt_message: str
    cc: Sequence[str]
    plain_text: bool


class SequencesResource(Resource):
    """`lemlist.sequences`. A/B tests need the plan Email Pro; without it they end in PaymentRequiredError."""

    async def list_for_campaign(self, campaign_id: str) -> dict[str, CampaignSequence]:
        """The sequences of a campaign by their ids: the main one and the branches.

        GET /campaigns/{campaignId}/sequences
        """
        path = "/campaigns/{campaignId}/sequences"
        return await self._call("GET", dict[str, CampaignSequence], path, campaign_id)

    async def create_step(self, sequence_id: str, **fields: Unpack[NewStep]) -> Step:
        """Insert a step.

        POST /sequences/{sequenceId}/steps
        """
        return await self._call(
            "POST",
            Step,
            "/sequences/{sequenceId}/steps",
            sequence_id,
            effect=UNSAFE,
            payload=encode(NewStep, fields),
            verify="look for the step in sequences.list_for_campaign(campaign_id)",
        )

    async def update_step(self, sequence_id: str, step_id: str, **fields: Unpack[StepChanges]) -> Step:
        """Change a step; its type must be said, and cannot be changed.

        PATCH /sequences/{sequenceId}/steps/{stepId}
        """
        return await self._call(
            "PATCH",
            Step,
            "/sequences/{sequenceId}/steps/{stepId}",
            sequence_id,
            step_id,
            effect=IDEMPOTENT,
            payload=encode(StepChanges, fields),
        )

    async def delete_step(self, sequence_id: str, step_id: str) -> Done:
        """Take a step out; the campaign must not run.

        DELETE /sequences/{sequenceId}/steps/{stepId}
        """
        path = "/sequences/{sequenceId}/steps/{stepId}"
        return await self._call("DELETE", Done, path, sequence_id, step_id, effect=IDEMPOTENT)

    async def create_variant(self, sequence_id: str, step_id: str) -> ABVariant:
        """Copy an e-mail step as variant B, and start the test.

        POST /sequences/{sequenceId}/steps/{stepId}/ab-test
        """
        return await self._call(
            "POST",
            ABVariant,
            "/sequences/{sequenceId}/steps/{stepId}/ab-test",
            sequence_id,
            step_id,
            effect=DEDUPABLE,
            verify="sequences.get_variant(sequence_id, step_id) finds it",
        )

    async def get_variant(self, sequence_id: str, step_id: str) -> ABVariant:
        """Variant B of an e-mail step.

        GET /sequences/{sequenceId}/steps/{stepId}/ab-test
        """
        path = "/sequences/{sequenceId}/steps/{stepId}/ab-test"
        return await self._call("GET", ABVariant, path, sequence_id, step_id)

    async def update_variant(
        self, sequence_id: str, step_id: str, **fields: Unpack[VariantChanges]
    ) -> ABVariant:
        """Change variant B.

        PATCH /sequences/{sequenceId}/steps/{stepId}/ab-test
        """
        return await self._call(
            "PATCH",
            ABVariant,
            "/sequences/{sequenceId}/steps/{stepId}/ab-test",
            sequence_id,
            step_id,
            effect=IDEMPOTENT,
            payload=changes(VariantChanges, fields),
        )

    async def delete_variant(self, sequence_id: str, step_id: str, *, variant: Variant = "B") -> Done:
        """End the test without one of the variants; without A, B becomes A.

        Dropping A is never repeated by itself: once B has become A, a repeat could drop the wrong text.

        DELETE /sequences/{sequenceId}/steps/{stepId}/ab-test
        """
        return await self._call(
            "DELETE",
            Done,
            "/sequences/{sequenceId}/steps/{stepId}/ab-test",
            sequence_id,
            step_id,
            effect=IDEMPOTENT if variant == "B" else UNSAFE,
            payload=query_of(variant=chosen("variant", variant, Variant)),
            verify="sequences.get_variant(sequence_id, step_id) finds nothing once the test has ended",
        )

    async def select_winner(self, sequence_id: str, step_id: str, variant: Variant) -> ABVariant:
        """End the test in favour of a variant, which all remaining leads get.

        Raises:
            AlreadyDoneError: a winner was selected before.

        POST /sequences/{sequenceId}/steps/{stepId}/ab-test/winner
        """
        return await self._call(
            "POST",
            ABVariant,
            "/sequences/{sequenceId}/steps/{stepId}/ab-test/winner",
            sequence_id,
            step_id,
            effect=DEDUPABLE,
            body={"variant": chosen("variant", variant, Variant)},
            verify="ab_test of the step in sequences.list_for_campaign(campaign_id) names the winner",
        )
