"""Rows of one person are one, whether they show an address, a LinkedIn page or both."""

from typing import Any

import pytest

from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.journal.identities import Identities
from lemlist_async.bulk.plan import check
from lemlist_async.bulk.source.raw_row import RawRow

ANN, BOB = {"email": "ann@x.io"}, {"email": "bob@x.io"}
PAGE, SAME_PAGE = {"linkedin": "https://linkedin.com/in/ann"}, {"linkedin": "www.linkedin.com/in/Ann/?x=1"}


def repeated(*rows: dict[str, Any]) -> dict[int, str]:
    """Return the reason of each row that is the same person as an earlier one."""
    identities, job = Identities(), ImportLeads(campaign_id="cam_1")
    found = [check(job, n, RawRow(n, row), None, identities) for n, row in enumerate(rows, 1)]
    identities.close()
    return {row.n: row.reason or "" for row in found if row.what == "repeated"}


@pytest.mark.parametrize(
    ("rows", "again"),
    [
        ([ANN | PAGE, SAME_PAGE], {2: 1}),
        ([PAGE, ANN | SAME_PAGE], {2: 1}),
        ([PAGE, ANN | SAME_PAGE, ANN], {2: 1, 3: 1}),
        ([PAGE, ANN | SAME_PAGE, ANN | {"linkedin": "https://linkedin.com/in/other"}], {2: 1, 3: 1}),
        ([ANN, ANN | PAGE, SAME_PAGE], {3: 2}),  # line 2 is found by its address, in the journal
        ([ANN | PAGE, BOB | PAGE], {}),  # a page that many rows share may be that of a company
        ([ANN, PAGE], {}),  # no row shows that these are one person
        ([ANN | PAGE, BOB, {"linkedin": "https://linkedin.com/in/cid"}], {}),
    ],
)
def test_a_person_known_by_an_address_and_a_page_is_one(
    rows: list[dict[str, Any]], again: dict[int, int]
) -> None:
    assert repeated(*rows) == {
        n: f"the same person as line {line}, by another identity" for n, line in again.items()
    }
