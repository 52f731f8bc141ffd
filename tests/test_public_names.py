"""The public names and signatures change only on purpose: a snapshot holds them."""

from tests.support.public_names import PAGE, page


def test_the_public_names_and_signatures_are_those_of_the_snapshot() -> None:
    assert page() == PAGE.read_text("utf-8"), "run: python -m tests.support.public_names"
