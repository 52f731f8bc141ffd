"""The architecture page names modules that exist, and few of them per way; the glossary defines its words."""

import re

import pytest

from lemlist_async.bulk import State
from tests.support.project import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
WAYS = ("The way of one request", "The way of one 429", "The way of one bulk row")
MOST = 6
"""Modules through which a reader follows one way."""


def section(title: str) -> str:
    """Return the text below a heading of the page, up to the next heading."""
    return re.split(r"^##+ ", PAGE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def modules(text: str) -> set[str]:
    """Return the paths of modules in a text."""
    return set(re.findall(r"\b(?:[a-z_]+/)*[a-z_]+\.py\b", text))


def test_every_module_on_the_page_exists() -> None:
    named = modules(PAGE)
    assert len(named) > 12
    homes = (ROOT, ROOT / "lemlist_async")
    missing = [name for name in sorted(named) if not any((home / name).is_file() for home in homes)]
    assert not missing, f"docs/architecture.md names modules that are gone: {missing}"


def test_every_folder_on_the_page_exists() -> None:
    folders = re.findall(r"`((?:[a-z_]+/)+)`", PAGE)
    assert folders
    assert [
        f for f in folders if not any((home / f).is_dir() for home in (ROOT, ROOT / "lemlist_async"))
    ] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_way_leads_through_few_modules(way: str) -> None:
    assert 3 < len(modules(section(way))) <= MOST


def test_every_word_in_italics_is_in_the_glossary() -> None:
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL).split("## The floors", 1)[1]
    words = set(re.findall(r"(?<![*\w])\*([a-z -]+)\*(?![*\w])", text))
    defined = set(re.findall(r"^\| ([a-z -]+) \|", GLOSSARY, re.MULTILINE))
    states = {"serving", "full", "draining", "failed", "over"}
    assert len(words - states) > 5
    plurals = {word for word in words if word.removesuffix("s") in defined}
    assert words - states - defined - plurals == set()


def test_the_glossary_defines_every_state_of_a_row() -> None:
    table = GLOSSARY.split("## States of a row", 1)[1]
    assert set(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) - {"state"} == {
        state.value for state in State
    }
