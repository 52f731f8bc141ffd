"""Contacts, lists, companies and fields of the sandbox."""

import csv
from typing import Any

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api

ANN = {
    "email": "ann@b.example",
    "firstName": "Ann",
    "lastName": "Bee",
    "linkedinUrl": "https://www.linkedin.com/in/ann",
}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    assert body["success"] is False
    return status, body["error"]["code"]


async def test_an_upsert_creates_once_and_then_updates(api: Api, team: Team) -> None:
    status, first = await api("POST /contacts", json=ANN | {"hobby": "chess"})
    assert (status, first["success"], first["data"]["created"]) == (201, True, True)
    assert first["data"]["emails"] == [{"value": "ann@b.example"}]
    again = {"email": "ANN@b.example", "hobby": "", "lastName": None, "jobTitle": "CTO"}
    status, second = await api("POST /contacts", json=again)
    assert (status, second["data"]["created"], second["data"]["updated"]) == (200, False, True)
    assert second["data"]["_id"] == first["data"]["_id"]
    fields = {"firstName": "Ann", "lastName": "Bee", "hobby": "chess", "jobTitle": "CTO"}
    assert second["data"]["fields"] == fields
    assert len(team.contacts) == 1


@pytest.mark.parametrize("identity", ["contactId", "linkedinUrl"])
async def test_a_person_is_known_by_id_or_profile(api: Api, team: Team, identity: str) -> None:
    _, made = await api("POST /contacts", json=ANN)
    value = {"contactId": made["data"]["_id"], "linkedinUrl": ANN["linkedinUrl"]}[identity]
    status, _ = await api("POST /contacts", json={identity: value, "city": "Ulm"})
    assert status == 200
    assert team.contacts[made["data"]["_id"]]["fields"]["city"] == "Ulm"


async def test_an_upsert_needs_somebody(api: Api) -> None:
    assert code(await api("POST /contacts", json={"firstName": "Ann"})) == (400, "MISSING_IDENTIFIER")
    assert code(await api("POST /contacts", json={"email": "ann"})) == (400, "INVALID_EMAIL")
    assert code(await api("POST /contacts", json={"contactId": "ctc_none"})) == (400, "CONTACT_NOT_FOUND")


async def test_a_company_is_linked_if_it_is_there(api: Api, team: Team) -> None:
    company = team.add_company("acme.example", name="Acme")
    _, linked = await api("POST /contacts", json=ANN | {"companyDomain": "https://www.acme.example/about"})
    assert (linked["data"]["companyLinked"], linked["data"]["companyId"]) == (True, company["_id"])
    _, alone = await api("POST /contacts", json={"email": "bo@b.example", "companyDomain": "none.example"})
    assert alone["data"]["companyLinked"] is False
    assert alone["warnings"][0]["code"] == "COMPANY_NOT_FOUND"
    _, odd = await api("POST /contacts", json={"email": "bo@b.example", "companyDomain": "http://[x]"})
    assert odd["data"]["companyLinked"] is False


async def test_looking_up_gives_a_list_and_listing_gives_a_page(api: Api, team: Team) -> None:
    ids = [team.add_contact(f"p{number}@b.example", firstName=f"P{number}")["_id"] for number in range(4)]
    found = await api.ok(f"GET /contacts?idsOrEmails={ids[2]},p0@b.example,nobody@b.example")
    assert [row["_id"] for row in found] == [ids[2], ids[0]]
    page = await api.ok("GET /contacts?limit=3&offset=2")
    assert [row["_id"] for row in page["data"]] == ids[2:]
    assert (page["total"], page["limit"], page["offset"]) == (4, 3, 2)
    assert (await api(f"GET /contacts?idsOrEmails={'x,' * 101}"))[0] == 400


async def test_contacts_are_filtered(api: Api, team: Team) -> None:
    company = team.add_company("acme.example", linkedinUrl="x")
    ann, bo = (
        team.add_contact("ann@b.example", firstName="Ann"),
        team.add_contact("bo@b.example", firstName="Bo"),
    )
    bo |= {"companyId": company["_id"], "fieldRejections": [{"reason": "crm_sync_unknown_error"}]}
    team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    members = team.add_contact_list("Some")
    members["contactIds"][ann["_id"]] = None
    expected = {
        "search=an": [ann],
        "email=bo@b.example": [bo],
        f"listId={members['_id']}": [ann],
        "listId=clt_unknown": [],
        "notInAnyCampaign=true": [bo],
        f"companyId={company['_id']}": [bo],
        "companyDomain=acme.example": [bo],
        "companyDomain=none.example": [],
        "fieldRejectionReason=crm_sync_unknown_error": [bo],
        "notInAnyCampaign=true&search=ann": [],
    }
    for query, contacts in expected.items():
        page = await api.ok(f"GET /contacts?{query}")
        assert [row["_id"] for row in page["data"]] == [contact["_id"] for contact in contacts], query
    assert await api("GET /contacts?search=a") == (400, "Search query must be at least 2 characters")
    assert (await api("GET /contacts?listId=nonsense"))[0] == 400
    assert (await api("GET /contacts?companyId=a&companyDomain=b"))[0] == 400


async def test_a_contact_shows_its_campaigns(api: Api, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example", firstName="Ann", lastName="Bee")
    by_email = await api.ok("GET /contacts/ann%40b.example")
    assert by_email == await api.ok(f"GET /contacts/{lead['contactId']}")
    assert (by_email["fullName"], by_email["unsubscribed"]) == ("Ann Bee", False)
    assert by_email["campaigns"][0]["leadId"] == lead["_id"]
    assert await api("GET /contacts/no@b.example") == (400, "Bad team")


async def test_a_deleted_contact_takes_everything_along(api: Api, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    contact = team.contacts[lead["contactId"]]
    team.add_message(contact, "email", "emailsReplied", "Yes", lead)
    members = team.add_contact_list("Some")
    members["contactIds"][contact["_id"]] = None
    answer = await api.ok(f"DELETE /contacts/{contact['_id']}")
    assert answer == {"success": True, "deletedContactId": contact["_id"]}
    assert not any((team.contacts, team.leads, team.activities, team.conversations, members["contactIds"]))
    assert code(await api("DELETE /contacts/ann@b.example")) == (404, "CONTACT_NOT_FOUND")


async def test_a_contact_is_not_deleted_during_an_enrichment(api: Api, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    await api.ok(f"POST /leads/{lead['_id']}/enrich?verifyEmail=true")
    assert code(await api("DELETE /contacts/ann@b.example")) == (409, "CONTACT_DELETE_BLOCKED")


async def test_lists_are_made_filled_searched_and_emptied(api: Api, team: Team) -> None:
    ann, bo = (team.add_contact(f"{name}@b.example")["_id"] for name in ("ann", "bo"))
    status, made = await api("POST /contacts/lists", json={"name": "Nurturing"})
    assert (status, made["list"]["name"]) == (201, "Nurturing")
    assert await api.ok("GET /contacts/lists?search=nurt") == [
        {"_id": made["list"]["id"], "name": "Nurturing", "dynamic": False}
    ]
    assert await api.ok("GET /contacts/lists?search=other") == []
    path = f"POST /contacts/lists/{made['list']['id']}/entities"
    added = await api.ok(path, json={"contactIds": [ann]})
    assert (added["addedCount"], added["alreadyInList"]) == (1, 0)
    added = await api.ok(path, json={"contactIds": [ann, bo, bo, "ctc_unknown"]})
    assert (added["addedCount"], added["alreadyInList"]) == (1, 1)
    assert (await api.ok(f"{path}?action=remove", json={"contactIds": [ann, ann]}))["removedCount"] == 1
    assert list(team.contact_lists[made["list"]["id"]]["contactIds"]) == [bo]


async def test_lists_refuse_in_the_documented_words(api: Api, team: Team) -> None:
    dynamic = f"/contacts/lists/{team.add_contact_list('All', dynamic=True)['_id']}/entities"
    one = {"contactIds": ["ctc_1"]}
    refusals = [
        ("POST /contacts/lists", {}, 400, "name is required and must be a non-empty string"),
        ("POST /contacts/lists", {"name": "x" * 201}, 400, "name must be at most 200 characters"),
        ("POST /contacts/lists/other/entities", one, 400, "Invalid listId format (expected clt_xxx)"),
        ("POST /contacts/lists/clt_none/entities", one, 404, "Contact list not found"),
        (f"POST {dynamic}", {}, 400, "contactIds is required and must be a non-empty array"),
        (f"POST {dynamic}", {"contactIds": ["ctc_1"] * 1001}, 400, "Maximum 1,000 contacts per request"),
        (f"POST {dynamic}", {"contactIds": ["usr_1"]}, 400, "All contactIds must be in ctc_xxx format"),
        (f"POST {dynamic}", one, 400, "Cannot manually add contacts to a dynamic list"),
        (f"POST {dynamic}?action=remove", one, 400, "Cannot manually remove contacts from a dynamic list"),
        (f"DELETE {dynamic}", one, 405, "Method not allowed"),
    ]
    for operation, body, status, text in refusals:
        assert await api(operation, json=body) == (status, text)


async def test_a_list_is_exported_as_csv(api: Api, team: Team) -> None:
    ann = team.add_contact("ann@b.example", firstName="Ann", hobby="chess, go")
    team.add_contact("bo@b.example")
    ann["companyId"] = team.add_company("acme.example", name="Acme")["_id"]
    members = team.add_contact_list("Some")
    members["contactIds"][ann["_id"]] = None
    rows = list(csv.DictReader((await api.ok(f"GET /contacts/export?listId={members['_id']}")).splitlines()))
    assert [(row["email"], row["hobby"], row["status"]) for row in rows] == [
        ("ann@b.example", "chess, go", "active")
    ]
    assert len((await api.ok("GET /contacts/export?listId=all")).splitlines()) == 3
    companies = list(
        csv.DictReader((await api.ok("GET /contacts/export?listId=all&entity=company")).splitlines())
    )
    assert [(row["name"], row["numberOfContacts"]) for row in companies] == [("Acme", "1")]
    _, headers = await api.headers("GET /contacts/export?listId=all")
    assert headers["Content-Disposition"].startswith("attachment")
    assert await api("GET /contacts/export") == (400, "Bad team")


async def test_a_company_is_created_once_and_then_updated(api: Api, team: Team) -> None:
    acme = {
        "name": "Acme",
        "domain": "https://www.acme.example",
        "linkedinUrl": "https://www.linkedin.com/company/acme",
    }
    status, made = await api("POST /companies", json=acme)
    assert (status, made["data"]["created"], made["data"]["domain"]) == (201, True, "acme.example")
    for identity in (
        {"domain": "acme.example"},
        {"linkedinUrl": acme["linkedinUrl"]},
        {"companyId": made["data"]["_id"]},
    ):
        status, known = await api("POST /companies", json={"industry": "Toys", **identity})
        assert (status, known["data"]["created"], known["data"]["fields"]["name"]) == (200, False, "Acme")
    assert len(team.companies) == 1
    assert "created" not in next(iter(team.companies.values()))
    assert code(await api("POST /companies", json={"domain": "new.example"})) == (
        400,
        "MISSING_REQUIRED_FIELD",
    )
    assert code(await api("POST /companies", json={"companyId": "cpn_x"})) == (400, "COMPANY_NOT_FOUND_BY_ID")


async def test_companies_are_listed_filtered_and_projected(api: Api, team: Team) -> None:
    ids = [team.add_company(f"c{number}.example", name=f"Co {number}")["_id"] for number in range(3)]
    page = await api.ok("GET /companies?limit=2&sortOrder=desc")
    assert ([row["_id"] for row in page["data"]], page["total"]) == (ids[:0:-1], 3)
    found = await api.ok(f"GET /companies?idsOrDomains={ids[0]},https://www.c2.example/x,none.example")
    assert [row["_id"] for row in found["data"]] == [ids[0], ids[2]]
    shown = await api.ok("GET /companies?search=co%201&fields=_id,fields.name,domain")
    assert shown["data"] == [{"_id": ids[1], "fields": {"name": "Co 1"}, "domain": "c1.example"}]
    assert await api("GET /companies?crmSyncStatus=synced") == (400, "NO_CRM_CONNECTED")
    assert (await api(f"GET /companies?idsOrDomains={'x,' * 101}"))[0] == 400
    team.add_crm_filter("All", [])
    team.companies[ids[0]]["crmSync"] = {"crmRecordId": "7", "errors": []}
    team.companies[ids[1]]["crmSync"] = {"errors": [{"reason": "required_field_missing"}]}
    team.companies[ids[1]]["fieldRejections"] = [{"reason": "crm_sync_invalid_domain"}]
    expected = {
        "crmSyncStatus=synced": ids[:1],
        "crmSyncStatus=error": ids[1:2],
        "crmSyncStatus=required_field_missing": ids[1:2],
        "crmSyncStatus=not_synced": ids[2:],
        "fieldRejectionReason=crm_sync_invalid_domain": ids[1:2],
    }
    for query, companies in expected.items():
        assert [row["_id"] for row in (await api.ok(f"GET /companies?{query}"))["data"]] == companies, query


async def test_a_company_with_contacts_is_deleted_only_by_force(api: Api, team: Team) -> None:
    company = team.add_company("acme.example", name="Acme")
    contact = team.add_contact("ann@b.example")
    contact["companyId"] = company["_id"]
    path = f"DELETE /companies/{company['_id']}"
    status, refusal = await api(path)
    assert (status, refusal["error"]["code"], refusal["error"]["contactCount"]) == (
        400,
        "COMPANY_HAS_CONTACTS",
        1,
    )
    gone = await api.ok(f"{path}?force=true")
    assert gone == {"success": True, "deletedCompanyId": company["_id"], "unlinkedContacts": 1}
    assert "companyId" not in contact
    assert code(await api(path)) == (404, "COMPANY_NOT_FOUND_BY_ID")
    assert code(await api("DELETE /companies/x")) == (400, "INVALID_COMPANY_ID")


async def test_notes_of_a_company_are_paged(api: Api, team: Team) -> None:
    path = f"/companies/{team.add_company('acme.example', name='Acme')['_id']}/notes"
    notes = [await api.ok(f"POST {path}", json={"note": f"Note {number}"}) for number in range(3)]
    assert (notes[0]["type"], notes[0]["userId"]) == ("annotated", team.user_id)
    page = await api.ok(f"GET {path}?limit=2&page=1&sortOrder=desc")
    assert ([row["note"] for row in page["data"]], page["total"]) == (["Note 2", "Note 1"], 3)
    assert (await api(f"POST {path}", json={}))[0] == 400
    assert await api("GET /companies/cpn_0123456789abcdefg/notes") == (404, "Company not found")


async def test_fields_list_defaults_and_what_records_carry(api: Api, team: Team) -> None:
    team.add_contact("ann@b.example", firstName="Ann", hobby="chess")
    data = (await api.ok("GET /fields"))["data"]
    assert {"name": "hobby", "label": "hobby", "type": "text", "source": "custom"} in data["contact"]
    assert set(data) == {"contact", "company"}
    custom = (await api.ok("GET /fields?entity=contact&source=custom"))["data"]
    assert [row["name"] for row in custom["contact"]] == ["hobby"]
    message = "Invalid entity parameter. Must be one of: contact, company"
    assert await api("GET /fields?entity=lead") == (400, {"success": False, "error": message})
    assert await api("POST /fields") == (405, {"success": False, "error": "Method not allowed. Use GET."})
