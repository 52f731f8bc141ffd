"""Delivery of events to hooks, and its end."""

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.hooks import EventName, Hooks, RequestEvent

EVENT = RequestEvent(operation="GET /team", number=1, lane="interactive")


def test_a_function_registered_twice_is_told_twice_and_each_off_takes_one_away() -> None:
    hooks, told = Hooks(), list[object]()
    hook = told.append
    first, second = hooks.on("request", hook), hooks.on("request", hook)
    counts = list[int]()
    for off in (lambda: None, second, second, first, first):
        off()
        told.clear()
        hooks.emit("request", EVENT)
        counts.append(len(told))
    assert counts == [2, 1, 1, 0, 0]
    assert hooks.silent
    assert not hooks.wants("request")


def test_hooks_are_told_in_the_order_of_their_registration() -> None:
    hooks, told = Hooks(), list[str]()
    for who in "abc":
        hooks.on("request", lambda _, who=who: told.append(who))
    hooks.emit("request", EVENT)
    assert told == ["a", "b", "c"]


def test_a_hook_may_take_itself_and_others_off() -> None:
    hooks, told = Hooks(), list[str]()

    def alone(_: object) -> None:
        told.append("alone")
        off_self()
        off_other()

    off_self = hooks.on("request", alone)
    off_other = hooks.on("request", lambda _: told.append("other"))
    hooks.emit("request", EVENT)
    hooks.emit("request", EVENT)
    # the event under way still reaches all that were registered when it came
    assert told == ["alone", "other"]


@pytest.mark.parametrize("name", ["requests", ""])
def test_an_event_that_does_not_exist_is_refused(name: EventName) -> None:
    with pytest.raises(ConfigurationError, match="response"):
        Hooks().on(name, print)


async def test_a_hook_that_would_have_to_be_awaited_is_refused() -> None:
    async def hook(_: object) -> None: ...

    with pytest.raises(ConfigurationError, match="plain function"):
        Hooks().on("request", hook)
