"""Answers whose JSON is damaged in one place: one request, every row, and what was repaired is counted."""

import pytest

from lemlist_async import errors
from lemlist_async.core import json
from tests.support.clients import quick
from tests.support.scripted import says, scripted

HALF = b'"Great offer \\ud83d"'


def rows(text: bytes) -> bytes:
    return b'[{"_id":"act_1"},{"_id":"act_2","message":' + text + b'},{"_id":"act_3"}]'


@pytest.mark.parametrize(
    ("text", "message", "kind"),
    [
        (HALF, "Great offer \ufffd", json.SURROGATE),
        (b'"Ren\xe9"', "Ren\ufffd", json.UTF8),
        (b'"a\nb"', "a\nb", json.CONTROL),
        (b"NaN", None, json.NUMBER),
        (b"[" * 2000 + b"]" * 2000, ..., json.DEPTH),
    ],
)
async def test_a_damaged_field_costs_no_row_and_no_second_request(
    text: bytes, message: object, kind: str
) -> None:
    async with scripted(says(200, rows(text)), says(200, [])) as server, quick(server.url) as lemlist:
        found = await lemlist.activities.list()
        assert lemlist.unexpected_types == {kind: 1}
    assert len(server.seen) == 1
    assert [item.id for item in found.items] == ["act_1", "act_2", "act_3"]
    raw = found.items[1].to_dict()["message"]
    assert raw == message or message is ...


async def test_a_created_lead_with_half_a_character_is_created() -> None:
    answer = b'{"_id":"lea_1","firstName":' + HALF + b"}"
    async with scripted(says(200, answer)) as server, quick(server.url) as lemlist:
        lead = await lemlist.leads.create("cam_1", email="a@b.co")
    assert lead.id == "lea_1"
    assert len(server.seen) == 1


async def test_a_refusal_with_half_a_character_keeps_its_sentence_and_its_code() -> None:
    body = b'{"error":"SOME_CODE","message":' + HALF + b"}"
    async with scripted(says(400, body)) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.BadRequestError) as caught:
            await lemlist.campaigns.get("cam_1")
    assert (caught.value.message, caught.value.code) == ("Great offer \ufffd", "SOME_CODE")


async def test_an_answer_that_was_cut_is_asked_for_again() -> None:
    cut = says(200, rows(HALF)[:-20])
    async with scripted(cut, says(200, rows(b'"x"'))) as server, quick(server.url) as lemlist:
        found = await lemlist.activities.list()
        assert lemlist.unexpected_types == {}
    assert len(server.seen) == 2
    assert len(found.items) == 3
