"""Patterns from requests cannot keep the sandbox busy."""

import re
import time

import pytest

from lemlist_async.sandbox.safe_regex import SUBJECT, safe_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$",
        r"(a*)*b",
        r"((a+))+b",
        r"(a|a)+$",
        r"(a|aa){1,50}$",
        r"(?:a+){10}",
        r"(?P<x>a+)+",
        r"(?i:a+)+b",
        r"(a?){30}a{30}",
        r"(a+)\1+",
        r"(?P<x>a)(?P=x)",
        "a*" * 10 + "b",
        "a?" * 30 + "a" * 30,
        "(a|a)" * 30 + "b",
        "a{1,}" * 5 + "b",
        "x" * 201,
        "(",
        "[",
        "a**",
    ],
)
def test_a_pattern_that_may_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(re.error):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^ann@", "Ann@b.example"),
        (r"^[a-z+]+@[a-z]+\.[a-z]{2,}$", "ann@b.example"),
        (r"\+33\d{9}", "+33123456789"),
        (r"ann|bob|cid", "Cid"),
        (r".*lee.*", "Ann Lee"),
        (r"(?:ann)+ (lee)?", "ann lee"),
        (r"[)(*+?]", "(x"),
        (r"\(\?\*", "(?*"),
        (r"a{x}", "a{x}"),
        (r"(?<=a)b", "ab"),
    ],
)
def test_a_usual_pattern_is_found(pattern: str, text: str) -> None:
    assert safe_pattern(pattern).search(text)


@pytest.mark.parametrize("pattern", ["a*a*a*b", "a+a+a?a?a?a?a?a?b", "a?" * 13 + "a+b", "(a)+(a)+(a)+b"])
def test_the_dearest_pattern_that_is_allowed_ends_soon(pattern: str) -> None:
    before = time.process_time()
    safe_pattern(pattern).search("a" * SUBJECT)
    assert time.process_time() - before < 1
