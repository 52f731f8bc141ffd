"""Columns become fields whatever their spelling, and unusable rows are refused with a reason."""

import contextlib
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.bulk.jobs import KINDS
from lemlist_async.bulk.jobs.contacts import ListContacts
from lemlist_async.bulk.jobs.enrichment import EnrichPeople
from lemlist_async.bulk.jobs.lead_changes import UpdateLeads
from lemlist_async.bulk.jobs.unsubscribes import BlockValues
from lemlist_async.bulk.source.cells import single
from lemlist_async.bulk.source.columns import Columns
from lemlist_async.bulk.source.header import Choice
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.errors import InvalidInputError


class Person(TypedDict, total=False):
    """Fields to sort into."""

    email: str
    first_name: str
    linkedin_url: str
    secret: bool


COLUMNS = Columns(Person, without=["secret"], more={"leadid": "lead_id"})


def meaning(column: str, given: dict[str, str] | None = None) -> str | None:
    (use,) = COLUMNS.mapping([column], Choice.of(given or {}), of_file=False).uses
    return use.fields[0] if use.fields else use.variable


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("E-Mail", "email"), ("email_address", "email"), ("First Name", "first_name"), ("FIRSTNAME", "first_name"),
        ("givenName", "first_name"), ("LinkedIn URL", "linkedin_url"), ("linkedin", "linkedin_url"),
        ("Lead ID", "lead_id"), ("secret", "secret"), ("Shoe size", "Shoe size"), ("company", "company"),
    ],
)  # fmt: skip
def test_a_column_is_known_by_any_spelling(column: str, field: str) -> None:
    assert meaning(column) == field


def test_what_the_caller_says_of_a_column_goes_first() -> None:
    assert meaning("Kontakt", {"Kontakt": "E-Mail"}) == "email"
    assert meaning("email", {"email": "second address"}) == "second address"


def test_a_row_is_sorted_and_its_empty_cells_are_left_out() -> None:
    row = {"mail": " a@x.com ", "First Name": "", "secret": None, "Shoe size": 43}
    assert COLUMNS.sort(row)[:2] == ({"email": "a@x.com"}, {"Shoe size": 43})


@pytest.mark.parametrize(
    "row", [{"email": "no"}, {"x": [1]}, {"x": {"a": 1}}, {"x": "a\x00"}, {"x": "\ufffd"}]
)
def test_a_row_that_nobody_could_use_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(RowRefusedError):
        COLUMNS.sort(row)


def test_a_header_without_what_is_needed_or_with_a_field_twice_is_refused() -> None:
    COLUMNS.check(["email", "x"], Choice(), ["email"])
    with pytest.raises(InvalidInputError, match="no column"):
        COLUMNS.check(["x"], Choice(), ["email"])
    with pytest.raises(InvalidInputError, match="would both become 'email'"):
        COLUMNS.check(["email", "E-Mail"], Choice(), ["email"])


@given(st.dictionaries(st.text(min_size=1), st.one_of(st.none(), st.text(), st.integers(), st.floats())))
def test_any_row_is_sorted_or_refused_and_nothing_else(row: dict[str, Any]) -> None:
    for job in (UpdateLeads(campaign_id="cam_1"), BlockValues(), ListContacts(list_id="clt_1")):
        with contextlib.suppress(RowRefusedError):
            assert job.key(job.check(row))


def test_the_one_value_of_a_row_is_found_by_name_or_because_it_is_alone() -> None:
    assert single({"Value": "a", "x": "b"}, "value") == "a"
    assert single({"whatever": "a", "empty": ""}, "value") == "a"
    with pytest.raises(RowRefusedError, match="no value"):
        single({"x": "a", "y": "b"}, "value")


@pytest.mark.parametrize(
    ("find", "row", "fits"),
    [
        ("find_email", {"linkedin": "u"}, True),
        ("find_email", {"First Name": "A", "last_name": "B", "company": "C", "domain": "c.com"}, True),
        ("find_email", {"First Name": "A", "last_name": "B", "company": "C"}, False),
        ("verify", {"email": "a@x.com"}, True),
        ("verify", {"linkedin": "u"}, False),
        ("find_phone", {"email": "a@x.com"}, False),
        ("linkedin_enrichment", {"First Name": "A", "last_name": "B", "domain": "c.com"}, True),
        ("linkedin_enrichment", {"First Name": "A", "last_name": "B"}, False),
    ],
)
def test_people_whom_an_enrichment_cannot_start_from_are_refused(
    find: Any, row: dict[str, str], fits: bool
) -> None:
    job = EnrichPeople(find=[find])
    if fits:
        assert job.check(row)["input"]
        return
    with pytest.raises(RowRefusedError, match=f"{find} needs"):
        job.check(row)


def test_every_kind_makes_its_job_again_from_its_options() -> None:
    given_options: dict[str, dict[str, Any]] = {
        "leads.import": {"campaign_id": "cam_1"},
        "leads.update": {"campaign_id": "cam_1"},
        "leads.stop": {"campaign_id": "cam_1", "action": "pause"},
        "contacts.list": {"list_id": "clt_1"},
        "enrich": {"find": ["verify"], "max_credits": 5},
        "campaigns.stats": {"start_date": "2026-01-01", "end_date": "2026-02-01"},
    }
    for kind, make in KINDS.items():
        job = make(**given_options.get(kind, {}))
        assert make(**job.options()) == job
        assert job.kind == kind
