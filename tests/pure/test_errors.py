"""The tree of errors: drawn in its docstring, picklable, one log line each."""

import inspect
import pickle
import re

import pytest

from lemlist_async import errors

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.LemlistError) and kind.__module__ == errors.__name__
]
EXTRA = {"status": 418, "forecast": 2.0, "kind": "reset", "phase": "queue"}


def make(kind: type[errors.LemlistError]) -> errors.LemlistError:
    """One of each, with whatever its constructor asks for."""
    wanted = inspect.signature(kind.__init__).parameters
    more = {name: value for name, value in EXTRA.items() if name in wanted}
    return kind("what happened", operation="GET /team", **more)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_with_all_it_knows(kind: type[errors.LemlistError]) -> None:
    error = make(kind)
    error.attempts = (errors.Attempt("502", 0.5),)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_that_names_the_operation(kind: type[errors.LemlistError]) -> None:
    line = str(make(kind))
    assert "\n" not in line
    assert "GET /team: what happened" in line


def test_the_drawing_holds_every_error_and_no_other() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or "")) - {"ValueError", "TimeoutError"}
    assert drawn == {kind.__name__ for kind in ALL}
    assert {name for name in errors.__all__ if name != "Attempt"} == drawn


def test_errors_are_also_what_callers_who_do_not_know_us_would_catch() -> None:
    assert issubclass(errors.ConfigurationError, ValueError)
    assert issubclass(errors.InvalidInputError, ValueError)
    assert issubclass(errors.DeadlineExceededError, TimeoutError)
    assert issubclass(errors.AmbiguousServerError, errors.ServerError)
    assert issubclass(errors.LostResponseError, errors.TransportError)
