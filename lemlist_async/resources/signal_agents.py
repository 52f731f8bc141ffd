"""Signal agents: they watch people and companies for events. The API calls them watch lists."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Wire
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import Between, Form, Length, check_length
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Numbered, Pages
from lemlist_async.resources._base import IDEMPOTENT, UNSAFE, Resource, changes, query_of, within

SignalType = Literal[
    "companyIsHiring", "companyRaisedFunds", "recruitmentCampaign", "jobChange", "newHire",
    "companyEmployeeVisitedMyWebsite", "customSignals", "competitorConnections", "competitorReactions",
    "companyFollowers", "technologyChange", "linkedinPeopleProfile", "linkedinCompanyProfile",
    "mergersAcquisitions", "promotion", "linkedinKeywords", "externalSignalContact",
    "externalSignalCompany", "buyingIntent",
]  # fmt: skip
SignalFilterId = Literal[
    "title", "description", "location", "visitLocation", "website", "pagesTracked", "minVisitDuration",
    "minPageViewed", "internalTraffic", "linkedinUrls", "companyLinkedinUrls", "companyNames",
    "companyLocation", "companyIndustries", "companySizes", "maxIdentificationsPerDay", "excludedVisitorIps",
    "reactionTypes", "linkedinTopics", "bomboraTopics", "watcherWatchKey", "questions",
    "fundraisingMinAmount", "fundraisingMaxAmount", "fundraisingInvestmentTypes", "fundraisingInvestors",
    "technologies", "detectionMode", "maDealTypes", "maMinAmount", "persona", "customPersonaTitles",
    "externalSignalFieldMapping", "externalSignalCustomFieldMapping", "seniority", "crmListIds",
    "minJobCount", "timeframe",
]  # fmt: skip
AgentStatus = Literal[
    "active", "inactive", "draft", "insufficient_credits", "empty_crm_lists", "error", "delete"
]
SignalStatus = Literal["new", "old", "handled", "ignored"]
Processing = Literal["manual", "create_opportunity", "push_to_campaign"]
SegmentType = Literal["all", "list", "csv"]
SignalEntity = Literal["contact", "company"]


@model
class AgentFilter(Model):
    """A condition of an agent."""

    filter_id: SignalFilterId | str | None = None
    include: Annotated[list[str] | None, Wire("in")] = None
    exclude: Annotated[list[str] | None, Wire("out")] = None


@model
class TaskText(Model):
    """The text of a task that a signal makes."""

    title: str | None = None
    subject: str | None = None
    email_template_id: str | None = None
    message: str | None = None


@model
class TaskTemplate(Model):
    """The task that a signal makes."""

    owner_type: Literal["contact_owner", "specific_owner"] | str | None = None
    owner_id: str | None = None
    type: str | None = None
    priority: int | None = None
    """0 to 2."""
    data: TaskText | None = None


@model
class SignalAgent(Model):
    """An agent: what it watches for, and what becomes of a signal."""

    id: Id
    name: str | None = None
    emoji: str | None = None
    type: SignalType | str | None = None
    status: AgentStatus | str | None = None
    entity: SignalEntity | str | None = None
    segment_type: SegmentType | str | None = None
    signal_processing_type: Processing | str | None = None
    signal_opportunity_template: TaskTemplate | None = None
    filters: list[AgentFilter] | None = None


@model
class DeletedAgent(Model):
    """Deleted record."""

    id: Annotated[str | None, Wire("_id")] = None
    deleted: bool | None = None
    deleted_count: int | None = None


@model
class HistoryStats(Model):
    """Result of a configuration."""

    signals_count: int | None = None
    campaigns: list[dict[str, Any]] | None = None


@model
class AgentHistory(Model):
    """A configuration that an agent had."""

    id: Id
    start_date: datetime | None = None
    end_date: datetime | None = None
    created_by: str | None = None
    name: str | None = None
    emoji: str | None = None
    type: SignalType | str | None = None
    entity: SignalEntity | str | None = None
    segment_type: SegmentType | str | None = None
    filters: list[AgentFilter] | None = None
    signal_processing_type: Processing | str | None = None
    stats: HistoryStats | None = None


@model
class SignalContact(Model):
    """The person that a signal is about."""

    id: Annotated[str | None, Wire("_id")] = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    job_title: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    picture: str | None = None


@model
class SignalCompany(Model):
    """The company that a signal is about."""

    id: Annotated[str | None, Wire("_id")] = None
    name: str | None = None
    domain: str | None = None
    linkedin_url: str | None = None
    industry: str | None = None
    picture: str | None = None


@model
class Signal(Model):
    """An event that an agent noticed."""

    id: Id
    team_id: str | None = None
    watch_list_id: str | None = None
    """The agent."""
    watch_list_name: str | None = None
    type: SignalType | str | None = None
    status: SignalStatus | str | None = None
    received_at: datetime | None = None
    created_at: datetime | None = None
    contact: SignalContact | None = None
    company: SignalCompany | None = None
    signal_data: dict[str, Any] | None = None
    """Data that depends on the type, such as ``jobTitle`` or ``fundingAmountUsd``, under lemlist's names."""


@model
class PushedEntity(Model):
    """Person or company of a pushed signal."""

    type: SignalEntity | str | None = None
    id: str | None = None
    enriched: bool | None = None


@model
class PushedSignal(Model):
    """Outcome of a pushed signal; an ignored signal is not an error."""

    status: Literal["processed", "ignored"] | str | None = None
    signal_id: str | None = None
    reason: Literal["no_entity_match", "daily_limit_reached"] | str | None = None
    """Why it was ignored."""
    credits_consumed: int | None = None
    entity: PushedEntity | None = None


@model
class SignalKind(Model):
    """A type of signals that agents can watch for."""

    type: SignalType | str | None = None
    title: str | None = None
    description: str | None = None


@model
class FilterValues(Model):
    """The values that a condition takes."""

    filter_id: SignalFilterId | str | None = None
    results: list[str] | None = None
    """None where any text is taken."""


class FilterOfAgent(TypedDict, total=False):
    """A condition of an agent; its values must be those of `filter_values`, and numbers be texts."""

    filter_id: Required[SignalFilterId | str]
    include: Annotated[Sequence[str], Wire("in")]
    exclude: Annotated[Sequence[str], Wire("out")]


class NewTaskText(TypedDict, total=False):
    """The text of a task that a signal makes."""

    title: str
    subject: str
    """For e-mails."""
    email_template_id: str
    message: str


class NewTaskTemplate(TypedDict, total=False):
    """The task that a signal makes."""

    owner_type: Literal["contact_owner", "specific_owner"]
    owner_id: str
    """For ``specific_owner``."""
    type: Literal["email", "phone", "linkedinSend", "whatsappMessage", "manual"]
    priority: Annotated[int, Between(0, 2)]
    data: NewTaskText


class NewAgent(TypedDict, total=False):
    """An agent to make. The four after the type are optional on paper, and needed in fact."""

    name: Required[str]
    type: Required[SignalType | str]
    filters: Required[Sequence[FilterOfAgent]]
    signal_processing_type: Required[Processing]
    activate: Required[bool]
    """Begin to watch, which spends credits."""
    segment_type: Required[Literal["all"]]
    signal_opportunity_template: NewTaskTemplate
    """For ``create_opportunity``."""
    emoji: str
    """By default any."""


class AgentChanges(TypedDict, total=False):
    """Fields to change; what is left out keeps its value."""

    name: str
    filters: Sequence[FilterOfAgent]
    emoji: str
    signal_processing_type: Processing


class AgentQuery(TypedDict, total=False):
    """Filters of agents."""

    type: Annotated[SignalType | str | Sequence[SignalType | str], InQuery()]
    status: Annotated[AgentStatus | str | Sequence[AgentStatus | str], InQuery()]
    """By default all but ``delete``."""


class SignalQuery(TypedDict, total=False):
    """Filters of signals."""

    type: Annotated[SignalType | str | Sequence[SignalType | str], Wire("type[]"), InQuery("repeated")]
    status: Annotated[
        SignalStatus | str | Sequence[SignalStatus | str], Wire("status[]"), InQuery("repeated")
    ]
    received_at_from: Annotated[datetime | str, InQuery(), Form("date-time")]
    """Then or later; ISO 8601 as text."""
    received_at_to: Annotated[datetime | str, InQuery(), Form("date-time")]
    """Then or before."""
    watch_list_id: Annotated[str, InQuery(), Length(1)]
    """One agent."""
    sort_by: Annotated[Literal["receivedAt", "createdAt"], InQuery()]
    sort_order: Annotated[Literal["asc", "desc"], InQuery()]


class ExternalContact(TypedDict, total=False):
    """A person that a signal of your own is about."""

    linkedin_url: Required[str]
    email: str
    first_name: str
    last_name: str


class ExternalCompany(TypedDict, total=False):
    """A company that a signal of your own is about."""

    domain: Required[str]
    name: Required[str]
    linkedin_url: str


class ExternalSignal(TypedDict, total=False):
    """A signal of your own."""

    contact: ExternalContact
    """For agents of type ``externalSignalContact``."""
    company: ExternalCompany
    """For agents of type ``externalSignalCompany``."""
    custom_fields: Annotated[Mapping[str, str], Length(0, 20)]
    """20 texts at most, kept with the signal."""


class SignalAgentsResource(Resource):
    """`lemlist.signal_agents`."""

    def list(self, *, page_size: int = 100, **query: Unpack[AgentQuery]) -> Pages[SignalAgent]:
        """All agents, `page_size` (1 to 100) a call.

        GET /watchlist
        """
        return self._pages(
            SignalAgent,
            "/watchlist",
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=encode(AgentQuery, query),
            changed_by=("/watchlist",),
        )

    async def create(self, **fields: Unpack[NewAgent]) -> SignalAgent:
        """A new agent; active ones spend credits.

        Raises:
            PlanLimitError: the plan allows no more agents; waiting does not help.

        POST /watchlist
        """
        return await self._call(
            "POST",
            SignalAgent,
            "/watchlist",
            effect=UNSAFE,
            payload=encode(NewAgent, fields),
            under="data",
            plan_limited=True,
            verify="look for the name in signal_agents.list()",
        )

    async def update(self, agent_id: str, **fields: Unpack[AgentChanges]) -> SignalAgent:
        """Change an agent.

        PATCH /watchlist
        """
        body = {"watchListId": agent_id, **(changes(AgentChanges, fields).body or {})}
        return await self._call(
            "PATCH", SignalAgent, "/watchlist", effect=IDEMPOTENT, body=body, under="data", acts_on=agent_id
        )

    async def delete(self, agent_id: str) -> DeletedAgent:
        """Delete an agent.

        DELETE /watchlist
        """
        payload = query_of(watchListId=agent_id)
        return await self._call(
            "DELETE", DeletedAgent, "/watchlist", effect=IDEMPOTENT, payload=payload, under="data"
        )

    def list_history(self, agent_id: str, *, page_size: int = 100) -> Pages[AgentHistory]:
        """The configurations that an agent had, `page_size` (1 to 100) a call.

        GET /watchlist/history
        """
        scheme = Numbered(within("page_size", page_size, 1, 100))
        payload = query_of(watchListId=agent_id)
        return self._pages(AgentHistory, "/watchlist/history", scheme=scheme, payload=payload)

    def list_signals(self, *, page_size: int = 100, **query: Unpack[SignalQuery]) -> Pages[Signal]:
        """Signals that agents noticed, `page_size` (1 to 100) per call.

        GET /watchlist/signals
        """
        return self._pages(
            Signal,
            "/watchlist/signals",
            scheme=Numbered(within("page_size", page_size, 1, 100)),
            payload=encode(SignalQuery, query),
        )

    async def push_signal(self, agent_id: str, **fields: Unpack[ExternalSignal]) -> PushedSignal:
        """Hand in a signal of your own, which may make a task or feed a campaign.

        Raises:
            InvalidInputError: neither `contact` nor `company`.

        POST /watchlist/{watchListId}/external-signals
        """
        if not {"contact", "company"} & fields.keys():
            raise InvalidInputError("give contact or company, whichever the agent watches")
        return await self._call(
            "POST",
            PushedSignal,
            "/watchlist/{watchListId}/external-signals",
            agent_id,
            effect=UNSAFE,
            payload=encode(ExternalSignal, fields),
            verify="look for the signal in signal_agents.list_signals(watch_list_id=agent_id)",
        )

    async def list_types(self) -> builtins.list[SignalKind]:
        """Types of signals that agents can watch for.

        GET /watchlist/library
        """
        return await self._call("GET", list[SignalKind], "/watchlist/library")

    async def list_filters(self, *, type: SignalType | str | None = None) -> dict[str, Any]:  # noqa: A002  # lemlist's name
        """The conditions that agents of one type take, or of all, as lemlist describes them.

        GET /watchlist/filters
        """
        payload = query_of(type=type)
        return await self._call("GET", dict[str, Any], "/watchlist/filters", payload=payload, under="data")

    async def list_filter_values(
        self, filter_id: SignalFilterId | str, *, query: str | None = None
    ) -> FilterValues:
        """The values that a condition takes, those for a search of 1 to 100 characters or all.

        GET /watchlist/filter-values
        """
        payload = query_of(filterId=filter_id)
        if query is not None:
            check_length("query", query, Length(1, 100))
            payload = payload.asking(query=query)
        return await self._call(
            "GET", FilterValues, "/watchlist/filter-values", payload=payload, under="data"
        )
