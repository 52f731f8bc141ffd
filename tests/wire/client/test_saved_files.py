"""A saved export is whole, its owner's alone, and written through no link."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from lemlist_async import Call
from lemlist_async.resources._csv import CsvFile
from tests.support.clients import quick
from tests.support.scripted import says, scripted

ROW = "ann@example.com\n"


def lay_links(folder: Path) -> Path:
    """Links to a file that is not to be written, under every name that could be foreseen."""
    precious = folder / "precious"
    precious.write_text("mine")
    for name in ("leads.csv", "leads.csv.part", ".leads.csv.part", "leads.csv.tmp"):
        (folder / name).symlink_to(precious)
    return precious


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.skipif(os.name == "nt", reason="modes and links of POSIX")
async def test_an_export_is_for_its_owner_and_follows_no_link(tmp_path: Path) -> None:
    precious = lay_links(tmp_path)
    answer = says(200, f"email\n{ROW}", Content_Type="text/csv")
    async with scripted(answer) as server, quick(server.url) as lemlist:
        assert await CsvFile(lemlist, Call("GET", "/file")).save(tmp_path / "leads.csv") == 22
    saved = (tmp_path / "leads.csv").lstat()
    assert stat.S_ISREG(saved.st_mode)
    assert stat.S_IMODE(saved.st_mode) == 0o600
    assert contents(tmp_path)["leads.csv"] == f"email\n{ROW}"
    assert contents(tmp_path)[precious.name] == "mine"


async def test_two_saves_to_one_name_do_not_disturb_one_another(tmp_path: Path) -> None:
    texts = [f"email\n{row * 20_000}" for row in (ROW, "bob@example.com\n")]
    answers = [says(200, text, Content_Type="text/csv") for text in texts]
    async with scripted(*answers) as server, quick(server.url) as lemlist:
        export = CsvFile(lemlist, Call("GET", "/file"))
        sizes = await asyncio.gather(*(export.save(tmp_path / "leads.csv") for _ in texts))
    assert sizes == [len(text) for text in texts]
    (saved,) = contents(tmp_path).items()
    assert saved[0] == "leads.csv"
    assert saved[1] in texts
