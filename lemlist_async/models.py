"""Models of responses, groups of arguments and closed sets of values, of all areas of the API.

Each is imported on first use from the module of its area. Written by ``python -m tests.support.models_module``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async.resources.activities import Activity as Activity
    from lemlist_async.resources.activities import ActivityFilter as ActivityFilter
    from lemlist_async.resources.activities import ActivityLead as ActivityLead
    from lemlist_async.resources.campaigns_models import AIFeatures as AIFeatures
    from lemlist_async.resources.campaigns_models import AutoReview as AutoReview
    from lemlist_async.resources.campaigns_models import Campaign as Campaign
    from lemlist_async.resources.campaigns_models import CampaignChanges as CampaignChanges
    from lemlist_async.resources.campaigns_models import CampaignFilter as CampaignFilter
    from lemlist_async.resources.campaigns_models import CampaignReport as CampaignReport
    from lemlist_async.resources.campaigns_models import CampaignSender as CampaignSender
    from lemlist_async.resources.campaigns_models import CampaignSettings as CampaignSettings
    from lemlist_async.resources.campaigns_models import CampaignState as CampaignState
    from lemlist_async.resources.campaigns_models import CampaignStats as CampaignStats
    from lemlist_async.resources.campaigns_models import Channel as Channel
    from lemlist_async.resources.campaigns_models import ConfiguredSender as ConfiguredSender
    from lemlist_async.resources.campaigns_models import CreatedCampaign as CreatedCampaign
    from lemlist_async.resources.campaigns_models import Creator as Creator
    from lemlist_async.resources.campaigns_models import Export as Export
    from lemlist_async.resources.campaigns_models import ExportState as ExportState
    from lemlist_async.resources.campaigns_models import ExportStatus as ExportStatus
    from lemlist_async.resources.campaigns_models import ExportedLead as ExportedLead
    from lemlist_async.resources.campaigns_models import NewCampaign as NewCampaign
    from lemlist_async.resources.campaigns_models import OnLinkClicked as OnLinkClicked
    from lemlist_async.resources.campaigns_models import OnMeetingBooked as OnMeetingBooked
    from lemlist_async.resources.campaigns_models import OnReplied as OnReplied
    from lemlist_async.resources.campaigns_models import Progress as Progress
    from lemlist_async.resources.campaigns_models import ReplyAction as ReplyAction
    from lemlist_async.resources.campaigns_models import SenderMailbox as SenderMailbox
    from lemlist_async.resources.campaigns_models import StatsBatch as StatsBatch
    from lemlist_async.resources.campaigns_models import StatsBatchQuery as StatsBatchQuery
    from lemlist_async.resources.campaigns_models import StatsError as StatsError
    from lemlist_async.resources.campaigns_models import StatsQuery as StatsQuery
    from lemlist_async.resources.campaigns_models import StatsSpan as StatsSpan
    from lemlist_async.resources.campaigns_models import Statute as Statute
    from lemlist_async.resources.campaigns_models import Statutes as Statutes
    from lemlist_async.resources.campaigns_models import StepStats as StepStats
    from lemlist_async.resources.campaigns_models import Tracking as Tracking
    from lemlist_async.resources.companies import Company as Company
    from lemlist_async.resources.companies import CompanyFields as CompanyFields
    from lemlist_async.resources.companies import CompanyFilter as CompanyFilter
    from lemlist_async.resources.companies import CompanyNote as CompanyNote
    from lemlist_async.resources.companies import CompanyRejection as CompanyRejection
    from lemlist_async.resources.companies import CompanyUpsert as CompanyUpsert
    from lemlist_async.resources.companies import CrmSync as CrmSync
    from lemlist_async.resources.companies import CrmSyncError as CrmSyncError
    from lemlist_async.resources.companies import CrmSyncStatus as CrmSyncStatus
    from lemlist_async.resources.companies import DeletedCompany as DeletedCompany
    from lemlist_async.resources.companies import NoteOrder as NoteOrder
    from lemlist_async.resources.contacts import Contact as Contact
    from lemlist_async.resources.contacts import ContactCampaign as ContactCampaign
    from lemlist_async.resources.contacts import ContactEmail as ContactEmail
    from lemlist_async.resources.contacts import ContactFields as ContactFields
    from lemlist_async.resources.contacts import ContactFilter as ContactFilter
    from lemlist_async.resources.contacts import ContactIds as ContactIds
    from lemlist_async.resources.contacts import ContactList as ContactList
    from lemlist_async.resources.contacts import ContactRejection as ContactRejection
    from lemlist_async.resources.contacts import ContactUpsert as ContactUpsert
    from lemlist_async.resources.contacts import CreatedList as CreatedList
    from lemlist_async.resources.contacts import DeletedContact as DeletedContact
    from lemlist_async.resources.contacts import Entity as Entity
    from lemlist_async.resources.contacts import FieldRejection as FieldRejection
    from lemlist_async.resources.contacts import ListChange as ListChange
    from lemlist_async.resources.contacts import UpsertWarning as UpsertWarning
    from lemlist_async.resources.crm import Crm as Crm
    from lemlist_async.resources.crm import CrmFilter as CrmFilter
    from lemlist_async.resources.crm import CrmFilterQuery as CrmFilterQuery
    from lemlist_async.resources.crm import CrmFilterType as CrmFilterType
    from lemlist_async.resources.crm import CrmImport as CrmImport
    from lemlist_async.resources.database import BusinessCustomer as BusinessCustomer
    from lemlist_async.resources.database import CompanySearch as CompanySearch
    from lemlist_async.resources.database import DatabaseCompany as DatabaseCompany
    from lemlist_async.resources.database import DatabaseFilter as DatabaseFilter
    from lemlist_async.resources.database import DeletedPersona as DeletedPersona
    from lemlist_async.resources.database import Education as Education
    from lemlist_async.resources.database import Experience as Experience
    from lemlist_async.resources.database import Interest as Interest
    from lemlist_async.resources.database import Language as Language
    from lemlist_async.resources.database import NewPersona as NewPersona
    from lemlist_async.resources.database import PeopleSearch as PeopleSearch
    from lemlist_async.resources.database import Person as Person
    from lemlist_async.resources.database import Persona as Persona
    from lemlist_async.resources.database import PersonaCondition as PersonaCondition
    from lemlist_async.resources.database import PersonaFilter as PersonaFilter
    from lemlist_async.resources.database import PersonaMode as PersonaMode
    from lemlist_async.resources.database import SearchFilter as SearchFilter
    from lemlist_async.resources.database import Skill as Skill
    from lemlist_async.resources.deliverability import AlertChanges as AlertChanges
    from lemlist_async.resources.deliverability import AlertChannel as AlertChannel
    from lemlist_async.resources.deliverability import AlertChannels as AlertChannels
    from lemlist_async.resources.deliverability import ChannelConfig as ChannelConfig
    from lemlist_async.resources.deliverability import Comparison as Comparison
    from lemlist_async.resources.deliverability import DeletedAlert as DeletedAlert
    from lemlist_async.resources.deliverability import DeliverabilityAlert as DeliverabilityAlert
    from lemlist_async.resources.deliverability import Metric as Metric
    from lemlist_async.resources.deliverability import NewAlert as NewAlert
    from lemlist_async.resources.deliverability import PeriodMode as PeriodMode
    from lemlist_async.resources.deliverability import Scope as Scope
    from lemlist_async.resources.deliverability import Severity as Severity
    from lemlist_async.resources.deliverability import ToChannel as ToChannel
    from lemlist_async.resources.deliverability import ToEmail as ToEmail
    from lemlist_async.resources.deliverability import Widget as Widget
    from lemlist_async.resources.email_accounts import ConnectionTest as ConnectionTest
    from lemlist_async.resources.email_accounts import EmailAccount as EmailAccount
    from lemlist_async.resources.email_accounts import EmailAccountTest as EmailAccountTest
    from lemlist_async.resources.email_accounts import NewEmailAccount as NewEmailAccount
    from lemlist_async.resources.enrichments import BulkEnrichment as BulkEnrichment
    from lemlist_async.resources.enrichments import Enrichment as Enrichment
    from lemlist_async.resources.enrichments import EnrichmentData as EnrichmentData
    from lemlist_async.resources.enrichments import EnrichmentInput as EnrichmentInput
    from lemlist_async.resources.enrichments import EnrichmentJob as EnrichmentJob
    from lemlist_async.resources.enrichments import EnrichmentKind as EnrichmentKind
    from lemlist_async.resources.enrichments import EnrichmentRequest as EnrichmentRequest
    from lemlist_async.resources.enrichments import EnrichmentStatus as EnrichmentStatus
    from lemlist_async.resources.enrichments import FoundEmail as FoundEmail
    from lemlist_async.resources.enrichments import FoundPhone as FoundPhone
    from lemlist_async.resources.enrichments import LeadEnrichmentRequest as LeadEnrichmentRequest
    from lemlist_async.resources.enrichments import NewEnrichment as NewEnrichment
    from lemlist_async.resources.fields import Field as Field
    from lemlist_async.resources.fields import FieldFilter as FieldFilter
    from lemlist_async.resources.fields import FieldSource as FieldSource
    from lemlist_async.resources.fields import Fields as Fields
    from lemlist_async.resources.inbox import Attachment as Attachment
    from lemlist_async.resources.inbox import Conversation as Conversation
    from lemlist_async.resources.inbox import ConversationContact as ConversationContact
    from lemlist_async.resources.inbox import ConversationUser as ConversationUser
    from lemlist_async.resources.inbox import CreatedDraft as CreatedDraft
    from lemlist_async.resources.inbox import DeletedDraft as DeletedDraft
    from lemlist_async.resources.inbox import Draft as Draft
    from lemlist_async.resources.inbox import DraftAttachment as DraftAttachment
    from lemlist_async.resources.inbox import DraftChanges as DraftChanges
    from lemlist_async.resources.inbox import DraftChannel as DraftChannel
    from lemlist_async.resources.inbox import Label as Label
    from lemlist_async.resources.inbox import Message as Message
    from lemlist_async.resources.inbox import MessageFilter as MessageFilter
    from lemlist_async.resources.inbox import NewDraft as NewDraft
    from lemlist_async.resources.inbox import NewEmail as NewEmail
    from lemlist_async.resources.inbox import NewLinkedInMessage as NewLinkedInMessage
    from lemlist_async.resources.inbox import NewWhatsAppMessage as NewWhatsAppMessage
    from lemlist_async.resources.inbox import SentEmail as SentEmail
    from lemlist_async.resources.leads import AudioFile as AudioFile
    from lemlist_async.resources.leads import AudioUpload as AudioUpload
    from lemlist_async.resources.leads import EmailStatus as EmailStatus
    from lemlist_async.resources.leads import Lead as Lead
    from lemlist_async.resources.leads import LeadCampaign as LeadCampaign
    from lemlist_async.resources.leads import LeadChanges as LeadChanges
    from lemlist_async.resources.leads import LeadCopy as LeadCopy
    from lemlist_async.resources.leads import LeadEnrichment as LeadEnrichment
    from lemlist_async.resources.leads import LeadFields as LeadFields
    from lemlist_async.resources.leads import LeadFlags as LeadFlags
    from lemlist_async.resources.leads import LeadRow as LeadRow
    from lemlist_async.resources.leads import LeadStatus as LeadStatus
    from lemlist_async.resources.leads import NewLead as NewLead
    from lemlist_async.resources.leads import OnDuplicate as OnDuplicate
    from lemlist_async.resources.lemwarm import Deliverability as Deliverability
    from lemlist_async.resources.lemwarm import LemwarmChanges as LemwarmChanges
    from lemlist_async.resources.lemwarm import LemwarmSettings as LemwarmSettings
    from lemlist_async.resources.schedules import DeletedSchedule as DeletedSchedule
    from lemlist_async.resources.schedules import NewSchedule as NewSchedule
    from lemlist_async.resources.schedules import Schedule as Schedule
    from lemlist_async.resources.schedules import ScheduleChanges as ScheduleChanges
    from lemlist_async.resources.schedules import ScheduleLink as ScheduleLink
    from lemlist_async.resources.schedules import ScheduleOrder as ScheduleOrder
    from lemlist_async.resources.sequences import ABVariant as ABVariant
    from lemlist_async.resources.sequences import CampaignSequence as CampaignSequence
    from lemlist_async.resources.sequences import ConditionKey as ConditionKey
    from lemlist_async.resources.sequences import NewStep as NewStep
    from lemlist_async.resources.sequences import Step as Step
    from lemlist_async.resources.sequences import StepChanges as StepChanges
    from lemlist_async.resources.sequences import StepFields as StepFields
    from lemlist_async.resources.sequences import StepType as StepType
    from lemlist_async.resources.sequences import Variant as Variant
    from lemlist_async.resources.sequences import VariantChanges as VariantChanges
    from lemlist_async.resources.signal_agents import AgentChanges as AgentChanges
    from lemlist_async.resources.signal_agents import AgentFilter as AgentFilter
    from lemlist_async.resources.signal_agents import AgentHistory as AgentHistory
    from lemlist_async.resources.signal_agents import AgentQuery as AgentQuery
    from lemlist_async.resources.signal_agents import AgentStatus as AgentStatus
    from lemlist_async.resources.signal_agents import DeletedAgent as DeletedAgent
    from lemlist_async.resources.signal_agents import ExternalCompany as ExternalCompany
    from lemlist_async.resources.signal_agents import ExternalContact as ExternalContact
    from lemlist_async.resources.signal_agents import ExternalSignal as ExternalSignal
    from lemlist_async.resources.signal_agents import FilterOfAgent as FilterOfAgent
    from lemlist_async.resources.signal_agents import FilterValues as FilterValues
    from lemlist_async.resources.signal_agents import HistoryStats as HistoryStats
    from lemlist_async.resources.signal_agents import NewAgent as NewAgent
    from lemlist_async.resources.signal_agents import NewTaskTemplate as NewTaskTemplate
    from lemlist_async.resources.signal_agents import NewTaskText as NewTaskText
    from lemlist_async.resources.signal_agents import Processing as Processing
    from lemlist_async.resources.signal_agents import PushedEntity as PushedEntity
    from lemlist_async.resources.signal_agents import PushedSignal as PushedSignal
    from lemlist_async.resources.signal_agents import SegmentType as SegmentType
    from lemlist_async.resources.signal_agents import Signal as Signal
    from lemlist_async.resources.signal_agents import SignalAgent as SignalAgent
    from lemlist_async.resources.signal_agents import SignalCompany as SignalCompany
    from lemlist_async.resources.signal_agents import SignalContact as SignalContact
    from lemlist_async.resources.signal_agents import SignalEntity as SignalEntity
    from lemlist_async.resources.signal_agents import SignalFilterId as SignalFilterId
    from lemlist_async.resources.signal_agents import SignalKind as SignalKind
    from lemlist_async.resources.signal_agents import SignalQuery as SignalQuery
    from lemlist_async.resources.signal_agents import SignalStatus as SignalStatus
    from lemlist_async.resources.signal_agents import SignalType as SignalType
    from lemlist_async.resources.signal_agents import TaskTemplate as TaskTemplate
    from lemlist_async.resources.signal_agents import TaskText as TaskText
    from lemlist_async.resources.tasks import NewTask as NewTask
    from lemlist_async.resources.tasks import Priority as Priority
    from lemlist_async.resources.tasks import Task as Task
    from lemlist_async.resources.tasks import TaskChanges as TaskChanges
    from lemlist_async.resources.tasks import TaskFields as TaskFields
    from lemlist_async.resources.tasks import TaskFilter as TaskFilter
    from lemlist_async.resources.tasks import TaskType as TaskType
    from lemlist_async.resources.team import CampaignStatus as CampaignStatus
    from lemlist_async.resources.team import Credits as Credits
    from lemlist_async.resources.team import CreditsDetails as CreditsDetails
    from lemlist_async.resources.team import CreditsRemaining as CreditsRemaining
    from lemlist_async.resources.team import CrmUser as CrmUser
    from lemlist_async.resources.team import Invitation as Invitation
    from lemlist_async.resources.team import Member as Member
    from lemlist_async.resources.team import SenderCampaign as SenderCampaign
    from lemlist_async.resources.team import SlackWebhook as SlackWebhook
    from lemlist_async.resources.team import Team as Team
    from lemlist_async.resources.team import TeamOverview as TeamOverview
    from lemlist_async.resources.team import TeamSender as TeamSender
    from lemlist_async.resources.unsubscribes import ContactSubscription as ContactSubscription
    from lemlist_async.resources.unsubscribes import LegacyUnsubscribe as LegacyUnsubscribe
    from lemlist_async.resources.unsubscribes import UnsubscribeSource as UnsubscribeSource
    from lemlist_async.resources.unsubscribes import UnsubscribedVariable as UnsubscribedVariable
    from lemlist_async.resources.users import ChannelAccount as ChannelAccount
    from lemlist_async.resources.users import ChannelState as ChannelState
    from lemlist_async.resources.users import Channels as Channels
    from lemlist_async.resources.users import LinkedIn as LinkedIn
    from lemlist_async.resources.users import Mailbox as Mailbox
    from lemlist_async.resources.users import MailboxLimits as MailboxLimits
    from lemlist_async.resources.users import MailboxStatus as MailboxStatus
    from lemlist_async.resources.users import MailboxWarmUp as MailboxWarmUp
    from lemlist_async.resources.users import Role as Role
    from lemlist_async.resources.users import User as User
    from lemlist_async.resources.webhooks import EventType as EventType
    from lemlist_async.resources.webhooks import HookOptions as HookOptions
    from lemlist_async.resources.webhooks import NewWebhook as NewWebhook
    from lemlist_async.resources.webhooks import Webhook as Webhook

_NAMES = {
    "activities": """
        Activity ActivityFilter ActivityLead
    """,
    "campaigns_models": """
        AIFeatures AutoReview Campaign CampaignChanges CampaignFilter CampaignReport CampaignSender
        CampaignSettings CampaignState CampaignStats Channel ConfiguredSender CreatedCampaign Creator Export
        ExportState ExportStatus ExportedLead NewCampaign OnLinkClicked OnMeetingBooked OnReplied Progress
        ReplyAction SenderMailbox StatsBatch StatsBatchQuery StatsError StatsQuery StatsSpan Statute
        Statutes StepStats Tracking
    """,
    "companies": """
        Company CompanyFields CompanyFilter CompanyNote CompanyRejection CompanyUpsert CrmSync CrmSyncError
        CrmSyncStatus DeletedCompany NoteOrder
    """,
    "contacts": """
        Contact ContactCampaign ContactEmail ContactFields ContactFilter ContactIds ContactList
        ContactRejection ContactUpsert CreatedList DeletedContact Entity FieldRejection ListChange
        UpsertWarning
    """,
    "crm": """
        Crm CrmFilter CrmFilterQuery CrmFilterType CrmImport
    """,
    "database": """
        BusinessCustomer CompanySearch DatabaseCompany DatabaseFilter DeletedPersona Education Experience
        Interest Language NewPersona PeopleSearch Person Persona PersonaCondition PersonaFilter PersonaMode
        SearchFilter Skill
    """,
    "deliverability": """
        AlertChanges AlertChannel AlertChannels ChannelConfig Comparison DeletedAlert DeliverabilityAlert
        Metric NewAlert PeriodMode Scope Severity ToChannel ToEmail Widget
    """,
    "email_accounts": """
        ConnectionTest EmailAccount EmailAccountTest NewEmailAccount
    """,
    "enrichments": """
        BulkEnrichment Enrichment EnrichmentData EnrichmentInput EnrichmentJob EnrichmentKind
        EnrichmentRequest EnrichmentStatus FoundEmail FoundPhone LeadEnrichmentRequest NewEnrichment
    """,
    "fields": """
        Field FieldFilter FieldSource Fields
    """,
    "inbox": """
        Attachment Conversation ConversationContact ConversationUser CreatedDraft DeletedDraft Draft
        DraftAttachment DraftChanges DraftChannel Label Message MessageFilter NewDraft NewEmail
        NewLinkedInMessage NewWhatsAppMessage SentEmail
    """,
    "leads": """
        AudioFile AudioUpload EmailStatus Lead LeadCampaign LeadChanges LeadCopy LeadEnrichment LeadFields
        LeadFlags LeadRow LeadStatus NewLead OnDuplicate
    """,
    "lemwarm": """
        Deliverability LemwarmChanges LemwarmSettings
    """,
    "schedules": """
        DeletedSchedule NewSchedule Schedule ScheduleChanges ScheduleLink ScheduleOrder
    """,
    "sequences": """
        ABVariant CampaignSequence ConditionKey NewStep Step StepChanges StepFields StepType Variant
        VariantChanges
    """,
    "signal_agents": """
        AgentChanges AgentFilter AgentHistory AgentQuery AgentStatus DeletedAgent ExternalCompany
        ExternalContact ExternalSignal FilterOfAgent FilterValues HistoryStats NewAgent NewTaskTemplate
        NewTaskText Processing PushedEntity PushedSignal SegmentType Signal SignalAgent SignalCompany
        SignalContact SignalEntity SignalFilterId SignalKind SignalQuery SignalStatus SignalType
        TaskTemplate TaskText
    """,
    "tasks": """
        NewTask Priority Task TaskChanges TaskFields TaskFilter TaskType
    """,
    "team": """
        CampaignStatus Credits CreditsDetails CreditsRemaining CrmUser Invitation Member SenderCampaign
        SlackWebhook Team TeamOverview TeamSender
    """,
    "unsubscribes": """
        ContactSubscription LegacyUnsubscribe UnsubscribeSource UnsubscribedVariable
    """,
    "users": """
        ChannelAccount ChannelState Channels LinkedIn Mailbox MailboxLimits MailboxStatus MailboxWarmUp Role
        User
    """,
    "webhooks": """
        EventType HookOptions NewWebhook Webhook
    """,
}

if not TYPE_CHECKING:  # as in the package itself
    _HOMES = {
        name: f"lemlist_async.resources.{area}" for area, names in _NAMES.items() for name in names.split()
    }
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
