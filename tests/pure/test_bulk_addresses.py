"""Addresses and LinkedIn pages as people have them: one spelling, one person, or a reason."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.bulk.jobs.contacts import ListContacts, UpsertContacts
from lemlist_async.bulk.jobs.lead_changes import UpdateLeads
from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.jobs.unsubscribes import BlockValues
from lemlist_async.bulk.source.addresses import AddressError, address_key, is_invisible, read_address
from lemlist_async.bulk.source.cells import value_key
from lemlist_async.bulk.source.linkedin import page_key
from lemlist_async.bulk.source.raw_row import RowRefusedError

INVISIBLE = [
    "\u200b", "\ufeff", "\u00ad", "\u202e", "\u200d", "\u2060", "\u200e", "\ufe0f", "\ue000", "\U000e0041",
    "\u034f", "\u3164", "\u2800", "\x7f", "\x85", "\ufdd0", "\U000e0100",
]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "a@x.com",
        "a.b+c@sub.x.co.uk",
        "o'neill@x.com",
        "é@exämple.de",
        "a%b@example.com",
        "a@my_host.example.com",
    ],
)
def test_an_address_that_can_be_one_passes_unchanged(address: str) -> None:
    assert read_address(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@x.com", "a@x", "a@@x.com", "a b@x.com", "a@x..com", "a.@x.com", ".a@x.com", "a@-x.com",
     "a@x.c0m.", "a" * 65 + "@x.com", "a@" + "x" * 250 + ".com", "a@1.2.3.4", "a@x.com, b@x.com", "n/a", "a＠x.com",
     "'a@x.com", "%20a@x.com", "a@x.com'", "Ann <a@x.com> Bee <b@x.com>", "<>", "mailto:", "a@\u0378.com"],
)  # fmt: skip
def test_a_text_that_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        read_address(address)


@pytest.mark.parametrize(
    "text",
    [" ann@example.com ", "ann@example.com\n", "\xa0ann@example.com", "mailto:ann@example.com",
     "MAILTO:ann@example.com?subject=Hi", "mailto:%20ann@example.com", "Ann <ann@example.com>",
     '"Bee, Ann" <ann@example.com>', "<mailto:ann@example.com>", "<ann@example.com>"],
)  # fmt: skip
def test_the_ways_in_which_programs_copy_an_address_are_understood(text: str) -> None:
    assert read_address(text) == "ann@example.com"


@pytest.mark.parametrize("hidden", INVISIBLE, ids=ascii)
def test_an_invisible_character_is_taken_off_the_ends_and_refused_inside(hidden: str) -> None:
    assert read_address(f"{hidden}ann@example.com{hidden}") == "ann@example.com"
    for inside in (f"an{hidden}n@example.com", f"ann{hidden}@example.com", f"ann@exam{hidden}ple.com"):
        with pytest.raises(AddressError, match=rf"invisible character \(U\+{ord(hidden):04X}.*remove it"):
            read_address(inside)


@given(st.characters(), st.integers(0, 15))
def test_no_character_that_cannot_be_seen_is_ever_sent(character: str, place: int) -> None:
    text = "ann@example.com"
    try:
        read = read_address(text[:place] + character + text[place:])
    except AddressError:
        return
    assert not any(map(is_invisible, read))
    assert read == unicodedata.normalize("NFC", read)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ANN@Example.COM", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@XN--BCHER-KVA.example"),
        ("jose\u0301@example.com", "jos\xe9@example.com"),
        ("ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_twin_spellings_of_an_address_are_one_person(one: str, other: str) -> None:
    assert address_key(read_address(one)) == address_key(read_address(other))
    for job in (ImportLeads(campaign_id="cam_1"), UpdateLeads(campaign_id="cam_1"), UpsertContacts()):
        payloads = [job.check({"email": spelled, "first name": "A"}) for spelled in (one, other)]
        assert job.key(payloads[0]) == job.key(payloads[1])
    for values in (BlockValues(), ListContacts(list_id="clt_1")):
        assert values.key(values.check({"email": one})) == values.key(values.check({"email": other}))


def test_a_blocked_domain_is_the_same_in_letters_and_in_punycode() -> None:
    assert value_key("@BÜCHER.example") == value_key("@xn--bcher-kva.example")


PAGES = [
    "https://www.linkedin.com/in/ann-bée/", "http://linkedin.com/in/ann-bée", "linkedin.com/in/Ann-BÉE",
    "www.linkedin.com/in/ann-bée?trk=x", "https://fr.linkedin.com/in/ann-bée/fr", "//www.linkedin.com/in/ann-bée#a",
    "https://www.linkedin.com/in/ann-b%C3%A9e/", "https://m.linkedin.com/in/ann-be\u0301e", "HTTPS://LINKEDIN.COM/IN/ANN-BÉE",
    " https://www.linkedin.com/in/ann-bée\u200b", "https://www.linkedin.com:443/in/ann-bée//", "https://www.linkedin.com/mwlite/in/ann-bée",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_one_linkedin_page_in_a_dozen_spellings_is_one_lead(page: str) -> None:
    assert page_key(page) == "linkedin.com/in/ann-bée"
    job = ImportLeads(campaign_id="cam_1")
    assert job.key(job.check({"linkedin_url": page})) == job.key(job.check({"LinkedIn": PAGES[0]}))


@pytest.mark.parametrize(
    "page",
    ["https://www.linkedin.com/in/bob", "https://www.linkedin.com/company/ann-bée", "https://linkedin.com.evil.example/in/ann-bée",
     "https://example.com/in/ann-bée", "ann-bée", "https://[x"],
)  # fmt: skip
def test_another_page_is_another_lead(page: str) -> None:
    assert page_key(page) != page_key(PAGES[0])


def test_two_columns_of_a_row_that_mean_one_field_are_refused_and_not_one_taken() -> None:
    with pytest.raises(RowRefusedError, match="'E-Mail' and another one would both become 'email'"):
        ImportLeads(campaign_id="cam_1").check({"email": "a@x.com", "E-Mail": "b@x.com"})


def test_lemlists_own_export_comes_back_without_its_bookkeeping() -> None:
    row = {
        "emailStatus": "deliverable", "email": "a@x.com", "firstName": "Ann", "Job Title": "CTO", "jobTitle": "CEO",
        "_ Employees": "50", "lastState": "emailsSent", "status": "done", "_id": "lea_1",
    }  # fmt: skip
    assert ImportLeads(campaign_id="cam_1").check(row) == {
        "fields": {"email": "a@x.com", "first_name": "Ann", "job_title": "CEO"},
        "variables": {"Job Title": "CTO", "_ Employees": "50"},
    }
    assert UpdateLeads(campaign_id="cam_1").check(row)["lead_id"] == "lea_1"


def test_a_status_that_is_no_export_of_lemlists_stays_a_variable() -> None:
    row = {"email": "a@x.com", "status": "gold"}
    assert ImportLeads(campaign_id="cam_1").check(row)["variables"] == {"status": "gold"}


@pytest.mark.parametrize("phone", ["4.91721E+11", "4,91721e+11", "5E+9"])
def test_a_telephone_number_that_a_spreadsheet_has_cut_is_refused(phone: str) -> None:
    with pytest.raises(RowRefusedError, match="a spreadsheet has cut the telephone number"):
        ImportLeads(campaign_id="cam_1").check({"email": "a@x.com", "phone": phone})
