"""The files around the code: configurations that load, chores that exist, extras that are used."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
IMPORTED_AS = {"opentelemetry-api": "opentelemetry"}
"""Modules of packages that have another name."""
YAML = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"])
NAMING_CHORES = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / ".ci" / "run", *YAML]
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "lemlist_async").rglob("*.py")))


def chores() -> set[str]:
    """Return the names of the nox sessions."""
    text = (ROOT / "noxfile.py").read_text("utf-8")
    found = re.findall(r"@nox\.session(?:\((.*)\))?\ndef (\w+)", text)
    return {
        name[0] if (name := re.findall(r'name="([\w-]+)"', options)) else function
        for options, function in found
    }


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_a_yaml_file_is_a_mapping_with_something_in_it(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


@pytest.mark.parametrize("path", NAMING_CHORES, ids=lambda path: path.name)
def test_every_chore_that_is_named_exists(path: Path) -> None:
    for names in re.findall(r"nox(?: --[\w-]+)* -s ([\w -]+?)(?=$|`| --|\n|,| \$)", path.read_text("utf-8")):
        assert set(names.split()) <= chores() | {"NAME"}, path


def test_the_sessions_of_the_workflow_exist() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    sessions = jobs["checks"]["strategy"]["matrix"]["session"]
    assert set(sessions) <= chores()
    assert len(sessions) > 3


def test_the_workflow_begins_with_the_lowest_python_of_the_package() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    assert f">={jobs['quick']['strategy']['matrix']['python'][0]}" == PROJECT["project"]["requires-python"]


def test_the_workflow_and_nox_run_the_same_pythons_and_classifiers_name_none_beside_them() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    listed = re.search(r"^PYTHONS = (\[.*\])$", (ROOT / "noxfile.py").read_text("utf-8"), re.MULTILINE)
    assert listed is not None
    pythons = ast.literal_eval(listed[1])
    assert jobs["quick"]["strategy"]["matrix"]["python"] == pythons
    named = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if ":: Python ::" in line]
    assert named == pythons[: len(named)]


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text("utf-8"))
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used


@pytest.mark.parametrize("extra", sorted(EXTRAS.keys() - {"all"}))
def test_every_package_of_an_extra_is_imported_somewhere(extra: str) -> None:
    for requirement in EXTRAS[extra]:
        package = re.split(r"[^\w-]", requirement)[0]
        library = IMPORTED_AS.get(package, package.replace("-", "_"))
        assert re.search(rf"^\s*(from|import) {library}\b", SOURCES, re.MULTILINE), requirement


def test_the_extra_all_names_the_others() -> None:
    (everything,) = EXTRAS["all"]
    assert everything == f"lemlist-async[{','.join(name for name in EXTRAS if name != 'all')}]"


def test_the_source_distribution_names_only_what_exists() -> None:
    for name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]:
        assert (ROOT / name).exists(), name
