"""The page about the sandbox names what there is, all of it and nothing else."""

import re
from pathlib import Path

import attrs

import lemlist_async.sandbox as package
from lemlist_async.sandbox import POLICIES, Damage, Loss, Sandbox
from lemlist_async.testing import plugin

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def rows(heading: str) -> list[str]:
    """The first cells of the first table after a heading."""
    after = PAGE.split(f"# {heading}\n", 1)[1]
    lines = re.search(r"((?:^\|.*\n)+)", after, re.MULTILINE)
    assert lines is not None
    return [line.split("|")[1] for line in lines[0].splitlines()[2:]]


def names(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`(\w[\w-]*)", cell)}


def test_every_option_has_its_row() -> None:
    assert names(rows("Options")) == {field.name for field in attrs.fields(Sandbox) if field.init}


def test_every_policy_has_its_row() -> None:
    assert names(rows("The rate limit")) == set(POLICIES)


def test_every_fault_has_its_row() -> None:
    kinds = {kind.__name__ for base in (Loss, Damage) for kind in base.__subclasses__()}
    makers = {"gateway", "rate_limited", "html", "lost_response", "retyped"}
    assert names(rows("Faults")) == kinds | makers
    assert kinds | makers <= set(package.__all__)


def test_every_fixture_has_its_row() -> None:
    assert names(rows("In pytest")) == {name for name in vars(plugin) if name.startswith("lemlist_")}
