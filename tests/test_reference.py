"""The reference of the documentation: complete, and with examples that are sent as they stand there."""

import re

import pytest

from docs.site import pages
from docs.site.examples import shortest
from docs.site.operations import AREAS, Doc
from lemlist_async import Lemlist, Options
from tests.contract.operations import ROWS

NAMES = tuple(dict.fromkeys(row.name for row in ROWS))


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages.pages()


def test_every_operation_has_its_heading_and_its_line_of_the_document(written: dict[str, str]) -> None:
    for row in ROWS:
        area, _, method = row.name.partition(".")
        page = written[f"reference/{area}.md"]
        assert f"\n## {method}\n" in page
        assert f"`{row.wire}`" in page


@pytest.mark.parametrize("name", NAMES)
async def test_the_example_of_an_operation_is_sent_to_its_address(name: str) -> None:
    example = await shortest(name)
    assert example is not None
    assert example.call.operation in {row.wire for row in ROWS if row.name == name}


def test_every_argument_stands_in_a_table(written: dict[str, str]) -> None:
    page = written["reference/leads.md"]
    create = page.partition("\n## create\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` ", create, re.MULTILINE))
    assert {"campaign_id", "variables", "on_duplicate", "email", "first_name", "find_email"} <= listed


def test_every_option_stands_in_a_table(written: dict[str, str]) -> None:
    page = written["reference/options.md"]
    assert all(f"| `{name}` |" in page for name in Options.__slots__ if not name.startswith("_"))


def test_a_docstring_is_taken_apart() -> None:
    doc = Doc.of(type(Lemlist("a-key", "http://localhost:1").leads).create)
    assert doc.wires == ("POST /campaigns/{campaignId}/leads/",)
    assert [name for name, _ in doc.raises] == ["InvalidInputError"]
    assert "Raises" not in doc.text


def test_every_area_has_a_page(written: dict[str, str]) -> None:
    assert {f"reference/{area}.md" for area in AREAS} <= set(written)
