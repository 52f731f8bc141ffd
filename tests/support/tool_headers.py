"""Header rows as sales tools, address books and mail programs write them; names of columns only."""

HEADERS: dict[str, str] = {
    "apollo": (
        "First Name|Last Name|Title|Company|Company Name for Emails|Email|Email Status|Primary Email Source|"
        "Primary Email Verification Source|Email Confidence|Primary Email Catch-all Status|"
        "Primary Email Last Verified At|Seniority|Departments|Contact Owner|Work Direct Phone|Home Phone|"
        "Mobile Phone|Corporate Phone|Other Phone|Stage|Lists|Last Contacted|Account Owner|# Employees|"
        "Industry|Keywords|Person Linkedin Url|Website|Company Linkedin Url|Facebook Url|Twitter Url|City|"
        "State|Country|Company Address|Company City|Company State|Company Country|Company Phone|Technologies|"
        "Annual Revenue|Total Funding|Latest Funding|Latest Funding Amount|Last Raised At|Subsidiary of|"
        "Email Sent|Email Open|Email Bounced|Replied|Demoed|Number of Retail Locations|Apollo Contact Id|"
        "Apollo Account Id|Secondary Email|Secondary Email Source|Tertiary Email|Tertiary Email Source"
    ),
    "hubspot": (
        "Record ID|First Name|Last Name|Email|Phone Number|Lead Status|Create Date|Associated Company|"
        "Country/Region|Contact owner"
    ),
    "hubspot_2": (
        "First Name|Last Name|Email|Job Title|Company Name|Website URL|Country/Region|Phone Number|"
        "LinkedIn URL|Lifecycle Stage"
    ),
    "salesforce_report": (
        "Salutation|First Name|Last Name|Title|Account Name|Mailing Street|Mailing City|Mailing Country|"
        "Phone|Mobile|Email|Contact Owner|Lead Source|Email Opt Out"
    ),
    "salesforce_api": (
        "Id|FirstName|LastName|Email|Title|MobilePhone|Phone|AccountId|OwnerId|HasOptedOutOfEmail|"
        "CreatedDate|LastModifiedDate|LeadSource"
    ),
    "linkedin_connections": ("First Name|Last Name|URL|Email Address|Company|Position|Connected On"),
    "evaboot": (
        "Full Name|First Name|Last Name|Current Job|Email|Email Status|Linkedin URL Public|"
        "Linkedin URL Unique ID|Profile Headline|Profile Summary|Job Description|Years in Position|Location|"
        "Company Name|Company Domain|Company Website URL|Company Linkedin URL Unique ID|Company Location|"
        "Company Industry|Company Employee Exact Count|Company Employee Range|Company Type|"
        "Company Year Founded|Company Description|Company Specialities|Company Headquarters (Full Address)|"
        "Company Profile Picture|Matches Filters|No Match Reasons"
    ),
    "phantombuster_salesnav": (
        "profileUrl|fullName|firstName|lastName|companyName|title|companyId|companyUrl|regularCompanyUrl|"
        "summary|titleDescription|industry|companyLocation|location|durationInRole|durationInCompany|"
        "pastExperienceCompanyName|pastExperienceCompanyUrl|pastExperienceCompanyTitle|pastExperienceDate|"
        "pastExperienceDuration|connectionDegree|profileImageUrl|sharedConnectionsCount|name|vmid|"
        "linkedInProfileUrl|isPremium|isOpenLink|query|timestamp|defaultProfileUrl"
    ),
    "wiza": (
        "email|first_name|last_name|full_name|title|list_name|email_type|email_status|location|locality|"
        "region|country|linkedin|profile_url|domain|company|company_domain|company_industry|"
        "company_subindustry|company_size|company_size_range|company_founded|company_revenue|company_funding|"
        "company_type|company_linkedin|company_twitter|company_facebook|company_description|"
        "linkedin_profile_url|company_last_funding_round|company_last_funding_amount|company_last_funding_at|"
        "company_location|company_street|company_locality|company_region|company_country|company_postal_code|"
        "other_work_emails"
    ),
    "pronto": (
        "Linkedin Id Url|Sales Navigator Profile Url|Linkedin Profile Url|First Name|Last Name|Title|"
        "Location|Company Name"
    ),
    "pipedrive_people": (
        "Person - Name|Person - First name|Person - Last name|Person - Organization|Person - Title|"
        "Person - Email - Work|Person - Email - Home|Person - Email - Other|Person - Phone - Work|"
        "Person - Phone - Home|Person - Phone - Mobile|Person - Phone - Other|Person - Marketing status|"
        "Person - Double opt-in|Person - Label|Person - ID|Person - Person created"
    ),
    "clay": (
        "Full Name|First Name|Last Name|Job Title|Location|Company Domain|LinkedIn Profile|"
        "Company Table Data|WORK EMAIL"
    ),
    "zoominfo": (
        "ZoomInfo Contact ID|Last Name|First Name|Middle Name|Salutation|Suffix|Job Title|"
        "Job Title Hierarchy Level|Management Level|Job Start Date|Job Function|Department|"
        "Company Division Name|Direct Phone Number|Email Address|Email Domain|Mobile phone|"
        "Last Job Change Type|Last Job Change Date|Previous Job Title|Previous Company Name|"
        "Previous Company ZoomInfo Company ID|Previous Company LinkedIn Profile|Highest Level of Education|"
        "Contact Accuracy Score|Contact Accuracy Grade|ZoomInfo Contact Profile URL|"
        "LinkedIn Contact Profile URL|Notice Provided Date|Person Street|Person City|Person State|"
        "Person Zip Code|Country|ZoomInfo Company ID|Company Name|Company Description|Website|Founded Year|"
        "Company HQ Phone|Fax|Ticker|Revenue (in 000s USD)|Revenue Range (in USD)|"
        "Est. Marketing Department Budget (in 000s USD)|Est. Finance Department Budget (in 000s USD)|"
        "Est. IT Department Budget (in 000s USD)|Est. HR Department Budget (in 000s USD)|Employees|"
        "Employee Range|Past 1 Year Employee Growth Rate|Past 2 Year Employee Growth Rate|SIC Code 1|"
        "SIC Code 2|SIC Codes|NAICS Code 1|NAICS Code 2|NAICS Codes|Primary Industry|Primary Sub-Industry|"
        "All Industries|All Sub-Industries|Industry Hierarchical Category|"
        "Secondary Industry Hierarchical Category|Alexa Rank|ZoomInfo Company Profile URL|"
        "LinkedIn Company Profile URL|Facebook Company Profile URL|Twitter Company Profile URL|"
        "Ownership Type|Business Model|Certified Active Company|Certification Date|"
        "Total Funding Amount (in 000s USD)|Recent Funding Amount (in 000s USD)|Recent Funding Round|"
        "Recent Funding Date|Recent Investors|All Investors|Company Street Address|Company City|"
        "Company State|Company Zip Code|Company Country|Full Address|Number of Locations"
    ),
    "snov_import": (
        "Full Name|First Name|Last Name|Email|Location|Industry|Country|Social URL|Position|Company Name|"
        "Company Website|HQ Phone"
    ),
    "instantly": ("email|first_name|last_name|company_name|personalization|ice_breaker|title"),
    "smartlead": (
        "id|campaign_lead_map_id|status|created_at|first_name|last_name|email|phone_number|company_name|"
        "website|location|custom_fields|linkedin_profile|company_url|is_unsubscribed|"
        "last_email_sequence_sent|is_interested|open_count|click_count|reply_count"
    ),
    "woodpecker": (
        "email|status|first_name|last_name|company|website|linkedin_url|tags|title|phone|address|city|state|"
        "country|industry|snippet1|snippet2"
    ),
    "mailchimp": (
        "Email Address|First Name|Last Name|MEMBER_RATING|OPTIN_TIME|OPTIN_IP|CONFIRM_TIME|CONFIRM_IP|"
        "LATITUDE|LONGITUDE|GMTOFF|DSTOFF|TIMEZONE|CC|REGION|LAST_CHANGED|LEID|EUID|NOTES|TAGS"
    ),
    "brevo": ("EMAIL|LASTNAME|FIRSTNAME|SMS|EMAIL_BLACKLISTED|SMS_BLACKLISTED|ADDED_TIME|MODIFIED_TIME"),
    "brevo_template": ("CONTACT ID|EMAIL|FIRSTNAME|LASTNAME|SMS|LANDLINE_NUMBER|WHATSAPP|INTERESTS"),
    "close_leads": (
        "id|display_name|lead_name|description|url|status_id|status_label|primary_contact_name|"
        "primary_contact_first_name|primary_contact_last_name|primary_contact_title|"
        "primary_contact_primary_phone|primary_contact_primary_phone_type|primary_contact_other_phones|"
        "primary_contact_primary_email|primary_contact_primary_email_type|primary_contact_other_emails|"
        "primary_contact_primary_url|primary_contact_other_urls|custom.Lead Source|last_activity_date|"
        "num_calls|num_emails|next_task_text|next_task_date"
    ),
    "google_old": (
        "Name|Given Name|Additional Name|Family Name|Yomi Name|Given Name Yomi|Additional Name Yomi|"
        "Family Name Yomi|Name Prefix|Name Suffix|Initials|Nickname|Short Name|Maiden Name|Birthday|Gender|"
        "Location|Billing Information|Directory Server|Mileage|Occupation|Hobby|Sensitivity|Priority|Subject|"
        "Notes|Language|Photo|Group Membership|E-mail 1 - Type|E-mail 1 - Value|Phone 1 - Type|"
        "Phone 1 - Value|Organization 1 - Type|Organization 1 - Name|Organization 1 - Title|Website 1 - Type|"
        "Website 1 - Value"
    ),
    "outlook_web": (
        "First Name|Middle Name|Last Name|Title|Suffix|Nickname|Given Yomi|Surname Yomi|E-mail Address|"
        "E-mail 2 Address|E-mail 3 Address|Home Phone|Home Phone 2|Business Phone|Business Phone 2|"
        "Mobile Phone|Car Phone|Other Phone|Primary Phone|Pager|Business Fax|Home Fax|Other Fax|"
        "Company Main Phone|Callback|Radio Phone|Telex|TTY/TDD Phone|IMAddress|Job Title|Department|Company|"
        "Office Location|Manager's Name|Assistant's Name|Assistant's Phone|Company Yomi|Business Street|"
        "Business City|Business State|Business Postal Code|Business Country/Region|Home Street|Home City|"
        "Home State|Home Postal Code|Home Country/Region|Other Street|Other City|Other State|"
        "Other Postal Code|Other Country/Region|Personal Web Page|Spouse|Schools|Hobby|Location|Web Page|"
        "Birthday|Anniversary|Notes"
    ),
    "outlook_de": (
        "Anrede|Vorname|Weitere Vornamen|Nachname|Suffix|Firma|Abteilung|Position|Telefon geschäftlich|"
        "Telefon privat|Mobiltelefon|E-Mail-Adresse|E-Mail 2: Adresse|E-Mail 3: Adresse|Webseite|Notizen|"
        "Kategorien"
    ),
    "outlook_fr": (
        "Titre|Prénom|Deuxième prénom|Nom|Suffixe|Société|Service|Profession|Téléphone (bureau)|"
        "Téléphone (domicile)|Tél. mobile|Adresse de messagerie|Page Web|Notes|Catégories"
    ),
    "lemlist_leads": (
        "emailStatus|email|firstName|lastName|picture|phone|linkedinUrl|timezone|companyName|companyDomain|"
        "icebreaker|Original event page|url extension|lastState|status|_id"
    ),
    "lemlist_leads_2": (
        "emailStatus|email|firstName|lastName|picture|phone|linkedinUrl|companyName|companyDomain|icebreaker|"
        "Title|Industry|Website|Company Address|Company City|Company State|Company Country|_ Employees|"
        "Job Title|Job title|lastState|status"
    ),
    "lemlist_contacts": ("firstName|lastName|email|companyName|jobTitle|status"),
    "lemlist_unsub_values": ("_id|value|source|createdAt"),
    "lemlist_unsub_contacts": ("_id|doNotContact"),
}
