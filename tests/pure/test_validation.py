"""Checks that operations and jobs share: each refusal has one type, wherever the value came in."""

from typing import Any

import pytest

from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.core.validation import check_campaign_id, check_flat, is_web_address
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources._base import custom_fields, within


@pytest.mark.parametrize("value", ["", "lea_1", "CAM_1", None, 5])
def test_an_id_that_is_no_campaigns_is_invalid_input_to_operations_and_jobs(value: Any) -> None:
    for take in (check_campaign_id, lambda given: ImportLeads(campaign_id=given)):
        with pytest.raises(InvalidInputError, match="begins with cam_"):
            take(value)


def test_an_id_of_a_campaign_is_returned() -> None:
    assert check_campaign_id("cam_1") == "cam_1"


@pytest.mark.parametrize("value", [{}, [1], (1,), {1}])
def test_a_nested_value_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="'size' is nested"):
        check_flat("size", value)
    with pytest.raises(InvalidInputError, match="'size' is nested"):
        custom_fields({"size": value})


@pytest.mark.parametrize("text", ["http://a.io", "HTTPS://a.io/x?y#z", "https://u:p@[::1]:8/"])
def test_an_address_of_the_web_is_told(text: str) -> None:
    assert is_web_address(text)


@pytest.mark.parametrize(
    "text", ["", "a.io", "ftp://a.io", "http://", "http:///x", "http://a b", "http://a\x00", "http://a\ud800"]
)
def test_another_text_is_no_address_of_the_web(text: str) -> None:
    assert not is_web_address(text)


@pytest.mark.parametrize("value", [0, 101, True, "5", 2.5])
def test_a_page_size_is_a_whole_number_in_its_range(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="page_size must be"):
        within("page_size", value, 1, 100)
