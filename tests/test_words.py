"""Docstrings are plain: they begin with a verb or a noun, and name their subject."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path
    for folder in ("lemlist_async", "tests", "benchmarks", "examples", "docs")
    for path in (ROOT / folder).rglob("*.py")
    if path != Path(__file__)  # it holds the words that it looks for
)

QUESTION = re.compile(r"\s*(?:What|How|Who|Which|Whom|Whose|Where)\b")
PERSONS = re.compile(r"(?<!\")\b(?:nobody|somebody|anybody|everybody|whoever)\b", re.IGNORECASE)


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string that stands alone: of modules, classes, functions and attributes."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def riddles(source: str) -> list[str]:
    """Return the docstrings and comments that make a reader guess their subject, with their lines."""
    texts = list(docstrings(source))
    found = [(line, text) for line, text in texts if QUESTION.match(text)]
    found += [(line, text) for line, text in (*texts, *comments(source)) if PERSONS.search(text)]
    return [f"line {line}: {text.strip().splitlines()[0]}" for line, text in sorted(found)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_begins_with_a_verb_or_a_noun_and_names_its_subject(path: Path) -> None:
    assert riddles(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What a module is."""',
        'x = 1\n"""How much."""',
        "def f():\n    '''Where it goes.'''",
        "# nobody knows",
    ],
)
def test_a_riddle_is_found_wherever_it_stands(source: str) -> None:
    assert len(riddles(source)) == 1


def test_a_quoted_name_is_no_riddle() -> None:
    assert riddles('"""Return the person called "Nobody"."""') == []
