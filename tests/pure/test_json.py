"""JSON, by both engines: one table of odd texts, and what becomes of each."""

from __future__ import annotations

import dataclasses
import enum
import importlib.util
import math
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.core import json

ENGINES: dict[str, json.Engine] = {"standard": json.Standard()}
if importlib.util.find_spec("orjson") is not None:  # it has no wheels for some Pythons
    ENGINES["orjson"] = json.Orjson()
NO_JSON = object()


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> json.Engine:
    """One of both engines, as the one that is in use."""
    found: json.Engine = ENGINES[request.param]
    monkeypatch.setattr(json, "ENGINE", found)
    monkeypatch.setattr(json, "loads", found.loads)
    return found


def in_field(text: bytes) -> bytes:
    return b'[{"_id":"a"},{"_id":"b","x":' + text + b'},{"_id":"c"}]'


def nested(levels: int, value: Any = None) -> Any:
    for _ in range(levels):
        value = [] if value is None else [value]
    return value


# the text of one field; its value; what is counted
FIELDS: dict[str, tuple[bytes, Any, dict[str, int]]] = {
    "the first half of a pair": (b'"Great \\ud83d"', "Great \ufffd", {json.SURROGATE: 1}),
    "the second half of a pair": (b'"\\uDE00 hi"', "\ufffd hi", {json.SURROGATE: 1}),
    "two first halves and a second": (b'"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600", {json.SURROGATE: 1}),
    "halves in the wrong order": (b'"\\ude00\\ud83d"', "\ufffd\ufffd", {json.SURROGATE: 2}),
    "a half before another escape": (b'"\\ud83d\\n"', "\ufffd\n", {json.SURROGATE: 1}),
    "a whole pair": (b'"\\ud83d\\ude00"', "\U0001f600", {}),
    "an escaped backslash before what looks like a half": (b'"\\\\ud83d"', "\\ud83d", {}),
    "such a backslash beside a half": (b'"\\\\ud83d\\ud83d"', "\\ud83d\ufffd", {json.SURROGATE: 1}),
    "a half as three bytes": (b'"x \xed\xa0\xbd"', "x \ufffd\ufffd\ufffd", {json.UTF8: 3}),
    "Latin-1": (b'"Ren\xe9"', "Ren\ufffd", {json.UTF8: 1}),
    "an overlong NUL": (b'"\xc0\x80"', "\ufffd\ufffd", {json.UTF8: 2}),
    "a cut character before a whole U+FFFD": (b'"\xe2\x82\xef\xbf\xbd"', "\ufffd\ufffd", {json.UTF8: 1}),
    "a raw tab": (b'"a\tb"', "a\tb", {json.CONTROL: 1}),
    "a raw line break": (b'"a\r\nb"', "a\r\nb", {json.CONTROL: 1}),
    "a raw NUL": (b'"a\x00b"', "a\x00b", {json.CONTROL: 1}),
    "an escaped NUL": (b'"a\\u0000b"', "a\x00b", {}),
    "DEL": (b'"\x7f"', "\x7f", {}),
    "an escape too many": (b'"it\\\'s"', "it\ufffds", {json.ESCAPE: 1}),
    "a \\u without digits": (b'"\\uzz"', "\ufffdzz", {json.ESCAPE: 1}),
    "a \\x": (b'"\\x41"', "\ufffd41", {json.ESCAPE: 1}),
    "NaN": (b"NaN", None, {json.NUMBER: 1}),
    "Infinity": (b"[Infinity, -Infinity]", [None, None], {json.NUMBER: 2}),
    "1e999": (b"1e999", None, {json.NUMBER: 1}),
    "-1e999": (b"-1e999", None, {json.NUMBER: 1}),
    "400 digits": (b"1" * 400, None, {json.NUMBER: 1}),
    "5,000 digits": (b"1" * 5000, None, {json.NUMBER: 1}),
    "30 digits": (b"1" * 30, float("1" * 30), {}),
    "the largest of 64 bits": (b"18446744073709551615", 2**64 - 1, {}),
    "one more": (b"18446744073709551616", 18446744073709551616.0, {}),
    "the smallest of 64 bits": (b"-9223372036854775808", -(2**63), {}),
    "one less": (b"-9223372036854775809", -9223372036854775808.0, {}),
    "minus zero": (b"-0", 0, {}),
    "a tiny number": (b"1e-999", 0.0, {}),
    "a number with an exponent": (b"1E5", 100000.0, {}),
    "a key twice": (b'{"a":1,"a":2}', {"a": 2}, {}),
    "an empty key": (b'{"":1}', {"": 1}, {}),
    "half a pair in a key": (b'{"\\ud83d":1}', {"\ufffd": 1}, {json.SURROGATE: 1}),
    "a tab in a key": (b'{"a\t":1}', {"a\t": 1}, {json.CONTROL: 1}),
    "containers that are empty, beside NaN": (b"[[ ],{ },NaN,[{}]]", [[], {}, None, [{}]], {json.NUMBER: 1}),
    "several kinds at once": (
        b'["\\ud83d","\xe9","\t",NaN]',
        ["\ufffd", "\ufffd", "\t", None],
        {json.SURROGATE: 1, json.UTF8: 1, json.CONTROL: 1, json.NUMBER: 1},
    ),
    "700 levels": (b"[" * 700 + b"]" * 700, nested(700), {}),
}


@pytest.mark.parametrize("name", FIELDS)
def test_damage_costs_the_field_in_which_it_stands(engine: json.Engine, name: str) -> None:
    text, value, counted = FIELDS[name]
    unexpected_types: dict[str, int] = {}
    rows = json.read(in_field(text), unexpected_types)
    assert [row["_id"] for row in rows] == ["a", "b", "c"]
    assert same(rows[1]["x"], value)
    assert unexpected_types == counted


def same(one: Any, other: Any) -> bool:
    """Equal, and of one type; without recursion, for what is nested deeply."""
    left = [(one, other)]
    while left:
        one, other = left.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, list) and len(one) == len(other):
            left += zip(one, other, strict=True)
        elif isinstance(one, dict) and one.keys() == other.keys():
            left += [(one[key], other[key]) for key in one]
        elif one != other:
            return False
    return True


@pytest.mark.parametrize("name", [name for name in FIELDS if json.UTF8 not in FIELDS[name][2]])
def test_the_same_text_given_as_str_is_read_alike(engine: json.Engine, name: str) -> None:
    text, value, _ = FIELDS[name]
    assert same(json.read(in_field(text).decode())[1]["x"], value)


@pytest.mark.parametrize(
    "name", [name for name, (_, _, counted) in FIELDS.items() if counted and name != "a tab in a key"]
)
def test_what_had_to_be_repaired_is_refused_by_the_standard(engine: json.Engine, name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        engine.loads(in_field(FIELDS[name][0]))


@pytest.mark.parametrize("levels", [1025, 2000, 100_000])
def test_of_too_many_levels_the_upper_ones_are_kept(engine: json.Engine, levels: int) -> None:
    unexpected_types: dict[str, int] = {}
    rows = json.read(in_field(b'{"n":' * levels + b"1" + b"}" * levels), unexpected_types)
    assert [row["_id"] for row in rows] == ["a", "b", "c"]
    assert unexpected_types == {json.DEPTH: 1}
    found, depth = rows[1]["x"], 0
    while found is not None:
        found, depth = found["n"], depth + 1
    assert depth == json.CUT_AT - 2  # the list and the row are two more


def test_two_values_that_are_too_deep_count_as_two(engine: json.Engine) -> None:
    deep, unexpected_types = b"[" * 2000 + b"]" * 2000, dict[str, int]()
    assert len(json.read(b"[" + deep + b"," + deep + b',"end"]', unexpected_types)) == 3
    assert unexpected_types == {json.DEPTH: 2}


REFUSED = {
    "nothing": b"",
    "white space": b" \n",
    "a sentence": b"Bad team",
    "NaN alone": b"NaN",
    "-Infinity alone": b"-Infinity",
    "1e999 alone": b"1e999",
    "a text that was cut": b'[{"_id":"a"},{"_id":"b","x":"hel',
    "an object that was cut": b'{"a":1',
    "cut after a colon": b'{"a":',
    "cut after a comma": b'{"a":1,',
    "cut after half a pair": b'["\\ud83d',
    "cut in a backslash": b'["a\\',
    "a comma too many": b"[1,]",
    "a comma too many in an object": b'{"a":1,}',
    "a comma too few": b"[1 NaN]",
    "a key without quotes": b"{a:NaN}",
    "a number as key": b"{1:NaN}",
    "single quotes": b"{'a':1}",
    "a comment": b"[1]//",
    "two documents": b'{"a":1}{"b":2}',
    "a NUL behind": b"[1]\x00",
    "the wrong bracket": b"[NaN}",
    "the wrong brace": b'{"a":NaN]',
    "a leading zero": b"[01,NaN]",
    "a number that ends in a point": b"[1.,NaN]",
    "a plus sign": b"[+1,NaN]",
    "a word": b"[undefined]",
    "a longer word": b"[NaNs]",
    "a no-break space": b"\xc2\xa0[1]",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a page": b"<html>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_json_or_was_cut_is_refused(engine: json.Engine, name: str) -> None:
    unexpected_types: dict[str, int] = {}
    with pytest.raises(ValueError, match=r"."):
        json.read(REFUSED[name], unexpected_types)
    assert not unexpected_types


def test_a_byte_order_mark_is_dropped(engine: json.Engine) -> None:
    unexpected_types: dict[str, int] = {}
    assert json.read(b'\xef\xbb\xbf{"a":1}', unexpected_types) == {"a": 1}
    assert json.read('\ufeff{"a":1}', unexpected_types) == {"a": 1}
    assert not unexpected_types


def test_half_a_pair_inside_a_str_is_repaired(engine: json.Engine) -> None:
    unexpected_types: dict[str, int] = {}
    assert json.read('["a\ud83d", "\ud83d\ude00"]', unexpected_types) == ["a\ufffd", "\U0001f600"]
    assert unexpected_types == {json.SURROGATE: 1}


@pytest.mark.parametrize(
    "text", ['[{"a":"\\ud83d"},{"b', '{"a":"\\ud83d"', '[["\\ud83d"', '[{"a":"\\ud83d"}, ']
)
def test_a_text_that_was_cut_is_told_by_its_end(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "_parsed", None)
    with pytest.raises(ValueError, match="the text was cut"):
        json.read(text)


def test_white_space_around_a_text_is_nothing(engine: json.Engine) -> None:
    assert json.read(' \n["\\ud83d"]\r\n\t') == ["\ufffd"]
    assert json.read('"\t"') == "\t"


def test_counts_add_up_over_answers(engine: json.Engine) -> None:
    unexpected_types: dict[str, int] = {}
    for _ in range(3):
        json.read(b'["\\ud83d"]', unexpected_types)
    assert unexpected_types == {json.SURROGATE: 3}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(values)
def test_both_engines_write_and_read_the_same(value: Any) -> None:
    for writer in ENGINES.values():
        text = writer.dumps(value, None, sort_keys=True, indent=False, own_times=False)
        for reader in ENGINES.values():
            assert same(reader.loads(text), value)
        assert same(json._parsed(text.decode(), {}), value)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_both_engines_agree_on_any_bytes(text: bytes) -> None:
    found = []
    for engine in ENGINES.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json, "loads", engine.loads)
            try:
                found.append(json.read(text))
            except ValueError:
                found.append(NO_JSON)
    assert same(found[0], found[-1])


@given(st.text(st.sampled_from('[]{}",: \\u0dD83e19.+-NaINity\ttrue')))
def test_both_engines_agree_on_texts_that_are_nearly_json(text: str) -> None:
    test_both_engines_agree_on_any_bytes.hypothesis.inner_test(text.encode())  # type: ignore[attr-defined]


@dataclasses.dataclass
class Point:
    x: int
    _hidden: int = 0


class Colour(enum.Enum):
    RED = "red"


class Word(str):
    __slots__ = ()


WRITTEN: dict[str, tuple[Any, bytes]] = {
    "a tuple": ((1, 2), b"[1,2]"),
    "NaN": ([math.nan, math.inf], b"[null,null]"),
    "an enum": (Colour.RED, b'"red"'),
    "a dataclass": (Point(1), b'{"x":1}'),
    "a text of another class": (Word("a"), b'"a"'),
    "an id": (uuid.UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    "a time": (datetime(2026, 3, 4, tzinfo=UTC), b'"2026-03-04T00:00:00+00:00"'),
    "beyond ASCII": ("é\u2028", '"é\u2028"'.encode()),
    "a set": ({1}, b"[1]"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_both_engines_write(engine: json.Engine, name: str) -> None:
    value, text = WRITTEN[name]
    assert json.dumps(value, default=sorted) == text


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {None: 1}, {Word("a"): 1}, {Colour.RED: 1}, 2**64, -(2**63) - 1, b"a", object(), "\ud800",
     {"\ud800": 1}, nested(300), {"a": range(3)}],
)  # fmt: skip
def test_both_engines_refuse_to_write(engine: json.Engine, value: object) -> None:
    with pytest.raises(TypeError):
        json.dumps(value)


def test_both_engines_refuse_to_write_a_circle(engine: json.Engine) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(TypeError):
        json.dumps(circle)


def test_both_engines_sort_indent_and_leave_times_to_the_caller(engine: json.Engine) -> None:
    value = {"b": [], "a": [1, {"c": datetime(2026, 3, 4, tzinfo=UTC)}]}
    text = json.dumps(value, default=lambda _: "then", sort_keys=True, indent=True, own_times=True)
    assert text.decode() == ('{\n  "a": [\n    1,\n    {\n      "c": "then"\n    }\n  ],\n  "b": []\n}')


def test_all_works_where_orjson_is_missing() -> None:
    program = (
        "import sys; sys.modules['orjson'] = None\n"
        "import asyncio\n"
        "from lemlist_async import Lemlist\n"
        "from lemlist_async.core import json\n"
        "from lemlist_async.sandbox import Sandbox\n"
        "async def main():\n"
        "    async with Sandbox() as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:\n"
        "        made = await lemlist.campaigns.create(name='Ünï')\n"
        "        assert (await lemlist.campaigns.get(made.id)).name == 'Ünï'\n"
        "        print(type(json.ENGINE).__name__)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "Standard", done.stderr
