"""Options are checked where they are built."""

from typing import Any, get_type_hints

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.options import AuthBreaker, OptionChanges, Options, Retry, Timeouts


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Retry, {"attempts": 0}),
        (Retry, {"attempts": True}),
        (Retry, {"base": -1}),
        (Retry, {"cap": "30"}),
        (Retry, {"budget": 1.5}),
        (Timeouts, {"connect": 0}),
        (Timeouts, {"attempt": float("nan")}),
        (AuthBreaker, {"failure_threshold": 0}),
        (AuthBreaker, {"recovery_timeout": -1}),
        (Options, {"auth_breaker": 3}),
        (Options, {"retry": 5}),
        (Options, {"timeouts": None}),
        (Options, {"lane": "fast"}),
        (Options, {"deadline": -1}),
        (Options, {"max_body": 10}),
        (Options, {"deadline": 10**400}),
        (Options, {"max_wait": -(10**400)}),
        (Options, {"max_body": 10**400}),
        (Timeouts, {"read": 10**5_000}),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        kind(**values)


def test_a_refused_number_is_shown_while_it_can_be_read() -> None:
    with pytest.raises(ConfigurationError, match=r"not 0\.0$"):
        Timeouts(read=0.0)
    with pytest.raises(ConfigurationError, match=r"not a whole number of 16610 bits$"):
        Timeouts(read=10**5_000)


@pytest.mark.parametrize("seconds", [0, 1e300, float("inf"), 10**300])
def test_a_deadline_may_be_as_far_as_a_float_goes(seconds: float) -> None:
    assert Options(deadline=seconds, max_wait=seconds).deadline == seconds


def test_no_limit_is_said_with_none() -> None:
    assert Options(deadline=None, max_wait=None, timeouts=Timeouts(attempt=None)).deadline is None


def test_the_options_of_a_view_are_those_of_a_client_with_the_same_types() -> None:
    changes = get_type_hints(OptionChanges)
    own = get_type_hints(Options)
    assert changes == {name: hint for name, hint in own.items() if name != "auth_breaker"}
