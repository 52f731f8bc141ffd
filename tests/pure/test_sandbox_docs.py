"""The page about the sandbox names what there is, all of it and nothing else."""

import re
from pathlib import Path

import attrs
import pytest
import typer
import yaml

import lemlist_async.sandbox as package
from lemlist_async.cli.app import app
from lemlist_async.sandbox import POLICIES, Damage, LifecycleOptions, Loss, Recipients, Sandbox
from lemlist_async.testing import plugin

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text()
COMMAND = typer.main.get_command(app).commands["sandbox"]  # type: ignore[attr-defined]  # it is a group
FLAGS = {flag for parameter in COMMAND.params for flag in parameter.opts}


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


def test_every_option_is_one_of_the_command() -> None:
    plural = {
        "ranks": "--rank",
        "keys": "--key",
        "blocked_keys": "--blocked-key",
        "allow_hosts": "--allow-host",
    }
    clocks = {"clock", "wall_clock"}  # functions
    groups = {"lifecycle": LifecycleOptions, "recipients": Recipients}
    fields = {field.name for field in attrs.fields(Sandbox) if field.init} - clocks - groups.keys()
    inner = {field.name for kind in groups.values() for field in attrs.fields(kind)}
    assert {plural.get(name, f"--{name.replace('_', '-')}") for name in fields | inner} <= FLAGS


@pytest.mark.parametrize("name", ["sandbox.Dockerfile", "sandbox-compose.yaml"])
def test_the_files_for_containers_use_options_that_there_are(name: str) -> None:
    text = (ROOT / "examples" / name).read_text()
    if name.endswith(".yaml"):
        text = " ".join(yaml.safe_load(text)["services"]["sandbox"]["command"])
    else:
        text = text.partition("ENTRYPOINT")[2]
    used = set(re.findall(r"--[a-z-]+", text))
    assert used
    assert used <= FLAGS


def test_every_order_has_its_row() -> None:
    from lemlist_async.sandbox.admin import ORDERS

    told = {
        (verb, path) for verb, path in re.findall(r"^\| `(GET|POST) /_sandbox(/\w+)`", PAGE, re.MULTILINE)
    }
    assert {path for _, path in told} == {*ORDERS, "/stream"}
    assert all(verb in ORDERS[path] for verb, path in told - {("GET", "/stream")})
