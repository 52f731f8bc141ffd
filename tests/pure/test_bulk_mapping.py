"""Columns of the files that people have: each tool's names become fields, variables, or are left out."""

from pathlib import Path
from typing import Any

import pytest

from lemlist_async.bulk import BlockValues, ColumnMapping, ImportLeads, StopLeads, UpsertContacts
from lemlist_async.bulk.plan import check, map_source
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.field_values import company_domain, split_name
from lemlist_async.bulk.source.files import read_file
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.json import loads
from lemlist_async.errors import InvalidInputError
from tests.support.tool_headers import HEADERS

JOB = ImportLeads(campaign_id="cam_1")


def mapping_of(tool: str, job: Any = JOB) -> ColumnMapping:
    found = job.map_columns(HEADERS[tool].split("|"))
    assert isinstance(found, ColumnMapping)
    return found


def ranked(mapping: ColumnMapping) -> dict[str, list[str]]:
    """Return the columns of each field, the preferred one first."""
    found: dict[str, list[tuple[int, str]]] = {}
    for use, places in zip(mapping.uses, mapping.places, strict=True):
        for field, place in zip(use.fields, places, strict=True):
            found.setdefault(field, []).append((place, use.column))
    return {field: [column for _, column in sorted(columns)] for field, columns in found.items()}


def payload(tool: str, job: Any = JOB, **cells: str) -> dict[str, Any]:
    """Return the payload of a row of a tool's file in which all other cells are empty."""
    columns = HEADERS[tool].split("|")
    assert cells.keys() <= set(columns), cells.keys() - set(columns)
    values = {column: cells.get(column, "") for column in columns}
    found: dict[str, Any] = job.check_mapped(values, mapping_of(tool, job))
    return found


FIELDS: list[tuple[str, dict[str, list[str]]]] = [
    ("apollo", {
        "email": ["Email", "Secondary Email", "Tertiary Email"], "job_title": ["Title"],
        "company_name": ["Company", "Company Name for Emails"], "linkedin_url": ["Person Linkedin Url"],
        "phone": ["Mobile Phone", "Work Direct Phone", "Other Phone", "Corporate Phone"],
        "company_domain": ["Website"],
    }),
    ("hubspot", {"email": ["Email"], "company_name": ["Associated Company"], "phone": ["Phone Number"]}),
    ("hubspot_2", {"linkedin_url": ["LinkedIn URL"], "company_domain": ["Website URL"], "job_title": ["Job Title"]}),
    ("salesforce_report", {"company_name": ["Account Name"], "phone": ["Mobile", "Phone"], "job_title": ["Title"]}),
    ("salesforce_api", {"first_name": ["FirstName"], "phone": ["MobilePhone", "Phone"]}),
    ("linkedin_connections", {"linkedin_url": ["URL"], "email": ["Email Address"], "job_title": ["Position"]}),
    ("evaboot", {
        "linkedin_url": ["Linkedin URL Public", "Linkedin URL Unique ID"], "job_title": ["Current Job"],
        "company_domain": ["Company Domain", "Company Website URL"],
    }),
    ("phantombuster_salesnav", {
        "linkedin_url": ["linkedInProfileUrl", "defaultProfileUrl", "profileUrl"], "picture": ["profileImageUrl"],
    }),
    ("wiza", {"email": ["email", "other_work_emails"], "company_domain": ["company_domain", "domain"]}),
    ("pronto", {"linkedin_url": ["Linkedin Profile Url", "Linkedin Id Url"]}),
    ("pipedrive_people", {
        "email": ["Person - Email - Work", "Person - Email - Other", "Person - Email - Home"],
        "phone": ["Person - Phone - Mobile", "Person - Phone - Work", "Person - Phone - Other"],
        "company_name": ["Person - Organization"], "full_name": ["Person - Name"],
    }),
    ("clay", {"email": ["WORK EMAIL"], "linkedin_url": ["LinkedIn Profile"]}),
    ("zoominfo", {"phone": ["Mobile phone", "Direct Phone Number"], "linkedin_url": ["LinkedIn Contact Profile URL"]}),
    ("snov_import", {"email": ["Email"], "linkedin_url": ["Social URL"], "company_domain": ["Company Website"]}),
    ("instantly", {"icebreaker": ["ice_breaker", "personalization"], "email": ["email"]}),
    ("smartlead", {"phone": ["phone_number"], "company_domain": ["website", "company_url"]}),
    ("woodpecker", {"company_name": ["company"], "job_title": ["title"]}),
    ("mailchimp", {"email": ["Email Address"], "timezone": ["TIMEZONE"]}),
    ("brevo", {"email": ["EMAIL"], "phone": ["SMS"], "first_name": ["FIRSTNAME"]}),
    ("brevo_template", {"email": ["EMAIL"]}),
    ("close_leads", {
        "email": ["primary_contact_primary_email", "primary_contact_other_emails"],
        "company_name": ["display_name", "lead_name"], "full_name": ["primary_contact_name"],
    }),
    ("google_old", {"email": ["E-mail 1 - Value"], "first_name": ["Given Name"], "full_name": ["Name"]}),
    ("outlook_web", {
        "email": ["E-mail Address", "E-mail 2 Address", "E-mail 3 Address"], "job_title": ["Job Title", "Title"],
        "phone": ["Mobile Phone", "Business Phone", "Primary Phone", "Other Phone"],
    }),
    ("outlook_de", {
        "email": ["E-Mail-Adresse", "E-Mail 2: Adresse", "E-Mail 3: Adresse"], "last_name": ["Nachname"],
    }),
    ("outlook_fr", {"email": ["Adresse de messagerie"], "first_name": ["Prénom"], "last_name": ["Nom"]}),
    ("lemlist_leads", {"email": ["email"], "job_title": []}),
    ("lemlist_contacts", {"email": ["email"], "job_title": ["jobTitle"]}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "fields"), FIELDS, ids=[tool for tool, _ in FIELDS])
def test_the_columns_of_a_tool_become_fields_in_their_order_of_preference(
    tool: str, fields: dict[str, list[str]]
) -> None:
    found = ranked(mapping_of(tool))
    assert {field: found.get(field, []) for field in fields} == fields


@pytest.mark.parametrize("tool", sorted(HEADERS.keys() - {"lemlist_unsub_values", "lemlist_unsub_contacts"}))
def test_no_bookkeeping_and_no_verdict_on_another_column_becomes_a_variable(tool: str) -> None:
    variables = {use.variable for use in mapping_of(tool).uses if use.variable is not None}
    assert not variables & {"Email Status", "Contact Owner", "Stage", "vmid", "_id", "source"}
    assert not [
        name for name in variables if name.lower().endswith((" id", "_id", ".id", "confidence", "- type"))
    ]


@pytest.mark.parametrize("tool", ["lemlist_unsub_values", "lemlist_unsub_contacts"])
def test_a_list_of_people_who_want_no_messages_is_no_list_of_leads(tool: str) -> None:
    with pytest.raises(InvalidInputError, match="people who want no messages"):
        mapping_of(tool)


@pytest.mark.parametrize(
    ("tool", "column", "value"),
    [
        ("salesforce_report", "Email Opt Out", "1"),
        ("salesforce_api", "HasOptedOutOfEmail", "true"),
        ("smartlead", "is_unsubscribed", "True"),
        ("brevo", "EMAIL_BLACKLISTED", "Yes"),
        ("apollo", "Email Bounced", "true"),
        ("pipedrive_people", "Person - Marketing status", "Unsubscribed"),
    ],
)
def test_an_opt_out_refuses_the_row_and_says_which_column_did(tool: str, column: str, value: str) -> None:
    email = ranked(mapping_of(tool))["email"][0]
    with pytest.raises(RowRefusedError, match=f"the column {column!r} says {value!r}"):
        payload(tool, **{email: "a@x.io", column: value})
    for no in ("", "no", "False", "0"):
        assert column not in payload(tool, **{email: "a@x.io", column: no})["variables"]
    told = ImportLeads(campaign_id="cam_1", ignore=[column])
    assert payload(tool, told, **{email: "a@x.io", column: value})["fields"]["email"] == "a@x.io"


def test_an_opt_out_refuses_a_row_of_a_program_too_and_no_other_job() -> None:
    with pytest.raises(RowRefusedError, match="'unsubscribed' says 'True'"):
        JOB.check({"email": "a@x.io", "unsubscribed": True})
    assert JOB.check({"email": "a@x.io", "unsubscribed": False})["variables"] == {"unsubscribed": False}
    assert StopLeads(campaign_id="cam_1", action="unsubscribe").check({"email": "a@x.io", "unsubscribed": 1})


def test_the_owner_of_a_contact_is_taken_as_an_id_or_address_and_never_as_a_name() -> None:
    row = payload("apollo", **{"Email": "a@x.io", "Contact Owner": "Ann Lee"})
    assert "contact_owner" not in row["fields"]
    assert not row["variables"]
    row = payload("apollo", **{"Email": "a@x.io", "Contact Owner": "ann@team.io"})
    assert row["fields"]["contact_owner"] == "ann@team.io"


def test_the_first_filled_column_of_a_field_wins_and_the_others_stay_variables() -> None:
    both = payload("apollo", **{"Email": "a@x.io", "Secondary Email": "b@x.io", "Mobile Phone": "'+33 1"})
    assert both["fields"] == {"email": "a@x.io", "phone": "+33 1"}
    assert both["variables"] == {"Secondary Email": "b@x.io"}
    second = payload("apollo", **{"Secondary Email": "b@x.io", "Corporate Phone": "+33 2"})
    assert second == {"fields": {"email": "b@x.io", "phone": "+33 2"}, "variables": {}}


@pytest.mark.parametrize(
    ("tool", "column", "value", "field"),
    [
        ("linkedin_connections", "URL", "https://www.linkedin.com/in/ann", "linkedin_url"),
        ("linkedin_connections", "URL", "https://www.linkedin.com/company/acme", None),
        ("close_leads", "url", "https://www.acme.com/about", "company_domain"),
        ("phantombuster_salesnav", "profileUrl", "https://www.linkedin.com/sales/people/ACw", None),
        ("phantombuster_salesnav", "companyUrl", "https://www.linkedin.com/company/1", None),
        ("mailchimp", "TIMEZONE", "Europe/Paris", "timezone"),
        ("mailchimp", "TIMEZONE", "2", None),
        ("outlook_web", "Title", "Dr.", None),
        ("outlook_web", "Title", "Head of Sales", "job_title"),
        ("google_old", "Photo", "https://x.io/a.png", "picture"),
        ("google_old", "Photo", "photo.png", None),
        ("brevo_template", "CONTACT ID", "17", None),
    ],
)
def test_the_value_decides_where_the_name_of_a_column_does_not(
    tool: str, column: str, value: str, field: str | None
) -> None:
    email = ranked(mapping_of(tool)).get("email", [None])[0] or "Linkedin Profile Url"
    cells = {column: value} | ({email: "a@x.io"} if email in HEADERS[tool].split("|") else {})
    if "email" not in ranked(mapping_of(tool)):
        cells["linkedInProfileUrl"] = "https://linkedin.com/in/a"
    found = payload(tool, **cells)["fields"]
    assert set(found) - {"email", "linkedin_url"} == ({field} - {"linkedin_url"} if field else set())
    if field == "linkedin_url":
        assert found["linkedin_url"] == value


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"), ("http://acme.co.uk:8080", "acme.co.uk"),
        ("acme.com", "acme.com"), ("www.acme.com", "acme.com"), ("münchen.de", "münchen.de"),
        ("linkedin.com/company/x", None), ("https://fr.linkedin.com/x", None), ("gmail.com", None), ("n/a", None),
        ("", None), ("https://[x", None), ("Acme Inc.", None),
    ],
)  # fmt: skip
def test_a_website_becomes_the_domain_of_the_company(text: str, domain: str | None) -> None:
    assert company_domain(text) == domain


@pytest.mark.parametrize(
    ("full", "parts"),
    [("Ann Lee", ("Ann", "Lee")), ("Ann Mary Lee", ("Ann", "Mary Lee")), ("Lee, Ann", ("Ann", "Lee")),
     ("Ann", ("Ann", "")), ("  Ann   Lee ", ("Ann", "Lee")), ("Dr. Ann Lee", ("Ann", "Lee")),
     ("Frau Dr. Anna Graf", ("Anna", "Graf")), ("John Smith, PhD", ("John", "Smith"))],
)  # fmt: skip
def test_a_full_name_is_split_where_there_are_no_parts(full: str, parts: tuple[str, str]) -> None:
    assert split_name(full) == parts
    row = JOB.map_columns(["email", "name"])
    found = JOB.check_mapped({"email": "a@x.io", "name": full}, row)
    assert found["fields"].get("first_name") == parts[0]
    assert found["fields"].get("last_name", "") == parts[1]
    assert not found["variables"]


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["email", "nombre", "apellidos"], {"first_name", "last_name", "email"}),
        (["email", "nombre"], {"full_name", "email"}),
        (["courriel", "nom", "prénom"], {"first_name", "last_name", "email"}),
        (["correo", "nom"], {"full_name", "email"}),
        (["e-mailadres", "voornaam", "achternaam", "bedrijf"], {"email", "first_name", "last_name", "company_name"}),
        (["Indirizzo e-mail", "nome", "cognome", "azienda"], {"email", "first_name", "last_name", "company_name"}),
        (["Endereço de email", "primeiro nome", "sobrenome"], {"email", "first_name", "last_name"}),
    ],
)  # fmt: skip
def test_names_in_seven_languages_are_known(header: list[str], fields: set[str]) -> None:
    assert {field for use in JOB.map_columns(header).uses for field in use.fields} == fields


def test_names_are_compared_whole_and_never_by_a_part() -> None:
    uses = JOB.map_columns(
        ["email", "Email subject", "Company size", "First Name of boss", "My phone provider"]
    ).uses
    assert [use.role for use in uses] == ["field", "variable", "variable", "variable", "variable"]


def test_the_only_column_with_addresses_is_that_of_the_address_whatever_its_name() -> None:
    samples = [["a@x.io", "Bob <b@x.io>"], ["u"], ["https://linkedin.com/in/a"]]
    uses = JOB.map_columns(["Kontakt", "Notiz", "LinkedIn"], samples).uses
    assert (uses[0].fields, uses[0].reason) == (("email",), "its values are addresses")
    with pytest.raises(InvalidInputError, match="'A', 'B' hold e-mail addresses: say which one is 'email'"):
        JOB.map_columns(["A", "B", "LinkedIn"], [["a@x.io"], ["b@x.io"], []])


def test_several_addresses_in_a_cell_are_one_lead_with_a_remark() -> None:
    for cell in (
        "a@x.io; b@x.io",
        "a@x.io,b@x.io",
        "a@x.io ::: b@x.io",
        "a@x.io b@x.io",
        "Ann <a@x.io>, Bob <b@x.io>",
    ):
        found = JOB.check({"email": cell})
        assert found["fields"] == {"email": "a@x.io"}
        assert found["note"].startswith("the first of several addresses")
    with pytest.raises(RowRefusedError):
        JOB.check({"email": "a@x; b@x.io"})


def test_variables_that_differ_in_case_only_are_kept_apart() -> None:
    uses = JOB.map_columns(["email", "Colour", "colour", "COLOUR"]).uses
    assert [use.variable for use in uses[1:]] == ["Colour", "colour 2", "COLOUR 3"]
    assert uses[2].reason


def test_the_caller_may_map_ignore_and_choose_columns() -> None:
    header = ["Kontakt", "E-Mail", "Size", "Stage"]
    mapped = ImportLeads(campaign_id="cam_1", columns={"Kontakt": "email", "Stage": "phase"}, ignore=["Size"])
    uses = {use.column: use for use in mapped.map_columns(header).uses}
    assert (uses["Stage"].variable, uses["Size"].role) == ("phase", "ignored")
    cells = {"Kontakt": "a@x.io", "E-Mail": "b@x.io", "Size": "5", "Stage": "won"}
    found = mapped.check_mapped(cells, mapped.map_columns(header))
    assert found == {"fields": {"email": "a@x.io"}, "variables": {"E-Mail": "b@x.io", "phase": "won"}}
    only = ImportLeads(campaign_id="cam_1", only=["E-Mail"])
    assert [use.role for use in only.map_columns(header).uses] == ["ignored", "field", "ignored", "ignored"]
    with pytest.raises(InvalidInputError, match="no column 'Siez'"):
        ImportLeads(campaign_id="cam_1", ignore=["Siez"]).map_columns(header)


def test_a_contact_keeps_lemlists_own_fields_under_names_that_are_bookkeeping_elsewhere() -> None:
    uses = UpsertContacts().map_columns(["email", "source", "status", "Company"]).uses
    assert [(use.role, use.fields) for use in uses] == [
        ("field", ("email",)), ("field", ("source",)), ("ignored", ()), ("variable", ()),
    ]  # fmt: skip


# Files -------------------------------------------------------------------------------------------------------

LINKEDIN = (
    "Notes:\n"
    '"When exporting your connection data, you may notice, that some of the addresses are missing."\n'
    "\n"
    "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
    "Ann,Lee,https://www.linkedin.com/in/ann,,Acme,CTO,12 Mar 2024\n"
    ",,,,,,\n"
)
SALESFORCE = (
    "First Name,Last Name,Email,Email Opt Out\n"
    "Ann,Lee,a@x.io,0\n"
    "Bob,Ray,b@x.io,1\n"
    "\n"
    "Grand Totals (2 records),,,\n"
    '"Confidential Information - Do Not Distribute"\n'
    '"Copyright © 2000-2026 salesforce.com, inc. All rights reserved."\n'
)


def outcomes(path: Path, content: str) -> list[tuple[int, str]]:
    """Return line and reason, or address, of each row of a file."""
    path.write_text(content, encoding="utf-8")
    mapping = map_source(JOB, path, FileFormat())
    rows = [check(JOB, n, raw, mapping) for n, raw in enumerate(read_file(path, FileFormat()), 1)]
    return [(row.line, row.reason or "".join(str(loads(row.payload)["fields"].values()))) for row in rows]


def test_notes_above_the_table_and_remarks_below_it_are_no_rows(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "connections.csv", LINKEDIN)
    assert [line for line, _ in found] == [5]
    mapping = map_source(JOB, tmp_path / "connections.csv", FileFormat())
    assert mapping is not None
    assert mapping.line == 4
    assert mapping.uses[0].samples == ("Ann",)
    (first, second) = outcomes(tmp_path / "report.csv", SALESFORCE)
    assert (first[0], second[0]) == (2, 3)
    assert "'Email Opt Out' says '1'" in second[1]


def test_a_note_above_a_table_with_semicolons_does_not_hide_its_delimiter(tmp_path: Path) -> None:
    text = "Kontakte vom 3. Mai\nVorname;Nachname;E-Mail-Adresse\nAnn;Lee;a@x.io\n"
    assert [line for line, _ in outcomes(tmp_path / "a.csv", text)] == [3]


def test_a_name_that_is_there_twice_is_numbered_unless_it_is_a_field(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "a.csv", "email,UNSUB_REASON,UNSUB_REASON,Note,Note\na@x.io,,,x,y\n")
    assert len(found) == 1
    with pytest.raises(InvalidInputError, match="the column 'email' is there twice"):
        outcomes(tmp_path / "b.csv", "email,email\na@x.io,b@x.io\n")


@pytest.mark.parametrize(
    ("column", "no", "yes"),
    [
        ("Unsubscribe", "1", ""), ("Subscription Status", "Unsubscribed", "subscribed"), ("Opt-in", "non", "oui"),
        ("Subscribed", "no", "yes"), ("Marketing opt-in", "FALSE", "TRUE"), ("Werbesperre", "ja", "nein"),
        ("Ne pas contacter", "oui", "non"), ("No contactar", "sí", "no"), ("Suppressed", "true", "false"),
    ],
)  # fmt: skip
def test_opt_outs_have_many_names_and_some_ask_for_consent(column: str, no: str, yes: str) -> None:
    mapping = JOB.map_columns(["email", column])
    with pytest.raises(RowRefusedError, match="wants no messages"):
        JOB.check_mapped({"email": "a@x.io", column: no}, mapping)
    assert JOB.check_mapped({"email": "a@x.io", column: yes}, mapping)["fields"] == {"email": "a@x.io"}


@pytest.mark.parametrize("state", [("emailsUnsubscribed", "unsubscribed"), ("emailsBounced", "scanned")])
def test_people_who_left_do_not_come_back_through_lemlists_own_export(state: tuple[str, str]) -> None:
    with pytest.raises(RowRefusedError, match="lemlist's export says"):
        payload("lemlist_leads", email="a@x.io", lastState=state[0], status=state[1])
    assert payload("lemlist_leads", email="a@x.io", lastState="emailsSent", status="done")


@pytest.mark.parametrize("text", ["#REF!", "#N/A", "N/A", "n/a"])
def test_what_tools_write_in_place_of_a_value_is_no_value(text: str) -> None:
    found = JOB.check({"email": "a@x.io", "first_name": text, "Size": text})
    assert found == {"fields": {"email": "a@x.io"}, "variables": {}}
    with pytest.raises(RowRefusedError, match="no e-mail address"):
        JOB.check({"email": "email_not_unlocked@domain.com"})


@pytest.mark.parametrize("value", ["foo at bar.com", "not a value", "-", "acme"])
def test_a_value_that_would_block_no_one_is_refused(value: str) -> None:
    with pytest.raises(RowRefusedError, match="no address, domain, LinkedIn page or phone number"):
        BlockValues().check({"email": value})


@pytest.mark.parametrize(
    "row",
    [{"E-Mail-Adresse": "a@x.io", "Name": "Ann"}, {"value": "@acme.com"}, {"domain": "acme.com"},
     {"Mobile Phone": "+33 6 12 34 56 78", "n": "1"}, {"LinkedIn": "https://linkedin.com/in/a", "n": "1"}],
)  # fmt: skip
def test_a_value_to_block_is_found_under_the_names_that_an_import_knows(row: dict[str, str]) -> None:
    assert BlockValues().check(row)["value"] == next(iter(row.values()))
