"""Retry-After and X-RateLimit-* in every form seen."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lemlist_async.core.headers import read_date, read_rate, read_retry_after

RESET = datetime(2021, 2, 16, 8, 2, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)",
        "Tue Feb 16 2021 09:02:42 GMT+0100",
        "Tue Feb 16 2021 08:02:42 GMT+0000 (Coordinated Universal Time)",
        "Tue Feb 16 2021 08:02:42 GMT",
        "Tue Feb 16 2021 03:02:42 GMT-0500 (Eastern Standard Time)",
        "Tue, 16 Feb 2021 08:02:42 GMT",
        "2021-02-16T08:02:42.000Z",
        "2021-02-16T09:02:42+01:00",
        "1613462562",
        "1613462562000",
    ],
)
def test_a_date_is_read_in_each_form_that_lemlist_and_its_documents_use(text: str) -> None:
    assert read_date(text) == RESET


@pytest.mark.parametrize(
    "text", ["", "soon", "Tue Foo 16 2021 09:02:42 GMT+0100", "Tue Feb 31 2021 09:02:42 GMT", "-5"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(("text", "seconds"), [("2", 2.0), ("0", 0.0), ("1.5", 1.5), (" 3 ", 3.0)])
def test_retry_after_is_read_as_seconds(text: str, seconds: float) -> None:
    assert read_retry_after(text) == seconds


@pytest.mark.parametrize("text", [None, "", "-1", "nan", "inf", "1e5", "1_0", "²", "later"])
def test_a_retry_after_that_is_no_sane_number_is_none(text: str | None) -> None:
    assert read_retry_after(text) is None


def test_a_retry_after_date_is_held_against_the_servers_own_date() -> None:
    until = "Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)"
    assert read_retry_after(until, "Tue, 16 Feb 2021 08:02:40 GMT") == 2.0
    assert read_retry_after(until, "Tue, 16 Feb 2021 08:02:44 GMT") == 0.0
    assert read_retry_after(until, None) is None


@pytest.mark.parametrize("text", ["1613462570", "1613462570.0", " 1613462570 ", "1613462570000"])
def test_a_retry_after_that_can_only_be_a_date_is_read_as_one(text: str) -> None:
    """As a wait it would stop all users of the key for the longest pause."""
    assert read_retry_after(text, "Tue, 16 Feb 2021 08:02:42 GMT") == 8.0
    assert read_retry_after(text, "Tue, 16 Feb 2021 08:03:42 GMT") == 0.0
    assert read_retry_after(text) is None
    assert read_retry_after(text, "nonsense") is None


@pytest.mark.parametrize("text", ["40000000", "999999999"])
def test_a_retry_after_of_years_is_no_wait(text: str) -> None:
    assert read_retry_after(text, "Tue, 16 Feb 2021 08:02:42 GMT") is None


def test_a_long_wait_that_lemlist_asks_for_is_read_as_it_is() -> None:
    assert read_retry_after("86400") == 86_400.0


def test_all_rate_headers_are_read_at_once() -> None:
    rate = read_rate(
        {
            "X-RateLimit-Limit": "20",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)",
            "Retry-After": "2",
        }
    )
    assert (rate.limit, rate.remaining, rate.reset, rate.retry_after) == (20, 0, RESET, 2.0)


@given(st.text(), st.text())
@example("0\x1f", "")  # a blank to a pattern for all of Unicode, and none to float()
def test_no_text_whatever_raises(one: str, other: str) -> None:
    read_retry_after(one, other)
    read_rate({"X-RateLimit-Limit": one, "X-RateLimit-Remaining": other, "X-RateLimit-Reset": one})
