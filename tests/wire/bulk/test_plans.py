"""Plans of the rows that programs have: files with a mapping, and what else holds rows."""

from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Lemlist
from lemlist_async.bulk import ImportLeads
from lemlist_async.errors import InvalidInputError

JOB = ImportLeads(campaign_id="cam_1")


async def planned(rows: Any, job: Any = JOB, **options: Any) -> list[dict[str, Any]]:
    """Plan rows, and return their payloads."""
    async with Lemlist("key") as lemlist, await lemlist.bulk.plan(job, rows, **options) as plan:
        return await plan.journal.in_thread(lambda: [row.payload for row in plan.journal.rows()])


async def test_a_mapping_that_was_looked_at_is_the_one_that_is_used(tmp_path: Path) -> None:
    file, other = tmp_path / "a.csv", tmp_path / "b.csv"
    file.write_text("E-Mail,Stage\na@x.io,won\n")
    other.write_text("E-Mail,Phase\na@x.io,won\n")
    async with Lemlist("key") as lemlist:
        mapping = lemlist.bulk.map_columns(JOB, file)
    assert await planned(file, mapping=mapping) == [{"fields": {"email": "a@x.io"}, "variables": {}}]
    with pytest.raises(InvalidInputError, match="the columns differ"):
        await planned(other, mapping=mapping)
