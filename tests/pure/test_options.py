"""Options are checked where they are built."""

from typing import Any

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.options import Options, Retry, Timeouts


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
        (Options, {"lane": "fast"}),
        (Options, {"deadline": -1}),
        (Options, {"max_body": 10}),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        kind(**values)


def test_no_limit_is_said_with_none() -> None:
    assert Options(deadline=None, max_wait=None, timeouts=Timeouts(attempt=None)).deadline is None
