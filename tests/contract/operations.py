"""Every operation as a row: the method, and what it puts on the wire when it is given every argument."""

from __future__ import annotations

from lemlist_async import Effect
from lemlist_async.resources.activities import ActivityFilter
from lemlist_async.resources.campaigns_models import (
    CampaignChanges,
    CampaignFilter,
    NewCampaign,
    StatsBatchQuery,
    StatsQuery,
)
from lemlist_async.resources.companies import CompanyFields, CompanyFilter, NoteOrder
from lemlist_async.resources.contacts import ContactFields, ContactFilter
from lemlist_async.resources.crm import CrmFilterQuery, CrmImport
from lemlist_async.resources.database import CompanySearch, NewPersona, PeopleSearch
from lemlist_async.resources.deliverability import AlertChanges, NewAlert
from lemlist_async.resources.email_accounts import NewEmailAccount
from lemlist_async.resources.enrichments import EnrichmentRequest, LeadEnrichmentRequest, NewEnrichment
from lemlist_async.resources.fields import FieldFilter
from lemlist_async.resources.inbox import (
    DraftChanges,
    MessageFilter,
    NewDraft,
    NewEmail,
    NewLinkedInMessage,
    NewWhatsAppMessage,
)
from lemlist_async.resources.leads import LeadChanges, LeadFields, NewLead
from lemlist_async.resources.lemwarm import LemwarmChanges
from lemlist_async.resources.schedules import NewSchedule, ScheduleChanges, ScheduleOrder
from lemlist_async.resources.sequences import NewStep, StepChanges, VariantChanges
from lemlist_async.resources.signal_agents import (
    AgentChanges,
    AgentQuery,
    ExternalSignal,
    NewAgent,
    SignalQuery,
)
from lemlist_async.resources.tasks import NewTask, TaskChanges
from lemlist_async.resources.webhooks import NewWebhook
from tests.contract.recording import Row
from tests.contract.samples import sample

READ, IDEMPOTENT, DEDUPABLE, UNSAFE = Effect.READ, Effect.IDEMPOTENT, Effect.DEDUPABLE, Effect.UNSAFE

UNDOCUMENTED = frozenset({"POST /campaigns/{campaignId}/leads/{email}"})
"""Operations that work and that lemlist's document does not have."""
COMPANY = frozenset({"company_id", "company_domain", "company_linkedin_url", "company_salesnav_url"})
"""Filters of contacts that exclude one another."""

# fmt: off
ROWS: tuple[Row, ...] = (
    # team
    Row("GET /team", "team.get", READ, lambda c: c.team.get(), query="version"),
    Row("GET /team/senders", "team.list_senders", READ, lambda c: c.team.list_senders(state="running"),
        query="state"),
    Row("GET /team/credits", "team.get_credits", READ, lambda c: c.team.get_credits()),
    Row("GET /team/crmUsers", "team.list_crm_users", READ, lambda c: c.team.list_crm_users()),
    # users
    Row("GET /users/{userId}", "users.get", READ, lambda c: c.users.get("usr_1")),
    Row("GET /user/channels", "users.get_channels", READ, lambda c: c.users.get_channels()),
    # campaigns
    Row("GET /campaigns", "campaigns.list", READ, lambda c: c.campaigns.list(**sample(CampaignFilter)),
        query="createdBy limit page sortBy sortOrder status version"),
    Row("POST /campaigns", "campaigns.create", UNSAFE, lambda c: c.campaigns.create(**sample(NewCampaign)),
        body="autoReview autoReviewConditions name timezone"),
    Row("GET /campaigns/{campaignId}", "campaigns.get", READ, lambda c: c.campaigns.get("cam_1")),
    Row("PATCH /campaigns/{campaignId}", "campaigns.update", IDEMPOTENT,
        lambda c: c.campaigns.update("cam_1", **sample(CampaignChanges)),
        body="aiFeatures.onInterestedReply.enabled "
             "aiFeatures.onInterestedReply.pauseAllCampaignsForCompany "
             "aiFeatures.onInterestedReply.pauseAllCampaignsForLead "
             "aiFeatures.onInterestedReply.pauseCampaignForCompany aiFeatures.onNotInterestedReply.enabled "
             "aiFeatures.onNotInterestedReply.pauseAllCampaignsForCompany "
             "aiFeatures.onNotInterestedReply.pauseAllCampaignsForLead "
             "aiFeatures.onNotInterestedReply.pauseCampaignForCompany aiFeatures.scoreReplies archived "
             "autoLeadInterest autoReview autoReviewConditions disableOutOfOffice disableTrackClick "
             "disableTrackOpen disableTrackReply leadsPausedByInterest name onLinkClicked.campaignProgress "
             "onLinkClicked.createNewTask onLinkClicked.propagateProgressToCompany "
             "onLinkClicked.specificLinks onMeetingBooked.campaignProgress "
             "onMeetingBooked.propagateProgressToCompany onReplied.campaignProgress "
             "onReplied.createNewTask onReplied.disableOutOfOffice onReplied.propagateProgressToCompany "
             "opportunityClicked opportunityReplied sendUserIds sequenceSharing stopOnEmailReplied "
             "stopOnLinkClicked stopOnLinkClickedFilter stopOnMeetingBooked tracking.trackClicks "
             "tracking.trackOpens tracking.trackReplies"),
    Row("POST /campaigns/{campaignId}/pause", "campaigns.pause", DEDUPABLE,
        lambda c: c.campaigns.pause("cam_1")),
    Row("POST /campaigns/{campaignId}/start", "campaigns.start", DEDUPABLE,
        lambda c: c.campaigns.start("cam_1")),
    Row("GET /campaigns/{campaignId}/export/start", "campaigns.start_export", IDEMPOTENT,
        lambda c: c.campaigns.start_export("cam_1")),
    Row("GET /campaigns/{campaignId}/export/{exportId}/status", "campaigns.get_export", READ,
        lambda c: c.campaigns.get_export("cam_1", "axp_1")),
    Row("PUT /campaigns/{campaignId}/export/{exportId}/email/{email}", "campaigns.set_export_email", IDEMPOTENT,
        lambda c: c.campaigns.set_export_email("cam_1", "axp_1", "ann@example.com")),
    Row("GET /campaigns/{campaignId}/export/leads", "campaigns.export_leads", READ,
        lambda c: c.campaigns.export_leads("cam_1"),
        query="format state"),
    Row("GET /campaigns/{campaignId}/export/leads", "campaigns.export_leads_csv", READ,
        lambda c: c.campaigns.export_leads_csv("cam_1"),
        query="format state"),
    Row("GET /campaigns/reports", "campaigns.list_reports", READ, lambda c: c.campaigns.list_reports(["cam_1"]),
        query="campaignIds"),
    Row("GET /v2/campaigns/{campaignId}/stats", "campaigns.get_stats", READ,
        lambda c: c.campaigns.get_stats("cam_1", **sample(StatsQuery)),
        query="ABSelected channels endDate sendUser startDate"),
    Row("POST /v2/campaigns/stats/batch", "campaigns.list_stats_batch", READ,
        lambda c: c.campaigns.list_stats_batch(**sample(StatsBatchQuery)),
        body="ABSelected campaignIds channels endDate sendUser startDate"),
    Row("POST /campaigns/{campaignId}/duplicate", "campaigns.duplicate", UNSAFE,
        lambda c: c.campaigns.duplicate("cam_1", name="Copy"),
        body="name"),
    Row("GET /campaigns/{campaignId}/statutes", "campaigns.get_statutes", READ,
        lambda c: c.campaigns.get_statutes("cam_1")),
    # sequences
    Row("GET /campaigns/{campaignId}/sequences", "sequences.list_for_campaign", READ,
        lambda c: c.sequences.list_for_campaign("cam_1")),
    Row("POST /sequences/{sequenceId}/steps", "sequences.create_step", UNSAFE,
        lambda c: c.sequences.create_step("seq_1", **sample(NewStep)),
        body="altMessage campaignId conditionKey delay delayType endorseAnyFallback images index message "
             "method recordMode skillName subject title type url videos"),
    Row("PATCH /sequences/{sequenceId}/steps/{stepId}", "sequences.update_step", IDEMPOTENT,
        lambda c: c.sequences.update_step("seq_1", "stp_1", **sample(StepChanges)),
        body="altMessage campaignId conditionKey delay delayType endorseAnyFallback images message method "
             "recordMode skillName subject title type url videos"),
    Row("DELETE /sequences/{sequenceId}/steps/{stepId}", "sequences.delete_step", IDEMPOTENT,
        lambda c: c.sequences.delete_step("seq_1", "stp_1")),
    Row("POST /sequences/{sequenceId}/steps/{stepId}/ab-test", "sequences.create_variant", DEDUPABLE,
        lambda c: c.sequences.create_variant("seq_1", "stp_1")),
    Row("GET /sequences/{sequenceId}/steps/{stepId}/ab-test", "sequences.get_variant", READ,
        lambda c: c.sequences.get_variant("seq_1", "stp_1")),
    Row("PATCH /sequences/{sequenceId}/steps/{stepId}/ab-test", "sequences.update_variant", IDEMPOTENT,
        lambda c: c.sequences.update_variant("seq_1", "stp_1", **sample(VariantChanges)),
        body="altMessage cc message plainText subject"),
    Row("DELETE /sequences/{sequenceId}/steps/{stepId}/ab-test", "sequences.delete_variant", IDEMPOTENT,
        lambda c: c.sequences.delete_variant("seq_1", "stp_1"),
        query="variant"),
    Row("DELETE /sequences/{sequenceId}/steps/{stepId}/ab-test", "sequences.delete_variant", UNSAFE,
        lambda c: c.sequences.delete_variant("seq_1", "stp_1", variant="A"),
        query="variant"),
    Row("POST /sequences/{sequenceId}/steps/{stepId}/ab-test/winner", "sequences.select_winner", DEDUPABLE,
        lambda c: c.sequences.select_winner("seq_1", "stp_1", "A"),
        body="variant"),
    # schedules
    Row("GET /schedules", "schedules.list", READ, lambda c: c.schedules.list(**sample(ScheduleOrder)),
        query="limit page sortBy sortOrder"),
    Row("POST /schedules", "schedules.create", UNSAFE, lambda c: c.schedules.create(**sample(NewSchedule)),
        body="end name public secondsToWait start timezone weekdays"),
    Row("GET /schedules/{scheduleId}", "schedules.get", READ, lambda c: c.schedules.get("skd_1")),
    Row("PATCH /schedules/{scheduleId}", "schedules.update", IDEMPOTENT,
        lambda c: c.schedules.update("skd_1", **sample(ScheduleChanges)),
        body="end name public secondsToWait start timezone weekdays"),
    Row("DELETE /schedules/{scheduleId}", "schedules.delete", IDEMPOTENT,
        lambda c: c.schedules.delete("skd_1")),
    Row("GET /campaigns/{campaignId}/schedules/", "schedules.list_for_campaign", READ,
        lambda c: c.schedules.list_for_campaign("cam_1")),
    Row("POST /campaigns/{campaignId}/schedules/{scheduleId}", "schedules.attach", IDEMPOTENT,
        lambda c: c.schedules.attach("cam_1", "skd_1")),
    # leads
    Row("GET /leads", "leads.get", READ, lambda c: c.leads.get("lea_1"), query="id version"),
    Row("GET /leads", "leads.get", READ, lambda c: c.leads.get(email="ann@example.com"),
        query="email version"),
    Row("GET /leads/{email}", "leads.list_by_email", READ, lambda c: c.leads.list_by_email("ann@example.com"),
        query="version"),
    Row("GET /campaigns/{campaignId}/leads/", "leads.list", READ, lambda c: c.leads.list("cam_1"),
        query="limit offset state"),
    Row("POST /campaigns/{campaignId}/leads/", "leads.create", UNSAFE,
        lambda c: c.leads.create("cam_1", **sample(NewLead)),
        query="deduplicate findEmail findPhone linkedinEnrichment verifyEmail",
        body="companyDomain companyName contactId contactOwner email firstName icebreaker jobTitle lastName "
             "linkedinUrl phone picture timezone"),
    Row("POST /campaigns/{campaignId}/leads/", "leads.create", DEDUPABLE,
        lambda c: c.leads.create("cam_1", email="ann@example.com", deduplicate=True),
        query="deduplicate",
        body="email"),
    Row("POST /campaigns/{campaignId}/leads/", "leads.create", UNSAFE,
        lambda c: c.leads.create("cam_1", linkedin_url="https://linkedin.example/in/ann"),
        body="linkedinUrl"),
    Row("POST /campaigns/{campaignId}/leads/{email}", "leads.create_by_email", UNSAFE,
        lambda c: c.leads.create_by_email("cam_1", "ann@example.com", **sample(LeadFields)),
        query="deduplicate findEmail findPhone linkedinEnrichment verifyEmail",
        body="companyDomain companyName contactId contactOwner firstName icebreaker jobTitle lastName "
             "linkedinUrl phone picture timezone"),
    Row("POST /campaigns/{campaignId}/leads/{email}", "leads.create_by_email", DEDUPABLE,
        lambda c: c.leads.create_by_email("cam_1", "ann@example.com")),
    Row("PATCH /campaigns/{campaignId}/leads/{leadId}", "leads.update", IDEMPOTENT,
        lambda c: c.leads.update("cam_1", "lea_1", **sample(LeadChanges)),
        body="companyName firstName jobTitle lastName preferredContactMethod"),
    Row("DELETE /campaigns/{campaignId}/leads/{leadId}", "leads.remove", IDEMPOTENT,
        lambda c: c.leads.remove("cam_1", "lea_1"),
        query="action"),
    Row("DELETE /campaigns/{campaignId}/leads/{leadId}", "leads.unsubscribe", IDEMPOTENT,
        lambda c: c.leads.unsubscribe("cam_1", "lea_1")),
    Row("DELETE /campaigns/{campaignId}/leads/{email}", "leads.unsubscribe_email", IDEMPOTENT,
        lambda c: c.leads.unsubscribe_email("cam_1", "ann@example.com")),
    Row("POST /leads/start/{leadId}", "leads.resume", IDEMPOTENT, lambda c: c.leads.resume("lea_1")),
    Row("POST /leads/pause/{leadId}", "leads.pause", IDEMPOTENT,
        lambda c: c.leads.pause("lea_1", campaign_id="cam_1"),
        query="campaignId"),
    Row("POST /leads/review/{leadId}", "leads.launch", DEDUPABLE, lambda c: c.leads.launch("lea_1")),
    Row("POST /leads/interested/{leadIdOrEmail}", "leads.mark_interested", IDEMPOTENT,
        lambda c: c.leads.mark_interested("lea_1")),
    Row("POST /leads/notinterested/{leadIdOrEmail}", "leads.mark_not_interested", IDEMPOTENT,
        lambda c: c.leads.mark_not_interested("lea_1")),
    Row("POST /campaigns/{campaignId}/leads/{leadIdOrEmail}/interested", "leads.mark_interested_in", IDEMPOTENT,
        lambda c: c.leads.mark_interested_in("cam_1", "lea_1")),
    Row("POST /campaigns/{campaignId}/leads/{leadIdOrEmail}/notinterested", "leads.mark_not_interested_in", IDEMPOTENT,
        lambda c: c.leads.mark_not_interested_in("cam_1", "lea_1")),
    Row("POST /leads/{leadId}/variables", "leads.add_variables", DEDUPABLE,
        lambda c: c.leads.add_variables("lea_1", {"customField1": "x"}),
        query="customField1"),
    Row("PATCH /leads/{leadId}/variables", "leads.update_variables", IDEMPOTENT,
        lambda c: c.leads.update_variables("lea_1", {"customField1": "x"}),
        query="customField1"),
    Row("DELETE /leads/{leadId}/variables", "leads.clear_variables", IDEMPOTENT,
        lambda c: c.leads.clear_variables("lea_1", ["customField1"]),
        query="customField1"),
    Row("POST /leads/audio", "leads.upload_audio", IDEMPOTENT,
        lambda c: c.leads.upload_audio("lea_1", "stp_1", b"sound", filename="hello.m4a"),
        query="leadId stepId"),
    # crm
    Row("GET /crm/filters", "crm.list_filters", READ, lambda c: c.crm.list_filters(**sample(CrmFilterQuery)),
        query="crm type userId"),
    Row("POST /campaigns/{campaignId}/leads/import", "crm.import_leads", UNSAFE,
        lambda c: c.crm.import_leads("cam_1", **sample(CrmImport, without=["deduplicate"])),
        body="crm filterId filterType userId"),
    Row("POST /campaigns/{campaignId}/leads/import", "crm.import_leads", DEDUPABLE,
        lambda c: c.crm.import_leads("cam_1", **sample(CrmImport)),
        body="crm deduplicate filterId filterType userId"),
    # contacts
    Row("GET /contacts", "contacts.list", READ,
        lambda c: c.contacts.list(**sample(ContactFilter, without=sorted(COMPANY - {"company_id"}))),
        query="companyId email fieldRejectionReason limit listId notInAnyCampaign offset search"),
    Row("GET /contacts", "contacts.list", READ, lambda c: c.contacts.list(company_domain="acme.example"),
        query="companyDomain limit offset"),
    Row("GET /contacts", "contacts.list", READ, lambda c: c.contacts.list(company_linkedin_url="https://a.example"),
        query="companyLinkedinUrl limit offset"),
    Row("GET /contacts", "contacts.list", READ, lambda c: c.contacts.list(company_salesnav_url="https://a.example"),
        query="companySalesnavUrl limit offset"),
    Row("GET /contacts", "contacts.look_up", READ, lambda c: c.contacts.look_up(["ctc_1"]),
        query="idsOrEmails limit"),
    Row("POST /contacts", "contacts.upsert", IDEMPOTENT,
        lambda c: c.contacts.upsert(**sample(ContactFields)),
        body="additionalEmails companyDomain companyId companyLinkedinUrl contactId contactOwner email "
             "firstName industry jobDescription jobTitle languages lastName linkedinUrl "
             "linkedinUrlSalesNav location phone picture skills source summary tagline timezone"),
    Row("DELETE /contacts/{idOrEmail}", "contacts.delete", IDEMPOTENT, lambda c: c.contacts.delete("ctc_1")),
    Row("GET /contacts/{idOrEmail}", "contacts.get", READ, lambda c: c.contacts.get("ctc_1")),
    Row("GET /contacts/lists", "contacts.list_lists", READ, lambda c: c.contacts.list_lists(search="nurture"),
        query="search"),
    Row("POST /contacts/lists", "contacts.create_list", UNSAFE, lambda c: c.contacts.create_list("Nurture"),
        body="name"),
    Row("POST /contacts/lists/{listId}/entities", "contacts.add_to_list", IDEMPOTENT,
        lambda c: c.contacts.add_to_list("clt_1", ["ctc_1"]),
        body="contactIds"),
    Row("POST /contacts/lists/{listId}/entities", "contacts.remove_from_list", IDEMPOTENT,
        lambda c: c.contacts.remove_from_list("clt_1", ["ctc_1"]),
        query="action",
        body="contactIds"),
    Row("GET /contacts/export", "contacts.export", READ, lambda c: c.contacts.export(),
        query="entity listId"),
    # companies
    Row("GET /companies", "companies.list", READ, lambda c: c.companies.list(**sample(CompanyFilter)),
        query="crmSyncStatus fieldRejectionReason fields limit offset search sortBy sortOrder"),
    Row("GET /companies", "companies.look_up", READ, lambda c: c.companies.look_up(["cpn_1"]),
        query="idsOrDomains"),
    Row("POST /companies", "companies.upsert", IDEMPOTENT,
        lambda c: c.companies.upsert(**sample(CompanyFields)),
        body="companyId companyOwner description domain foundedOn headquarters industry linkedinUrl "
             "linkedinUrlSalesNav location name picture size source specialties tagline type"),
    Row("DELETE /companies/{companyId}", "companies.delete", IDEMPOTENT,
        lambda c: c.companies.delete("cpn_1", force=True),
        query="force"),
    Row("GET /companies/{companyId}/notes", "companies.list_notes", READ,
        lambda c: c.companies.list_notes("cpn_1", **sample(NoteOrder)),
        query="limit page sortBy sortOrder"),
    Row("POST /companies/{companyId}/notes", "companies.create_note", UNSAFE,
        lambda c: c.companies.create_note("cpn_1", "met"),
        body="note"),
    # fields
    Row("GET /fields", "fields.get", READ, lambda c: c.fields.get(**sample(FieldFilter)),
        query="entity source"),
    # activities
    Row("GET /activities", "activities.list", READ, lambda c: c.activities.list(**sample(ActivityFilter)),
        query="campaignId endDate isFirst leadId limit maxDate minDate offset startDate type version"),
    Row("DELETE /activities/{activityId}/recording-transcript", "activities.delete_recording", IDEMPOTENT,
        lambda c: c.activities.delete_recording("act_1")),
    # unsubscribes
    Row("GET /unsubscribes", "unsubscribes.list_legacy", READ, lambda c: c.unsubscribes.list_legacy(),
        query="limit offset"),
    Row("GET /unsubs/export", "unsubscribes.export_legacy", READ, lambda c: c.unsubscribes.export_legacy()),
    Row("GET /v2/unsubscribes/variables", "unsubscribes.list", READ, lambda c: c.unsubscribes.list(),
        query="limit offset"),
    Row("POST /v2/unsubscribes/variables", "unsubscribes.add_many", IDEMPOTENT,
        lambda c: c.unsubscribes.add_many(["@example.com"]),
        body="values"),
    Row("GET /v2/unsubscribes/variables/{value}", "unsubscribes.get", READ,
        lambda c: c.unsubscribes.get("@example.com")),
    Row("POST /v2/unsubscribes/variables/{value}", "unsubscribes.add", IDEMPOTENT,
        lambda c: c.unsubscribes.add("@example.com")),
    Row("DELETE /v2/unsubscribes/variables/{value}", "unsubscribes.remove", IDEMPOTENT,
        lambda c: c.unsubscribes.remove("@example.com")),
    Row("GET /v2/unsubscribes/contacts/{contactId}", "unsubscribes.get_contact", READ,
        lambda c: c.unsubscribes.get_contact("ctc_1")),
    Row("POST /v2/unsubscribes/contacts/{contactId}", "unsubscribes.add_contact", IDEMPOTENT,
        lambda c: c.unsubscribes.add_contact("ctc_1")),
    Row("DELETE /v2/unsubscribes/contacts/{contactId}", "unsubscribes.remove_contact", IDEMPOTENT,
        lambda c: c.unsubscribes.remove_contact("ctc_1")),
    Row("GET /v2/unsubscribes/exports/variables", "unsubscribes.export", READ,
        lambda c: c.unsubscribes.export()),
    Row("GET /v2/unsubscribes/exports/contacts", "unsubscribes.export_contacts", READ,
        lambda c: c.unsubscribes.export_contacts()),
    Row("GET /unsubscribes/{email}", "unsubscribes.get_legacy", READ,
        lambda c: c.unsubscribes.get_legacy("@example.com")),
    Row("POST /unsubscribes/{email}", "unsubscribes.add_legacy", IDEMPOTENT,
        lambda c: c.unsubscribes.add_legacy("@example.com")),
    Row("DELETE /unsubscribes/{email}", "unsubscribes.remove_legacy", IDEMPOTENT,
        lambda c: c.unsubscribes.remove_legacy("@example.com")),
    # webhooks
    Row("GET /hooks", "webhooks.list", READ, lambda c: c.webhooks.list()),
    Row("POST /hooks", "webhooks.create", DEDUPABLE, lambda c: c.webhooks.create(**sample(NewWebhook)),
        query="campaignId isFirst zapId",
        body="secret targetUrl type"),
    Row("DELETE /hooks/{hookId}", "webhooks.delete", IDEMPOTENT, lambda c: c.webhooks.delete("hoo_1")),
    # enrichments
    Row("GET /enrich/{enrichId}", "enrichments.get", READ, lambda c: c.enrichments.get("enr_1")),
    Row("POST /enrich", "enrichments.start", UNSAFE, lambda c: c.enrichments.start(**sample(NewEnrichment)),
        query="companyDomain companyName email findEmail findPhone firstName jobTitle lastName "
             "linkedinEnrichment linkedinUrl phone verifyEmail webhookUrl"),
    Row("POST /v2/enrichments/bulk", "enrichments.start_many", UNSAFE,
        lambda c: c.enrichments.start_many([sample(EnrichmentRequest)], webhook_url="https://hooks.example/1"),
        query="webhookUrl",
        body="[].enrichmentRequests [].input.companyDomain [].input.companyName [].input.email "
             "[].input.firstName [].input.jobTitle [].input.lastName [].input.linkedinUrl [].metadata"),
    Row("POST /leads/{leadId}/enrich", "enrichments.start_for_lead", UNSAFE,
        lambda c: c.enrichments.start_for_lead("lea_1", **sample(LeadEnrichmentRequest)),
        query="findEmail findPhone force linkedinEnrichment verifyEmail webhookUrl"),
    Row("POST /leads/{leadId}/enrich", "enrichments.start_for_lead", DEDUPABLE,
        lambda c: c.enrichments.start_for_lead("lea_1", find_email=True),
        query="findEmail"),
    # inbox
    Row("GET /inbox", "inbox.list_conversations", READ, lambda c: c.inbox.list_conversations("usr_1"),
        query="limit page userId"),
    Row("GET /inbox/{contactId}", "inbox.list_messages", READ,
        lambda c: c.inbox.list_messages("ctc_1", **sample(MessageFilter)),
        query="limit markAsRead skip userId"),
    Row("POST /inbox/email", "inbox.send_email", UNSAFE,
        lambda c: c.inbox.send_email(**sample(NewEmail, without=["lead_id"])),
        body="cc contactId message replyToActivityId sendUserEmail sendUserId sendUserMailboxId subject"),
    Row("POST /inbox/email", "inbox.send_email", UNSAFE,
        lambda c: c.inbox.send_email(**sample(NewEmail, without=["contact_id"])),
        body="cc leadId message replyToActivityId sendUserEmail sendUserId sendUserMailboxId subject"),
    Row("POST /inbox/linkedin", "inbox.send_linkedin", UNSAFE,
        lambda c: c.inbox.send_linkedin(**sample(NewLinkedInMessage)),
        body="contactId leadId message sendUserId"),
    Row("POST /inbox/whatsapp", "inbox.send_whatsapp", UNSAFE,
        lambda c: c.inbox.send_whatsapp(**sample(NewWhatsAppMessage)),
        body="contactId leadId message sendUserId sendUserWhatsappAccountId"),
    Row("GET /inbox/labels", "inbox.list_labels", READ, lambda c: c.inbox.list_labels()),
    Row("POST /inbox/labels", "inbox.create_label", DEDUPABLE, lambda c: c.inbox.create_label("Hot"),
        body="labelName"),
    Row("GET /inbox/labels/{labelId}", "inbox.get_label", READ, lambda c: c.inbox.get_label("lbl_1")),
    Row("POST /inbox/conversations/labels/{contactId}", "inbox.set_labels", IDEMPOTENT,
        lambda c: c.inbox.set_labels("ctc_1", ["lbl_1"]),
        body="appendLabels labelIds"),
    Row("DELETE /inbox/conversations/labels/{contactId}", "inbox.remove_labels", IDEMPOTENT,
        lambda c: c.inbox.remove_labels("ctc_1", ["lbl_1"]),
        body="labelIds"),
    Row("GET /inbox/{contactId}/drafts", "inbox.list_drafts", READ, lambda c: c.inbox.list_drafts("ctc_1", "usr_1"),
        query="draftOwner"),
    Row("POST /inbox/{contactId}/drafts", "inbox.create_draft", UNSAFE,
        lambda c: c.inbox.create_draft("ctc_1", "usr_1", **sample(NewDraft)),
        query="draftOwner",
        body="attachments[].name attachments[].size attachments[].type attachments[].url cc channel "
             "content replyToActivityId sourceMetadata.key subject"),
    Row("GET /inbox/{contactId}/drafts/{draftId}", "inbox.get_draft", READ,
        lambda c: c.inbox.get_draft("ctc_1", "drf_1", "usr_1"),
        query="draftOwner"),
    Row("PATCH /inbox/{contactId}/drafts/{draftId}", "inbox.update_draft", IDEMPOTENT,
        lambda c: c.inbox.update_draft("ctc_1", "drf_1", "usr_1", **sample(DraftChanges)),
        query="draftOwner",
        body="attachments[].name attachments[].size attachments[].type attachments[].url cc content "
             "replyToActivityId subject"),
    Row("DELETE /inbox/{contactId}/drafts/{draftId}", "inbox.delete_draft", IDEMPOTENT,
        lambda c: c.inbox.delete_draft("ctc_1", "drf_1", "usr_1"),
        query="draftOwner"),
    # tasks
    Row("GET /tasks", "tasks.list", READ, lambda c: c.tasks.list(), query="filters page"),
    Row("POST /tasks", "tasks.create", UNSAFE, lambda c: c.tasks.create(**sample(NewTask)),
        body="assignedTo description dueDate images message priority recordId title type videos"),
    Row("PATCH /tasks", "tasks.update", IDEMPOTENT,
        lambda c: c.tasks.update("opp_1", **sample(TaskChanges)),
        body="assignedTo description done dueDate id images message priority title videos"),
    Row("POST /tasks/ignore", "tasks.ignore", IDEMPOTENT, lambda c: c.tasks.ignore(["opp_1"]), body="ids"),
    # database
    Row("GET /database/filters", "database.list_filters", READ, lambda c: c.database.list_filters()),
    Row("POST /database/people", "database.search_people", READ,
        lambda c: c.database.search_people(**sample(PeopleSearch)),
        body="excludes filters[].filterId filters[].in filters[].out page search size"),
    Row("POST /database/companies", "database.search_companies", READ,
        lambda c: c.database.search_companies(**sample(CompanySearch)),
        body="filters[].filterId filters[].in filters[].out page size"),
    Row("GET /database/personas", "database.list_personas", READ, lambda c: c.database.list_personas(mode="leads"),
        query="mode"),
    Row("POST /database/personas", "database.create_persona", DEDUPABLE,
        lambda c: c.database.create_persona(**sample(NewPersona)),
        body="filters[].exactMatch filters[].filterId filters[].in filters[].out mode name"),
    Row("DELETE /database/personas/{personaId}", "database.delete_persona", IDEMPOTENT,
        lambda c: c.database.delete_persona("pdp_1")),
    # signal_agents
    Row("GET /watchlist/signals", "signal_agents.list_signals", READ,
        lambda c: c.signal_agents.list_signals(**sample(SignalQuery)),
        query="limit page receivedAtFrom receivedAtTo sortBy sortOrder status[] type[] watchListId"),
    Row("POST /watchlist/{watchListId}/external-signals", "signal_agents.push_signal", UNSAFE,
        lambda c: c.signal_agents.push_signal("wl_1", **sample(ExternalSignal)),
        body="company.domain company.linkedinUrl company.name contact.email contact.firstName "
             "contact.lastName contact.linkedinUrl customFields.key"),
    Row("GET /watchlist", "signal_agents.list", READ, lambda c: c.signal_agents.list(**sample(AgentQuery)),
        query="limit page status type"),
    Row("POST /watchlist", "signal_agents.create", UNSAFE,
        lambda c: c.signal_agents.create(**sample(NewAgent)),
        body="activate emoji filters[].filterId filters[].in filters[].out name segmentType "
             "signalOpportunityTemplate.data.emailTemplateId signalOpportunityTemplate.data.message "
             "signalOpportunityTemplate.data.subject signalOpportunityTemplate.data.title "
             "signalOpportunityTemplate.ownerId signalOpportunityTemplate.ownerType "
             "signalOpportunityTemplate.priority signalOpportunityTemplate.type signalProcessingType type"),
    Row("PATCH /watchlist", "signal_agents.update", IDEMPOTENT,
        lambda c: c.signal_agents.update("wl_1", **sample(AgentChanges)),
        body="emoji filters[].filterId filters[].in filters[].out name signalProcessingType watchListId"),
    Row("DELETE /watchlist", "signal_agents.delete", IDEMPOTENT, lambda c: c.signal_agents.delete("wl_1"),
        query="watchListId"),
    Row("GET /watchlist/history", "signal_agents.list_history", READ, lambda c: c.signal_agents.list_history("wl_1"),
        query="limit page watchListId"),
    Row("GET /watchlist/library", "signal_agents.list_types", READ, lambda c: c.signal_agents.list_types()),
    Row("GET /watchlist/filters", "signal_agents.list_filters", READ,
        lambda c: c.signal_agents.list_filters(type="jobChange"),
        query="type"),
    Row("GET /watchlist/filter-values", "signal_agents.list_filter_values", READ,
        lambda c: c.signal_agents.list_filter_values("title", query="sales"),
        query="filterId query"),
    # lemwarm
    Row("POST /lemwarm/{userMailboxId}/start", "lemwarm.start", IDEMPOTENT,
        lambda c: c.lemwarm.start("usm_1")),
    Row("POST /lemwarm/{userMailboxId}/pause", "lemwarm.pause", IDEMPOTENT,
        lambda c: c.lemwarm.pause("usm_1")),
    Row("GET /lemwarm/{userMailboxId}/settings", "lemwarm.get_settings", READ,
        lambda c: c.lemwarm.get_settings("usm_1")),
    Row("PATCH /lemwarm/{userMailboxId}/settings", "lemwarm.update_settings", IDEMPOTENT,
        lambda c: c.lemwarm.update_settings("usm_1", **sample(LemwarmChanges)),
        body="answerPercentage internalCommunicationPercent warmDailyVarianceEnabled warmEmailMax "
             "warmEmailRampup warmUsePlaintext"),
    # email_accounts
    Row("POST /user/email-accounts", "email_accounts.connect", DEDUPABLE,
        lambda c: c.email_accounts.connect(**sample(NewEmailAccount)),
        body="imap_host imap_login imap_password imap_port imap_secure sender_email sender_name smtp_host "
             "smtp_login smtp_password smtp_port smtp_secure userId"),
    Row("DELETE /user/email-accounts/{emailAccountId}", "email_accounts.disconnect", IDEMPOTENT,
        lambda c: c.email_accounts.disconnect("umx_1")),
    Row("POST /user/email-accounts/{emailAccountId}/test", "email_accounts.test", READ,
        lambda c: c.email_accounts.test("umx_1")),
    # deliverability
    Row("GET /deliverability/alerts", "deliverability.list_alerts", READ, lambda c: c.deliverability.list_alerts()),
    Row("POST /deliverability/alerts", "deliverability.create_alert", DEDUPABLE,
        lambda c: c.deliverability.create_alert(**sample(NewAlert)),
        body="channelConfig.email.addresses channelConfig.email.enabled channelConfig.inapp.enabled "
             "channelConfig.slack.enabled channelConfig.webhook.enabled comparisonOperator metric "
             "periodDays periodMode recheckDelayHours scope scopeEntities severity threshold widget"),
    Row("GET /deliverability/alerts/{alertId}", "deliverability.get_alert", READ,
        lambda c: c.deliverability.get_alert("dac_1")),
    Row("PATCH /deliverability/alerts/{alertId}", "deliverability.update_alert", IDEMPOTENT,
        lambda c: c.deliverability.update_alert("dac_1", **sample(AlertChanges)),
        body="channelConfig.email.addresses channelConfig.email.enabled channelConfig.inapp.enabled "
             "channelConfig.slack.enabled channelConfig.webhook.enabled comparisonOperator enabled "
             "periodDays periodMode scopeEntities threshold"),
    Row("DELETE /deliverability/alerts/{alertId}", "deliverability.delete_alert", IDEMPOTENT,
        lambda c: c.deliverability.delete_alert("dac_1")),
)
# fmt: on
