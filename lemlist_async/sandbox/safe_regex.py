"""Regular expressions from requests, held to patterns that cannot keep the loop busy."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["SUBJECT", "safe_pattern"]

SUBJECT: Final = 100
"""Letters of a text that are searched."""
_LONGEST: Final = 200
_MOST_WORK: Final = SUBJECT**3

# what a pattern is made of, as far as its cost goes: escapes, classes, openings, repeats, choices
_TOKEN: Final = re.compile(
    r"""
    (?P<back>\\[1-9]|\(\?P=)
    | (?P<plain>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<open>\((?:\?(?:[:=!>]|<[=!]|P<\w+>|[aiLmsux-]+:?))?)
    | (?P<close>\))
    | (?P<repeat>(?:[*+]|\{\d*,?\d*\})[?+]?)
    | (?P<choice>\?[?+]?|\|)
    """,
    re.VERBOSE | re.DOTALL,
)


def safe_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern, ignoring case; re.error for one that is wrong or may take too long.

    Python's engine has no limit of time. A repeat multiplies the work by the length of the text, and a choice by two;
    a repeated group with a repeat or a choice inside, and a reference to a group, have no bound at all.
    """
    if len(text) > _LONGEST or _work(text) > _MOST_WORK:
        raise re.error("the pattern may take too long")
    return re.compile(text, re.IGNORECASE)


def _work(text: str) -> float:
    work = 1.0
    groups: list[bool] = [False]
    """Whether each open group has a repeat or a choice."""
    closed, inner, end = False, False, 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        touching = closed and token.start() == end
        closed, end = kind == "close", token.end()
        if kind == "back" or (kind in ("repeat", "choice") and token[0][0] != "|" and touching and inner):
            return float("inf")
        if kind == "open":
            groups.append(False)
        elif kind == "close":
            inner = groups.pop() if len(groups) > 1 else False
            groups[-1] = groups[-1] or inner
        elif kind in ("repeat", "choice"):
            work *= SUBJECT if kind == "repeat" else 2
            groups[-1] = True
    return work
