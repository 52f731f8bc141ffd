"""Help, repr, and hints about usual mistakes, for a person at an interpreter."""

import pydoc
import subprocess
import sys

import pytest

from lemlist_async import Lemlist, models
from lemlist_async.core.model import Model
from tests.contract.operations import ROWS
from tests.support import models_module


@pytest.fixture
def lemlist() -> Lemlist:
    return Lemlist("a-key", "http://localhost:1")


def test_help_shows_the_fields_that_a_call_takes(lemlist: Lemlist) -> None:
    shown = pydoc.plain(pydoc.render_doc(lemlist.leads.create))
    assert "        email: str | None" in shown
    assert "        find_email: bool" in shown
    assert "InQuery" not in shown
    shown = pydoc.plain(pydoc.render_doc(lemlist.deliverability.create_alert))
    assert "        threshold: float" in shown


def test_help_of_every_operation_names_no_mark(lemlist: Lemlist) -> None:
    for row in ROWS:
        area, _, method = row.name.partition(".")
        text = getattr(getattr(lemlist, area), method).__doc__ or ""
        assert not any(mark in text for mark in ("Annotated[", "Required[", "Between("))


def test_areas_and_lists_say_what_they_are(lemlist: Lemlist) -> None:
    assert repr(lemlist.leads).startswith("<lemlist.leads of <Lemlist http://localhost:1")
    assert repr(lemlist.campaigns.list()) == "<Pages not read yet>"


def test_a_plain_for_over_a_list_is_told_of_async_for(lemlist: Lemlist) -> None:
    with pytest.raises(TypeError, match="read by `async for`"):
        list(lemlist.campaigns.list())  # type: ignore[call-overload]


def test_every_model_is_found_in_one_place() -> None:
    assert issubclass(models.Lead, Model)
    assert "NewLead" in dir(models)
    assert models_module.MODULE.read_text() == models_module.text()


def test_no_module_of_models_parses_python() -> None:
    """`ast.parse` of CPython before 3.11.8 raises a SystemError now and then while another thread parses too."""
    script = "import ast; del ast.parse; import lemlist_async.models as m; [getattr(m, name) for name in m.__all__]"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
