"""Write docs/operations.md: every operation by its method, its line in the vendor's document, and its effect."""

from __future__ import annotations

import inspect
import itertools
import pathlib
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.site.operations import EFFECTS  # noqa: E402  # the path has to be there first
from lemlist_async import Lemlist  # noqa: E402  # as above
from lemlist_async.resources._base import Resource  # noqa: E402  # as above
from tests.contract.operations import ROWS, UNDOCUMENTED  # noqa: E402  # as above
from tests.contract.recording import Recorder, Row  # noqa: E402  # as above

PAGE = ROOT / "docs" / "operations.md"
HEAD = """\
# Operations

Each line is a method of `Lemlist`, the operation of the API that it calls, and what a repeat of that operation
would do. The effect decides whether a call is sent again when its outcome is unknown: see
[faults.md](faults.md). Where two effects stand, the arguments decide, and the method's docstring says how.

Verbs follow one rule. `list` returns many and `get` one. `create`, `update` and `delete` are for records that exist by
themselves; `add` and `remove` are for members of a collection: a lead in a campaign, a contact in a list, a value on
the do-not-contact list. `clear_variables` empties values and keeps their names; `connect` and `disconnect` are for
mailboxes, which live at their provider. A sub-resource carries its noun: `create_alert`, `list_lists`.

`DELETE /campaigns/{campaignId}/leads/` is the one operation of the document that is not offered: it does not say
which lead. What is not listed can be called with `lemlist.request`.

This page is written by `docs/generate_operations.py` from the rows of the contract test.
"""
BESIDE = """\
The document does not have these operations, and other clients call them. So do they send fields that it does not have,
which are typed here too: `contact_id` of `leads.create`, `phone` of `enrichments.start`, `description` of tasks."""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for area, rows in itertools.groupby(ROWS, key=lambda row: row.name.partition(".")[0]):
        listed = [row for row in rows if row.wire not in UNDOCUMENTED]
        parts.append(f"\n## lemlist.{area}\n\n{areas()[area]}\n\n{table(listed)}")
    beside = [row for row in ROWS if row.wire in UNDOCUMENTED]
    parts.append(f"\n## Beside the document\n\n{BESIDE}\n\n{table(beside)}")
    parts.append(f"\n## Several calls behind one\n\n{conveniences()}")
    return "".join(parts)


def areas() -> dict[str, str]:
    """The sentence about each area."""
    return {
        name: sentence(member.func)
        for name, member in vars(Lemlist).items()
        if hasattr(member, "func") and name in {row.name.partition(".")[0] for row in ROWS}
    }


def table(rows: list[Row]) -> str:
    effects: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        effects.setdefault((row.name, row.wire), {})[EFFECTS[row.effect]] = None
    lines = ["| method | operation | effect | |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | `{wire}` | {', '.join(words)} | {sentence(method(name))} |"
        for (name, wire), words in effects.items()
    ]
    return "\n".join(lines) + "\n"


def conveniences() -> str:
    """The methods that call others, which have no line of the document."""
    lines = ["| method | |", "|---|---|"]
    lines += [f"| `{name}` | {sentence(method(name))} |" for name in compound()]
    return "\n".join(lines) + "\n"


def compound() -> Iterator[str]:
    operations = {row.name for row in ROWS}
    client = Recorder("a-key", "http://localhost:1")
    for area in dict.fromkeys(row.name.partition(".")[0] for row in ROWS):
        resource: Resource = getattr(client, area)
        for name, _ in inspect.getmembers(resource, callable):
            if not name.startswith("_") and f"{area}.{name}" not in operations:
                yield f"{area}.{name}"


def method(name: str) -> object:
    area, _, attribute = name.partition(".")
    return getattr(getattr(Recorder("a-key", "http://localhost:1"), area), attribute)


def sentence(thing: object) -> str:
    """The first sentence of a docstring, on one line."""
    text = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
