"""JSON as it is read and written: by orjson where it is installed, else by the standard library, with one result.

`loads` and `dumps` keep to the standard. `read` takes what lemlist sends: damage that can be told apart from the
rest costs the field in which it stands, and is counted. Which damage that is stands in docs/models.md.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Protocol

from lemlist_async.core.wire import is_array, is_object

try:
    import orjson

    _orjson: Any = orjson
except ImportError:  # it has no wheels for PyPy, free-threaded and the newest Pythons
    _orjson = None

Default = Callable[[Any], Any]

SURROGATE = "JSON.surrogate"
"""Half of a surrogate pair: Node writes one where a text with an emoji was cut by length."""
UTF8 = "JSON.utf8"
"""Bytes that are not UTF-8."""
ESCAPE = "JSON.escape"
"""A backslash before a character that needs none."""
CONTROL = "JSON.control"
"""A line break, a tab or another control character inside a text."""
NUMBER = "JSON.number"
"""NaN, Infinity, or a number beyond what a double holds."""
DEPTH = "JSON.depth"
"""Arrays and objects nested in more than `DEEPEST` levels."""
LOSSY = frozenset({NUMBER, DEPTH})
"""Damage that leaves None in place of a value, rather than U+FFFD in place of a character."""

DEEPEST = 1024
"""Levels that are read."""
CUT_AT = 200
"""Levels that are kept of a text with more than `DEEPEST`: Python's own recursion has to get through what is left."""
_WRITTEN_DEEPEST = 254
"""Levels that orjson writes."""


class Engine(Protocol):
    """One way to read and to write JSON by the standard."""

    @property
    def loads(self) -> Callable[[str | bytes], Any]:
        """Parse JSON; ValueError for anything that the standard does not allow."""
        ...

    def dumps(
        self, value: Any, default: Default | None, *, sort_keys: bool, indent: bool, own_times: bool
    ) -> bytes:
        """Write JSON; TypeError for a value that JSON does not know."""
        ...


class Orjson:
    """The fast engine."""

    def __init__(self) -> None:
        self.loads: Callable[[str | bytes], Any] = _orjson.loads

    def dumps(
        self, value: Any, default: Default | None, *, sort_keys: bool, indent: bool, own_times: bool
    ) -> bytes:
        """Write JSON; numbers that are not finite become null."""
        option = _orjson.OPT_SORT_KEYS if sort_keys else 0
        option |= _orjson.OPT_INDENT_2 if indent else 0
        option |= _orjson.OPT_PASSTHROUGH_DATETIME if own_times else 0
        text: bytes = _orjson.dumps(value, default, option)
        return text


class Standard:
    """The standard library, kept to what orjson reads and writes."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(
            parse_int=_integer, parse_float=_finite, parse_constant=_not_in_the_standard
        )

    def loads(self, text: str | bytes) -> Any:
        """Parse JSON."""
        if isinstance(text, bytes):
            text = text.decode()
        elif not text.isascii():
            text.encode()  # which refuses a lone surrogate
        if _SURROGATES.search(text) and any(_is_bad(found) for found in _ESCAPED.finditer(text)):
            raise ValueError("half of a surrogate pair")
        try:
            value = self._decoder.decode(text)
        except RecursionError:
            # how deep it gets depends on the caller's own depth; `_parsed` does not
            return _parsed(text, {}, strict=True)
        # CPython 3.12 goes deeper than all others. Most texts have too few brackets to be worth a second look.
        if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
            raise ValueError(f"more than {DEEPEST} levels")
        return value

    def dumps(
        self, value: Any, default: Default | None, *, sort_keys: bool, indent: bool, own_times: bool
    ) -> bytes:
        """Write JSON; numbers that are not finite become null."""
        plain = _plain(value, default, own_times, _WRITTEN_DEEPEST)
        text = json.dumps(
            plain,
            ensure_ascii=False,
            sort_keys=sort_keys,
            indent=2 if indent else None,
            separators=(",", ": ") if indent else (",", ":"),
        )
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise TypeError("str is not valid UTF-8: surrogates not allowed") from None


# Reading ------------------------------------------------------------------------------------------------


def read(text: str | bytes, unexpected_types: dict[str, int] | None = None) -> Any:
    """Parse JSON as lemlist sends it, and count what had to be repaired.

    Raises:
        ValueError: it is no JSON, or was cut.
    """
    try:
        return loads(text)
    except ValueError:
        return _repaired(text, {} if unexpected_types is None else unexpected_types)


def _repaired(text: str | bytes, unexpected_types: dict[str, int]) -> Any:
    seen: dict[str, int] = {}
    whole = _decoded(text, seen).removeprefix("\ufeff")
    if not _ends(whole):
        raise ValueError("the text was cut, or is no JSON")
    mended = _ESCAPED.sub(lambda found: _mend(found, seen), whole)
    try:
        value = loads(mended)
    except ValueError:
        value = _parsed(mended, seen)
    for kind, count in seen.items():
        unexpected_types[kind] = unexpected_types.get(kind, 0) + count
    return value


def _ends(text: str) -> bool:
    """Whether a text that begins as a list or an object ends as one: a large one that was cut is told by that."""
    bare = text.strip(" \t\n\r")
    return bare[:1] not in _PARTNERS or bare[-1] == _PARTNERS[bare[0]]


_PARTNERS = {"[": "]", "{": "}"}


def _decoded(text: str | bytes, seen: dict[str, int]) -> str:
    if isinstance(text, str):
        # a pair that was given as two becomes one; a half becomes U+FFFD
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        kind, before = SURROGATE, text.count("\ufffd")
    else:
        whole = text.decode("utf-8", "replace")
        kind, before = UTF8, text.count("\ufffd".encode())
    if (bad := whole.count("\ufffd") - before) > 0:
        seen[kind] = bad
    return whole


_SURROGATES = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPED = re.compile(
    r"""\\(?:
        u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
        | (?P<half> u[dD][89a-fA-F][0-9a-fA-F]{2})
        | u[0-9a-fA-F]{4}
        | ["\\/bfnrt]
        | (?P<bad> .)
    )""",
    re.VERBOSE | re.DOTALL,
)


def _is_bad(found: re.Match[str]) -> bool:
    return found["half"] is not None or found["bad"] is not None


def _mend(found: re.Match[str], seen: dict[str, int]) -> str:
    if not _is_bad(found):
        return found[0]
    kind = ESCAPE if found["half"] is None else SURROGATE
    seen[kind] = seen.get(kind, 0) + 1
    return "\\ufffd"


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{\]}]', re.DOTALL)


def _depth(text: str) -> int:
    """Return the number of levels of a text that is JSON."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest


_NEXT = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<mark> [\[\]{},:"])
        | (?P<number> -?(?:0|[1-9][0-9]*+) (?P<real> (?:\.[0-9]++)? (?:[eE][+-]?[0-9]++)?)) (?![\w.+-])
        | (?P<word> true|false|null|NaN|-?Infinity) (?![\w.+-])
    )""",
    re.VERBOSE | re.ASCII,
)
_END = re.compile(r"[ \t\n\r]*")
_WORDS = {"true": True, "false": False, "null": None}


class _TooDeepError(ValueError):
    """More levels than are read."""


def _parsed(text: str, seen: dict[str, int], *, strict: bool = False) -> Any:
    """Parse without recursion, and with None for each value that a double or a stack cannot hold."""
    try:
        counted = dict(seen)
        value = _Parser(text, counted, DEEPEST, strict=strict).parse()
    except _TooDeepError:
        if strict:
            raise
        counted = dict(seen)
        value = _Parser(text, counted, CUT_AT, cut=True).parse()
    seen.update(counted)
    return value


class _Parser:
    """A parser that keeps the containers that are open in a list of its own."""

    def __init__(
        self, text: str, seen: dict[str, int], deepest: int, *, cut: bool = False, strict: bool = False
    ) -> None:
        self._text = text
        self._seen = seen
        self._deepest = deepest
        self._cut = cut
        self._strict = strict
        self._at = 0
        self._root: list[Any] = []
        self._open: list[Any] = [self._root]
        self._keys: list[str] = [""]

    def parse(self) -> Any:
        """Give the one value of the text.

        Raises:
            ValueError: it is no JSON, or was cut.
        """
        self._value(first=False)
        while len(self._open) > 1:
            self._member()
        if _END.fullmatch(self._text, self._at) is None:
            raise ValueError(f"unexpected content after the document at {self._at}")
        return self._root[0]

    def _member(self) -> None:
        """Read what follows inside the innermost container, until the next value begins or it ends."""
        inner = self._open[-1]
        first = self._text[self._at - 1] in "[{" and self._fresh
        if not first:
            if (mark := self._mark()) in ("]", "}"):
                return self._close(mark)
            if mark != ",":
                raise self._wrong()
        if isinstance(inner, list):
            return self._value(first=first)
        mark = self._mark()
        if mark == "}" and first:
            return self._close(mark)
        if mark != '"':
            raise self._wrong()
        self._keys[-1] = self._string()
        if self._mark() != ":":
            raise self._wrong()
        return self._value(first=False)

    def _value(self, *, first: bool) -> None:
        self._fresh = False
        found = self._next()
        if (mark := found["mark"]) is None:
            self._put(self._scalar(found))
        elif mark == '"':
            self._put(self._string())
        elif mark in "[{":
            self._begin([] if mark == "[" else {})
        elif mark == "]" and first:
            self._close(mark)
        else:
            raise self._wrong()

    def _begin(self, container: Any) -> None:
        if len(self._open) > self._deepest and not self._cut:
            raise _TooDeepError(f"more than {self._deepest} levels")
        if len(self._open) == self._deepest + 1:
            self._count(DEPTH)
        self._put(container if len(self._open) <= self._deepest else None)
        self._open.append(container)
        self._keys.append("")
        self._fresh = True

    def _close(self, mark: str) -> None:
        if isinstance(self._open.pop(), list) is not (mark == "]"):
            raise self._wrong()
        self._keys.pop()
        self._fresh = False

    def _put(self, value: Any) -> None:
        inner = self._open[-1]
        if is_array(inner):
            inner.append(value)
        else:
            inner[self._keys[-1]] = value

    def _scalar(self, found: re.Match[str]) -> Any:
        if (number := found["number"]) is not None:
            try:
                return _finite(number) if found["real"] else _integer(number)
            except ValueError:
                return self._lost()
        word = found["word"]
        return _WORDS[word] if word in _WORDS else self._lost()

    def _lost(self) -> None:
        # a text that consists of it alone is a message, and no number
        if self._strict or len(self._open) == 1:
            raise self._wrong()
        self._count(NUMBER)

    def _string(self) -> str:
        # from the quotation mark on
        value, end = (_STRICT if self._strict else _LOOSE).raw_decode(self._text, self._at - 1)
        if not self._strict and _CONTROLS.search(self._text, self._at, end):
            self._count(CONTROL)
        self._at = end
        return str(value)

    def _mark(self) -> str | None:
        return self._next()["mark"]

    def _next(self) -> re.Match[str]:
        found = _NEXT.match(self._text, self._at)
        if found is None:
            raise self._wrong()
        self._at = found.end()
        return found

    def _count(self, kind: str) -> None:
        self._seen[kind] = self._seen.get(kind, 0) + 1

    def _wrong(self) -> ValueError:
        return ValueError(f"no JSON at {self._at}")


_STRICT = json.JSONDecoder()
_LOOSE = json.JSONDecoder(strict=False)
_CONTROLS = re.compile(r"[\x00-\x1f]")


def _integer(digits: str) -> int | float:
    # beyond 64 bits it is a double, as for JavaScript
    if len(digits) < 19 or -(2**63) <= (value := _whole(digits)) < 2**64:
        return int(digits)
    return _finite(digits) if isinstance(value, float) else float(value)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 40 else _finite(digits)


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError("a number beyond what a double holds")
    return value


def _not_in_the_standard(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


# Writing ------------------------------------------------------------------------------------------------


def dumps(
    value: Any,
    *,
    default: Default | None = None,
    sort_keys: bool = False,
    indent: bool = False,
    own_times: bool = False,
) -> bytes:
    """Write JSON as UTF-8; NaN and Infinity become null.

    `default` turns a value that JSON does not know into one that it does. It also gets dates and times where
    `own_times` says so; else they are written in ISO 8601.

    Raises:
        TypeError: a value that JSON does not know, a key that is no text, a lone surrogate, an integer beyond 64
            bits, or more than 254 levels.
    """
    return ENGINE.dumps(value, default, sort_keys=sort_keys, indent=indent, own_times=own_times)


def _plain(value: Any, default: Default | None, own_times: bool, left: int) -> Any:
    """A value of nothing but dicts, lists, texts and numbers, or TypeError: what orjson checks while it writes."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, default, own_times, left)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise TypeError("Integer exceeds 64-bit range")
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if left < 1:
        raise TypeError("Recursion limit reached")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if is_object(value):
        return {_key(key): _plain(item, default, own_times, left - 1) for key, item in value.items()}
    if is_array(value := _listed(value)):
        return [_plain(item, default, own_times, left - 1) for item in value]
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime | date | time) and not own_times:
        return value.isoformat()
    if default is None:
        raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")
    return _plain(default(value), default, own_times, left - 1)


def _listed(value: Any) -> Any:
    # no subclass of tuple: orjson leaves named tuples to `default`
    items: Any = value
    return list(items) if type(value) is tuple else value


def _fields(value: Any) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(value))
    return {name: getattr(value, name) for name in names if not name.startswith("_")}


def _key(key: object) -> str:
    if type(key) is not str:
        raise TypeError("Dict key must be str")
    return key


ENGINE: Engine = Standard() if _orjson is None else Orjson()
loads: Callable[[str | bytes], Any] = ENGINE.loads
"""Parse JSON by the standard; ValueError for anything else."""
