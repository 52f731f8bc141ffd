"""One operation of the API: verb, path template and handler."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from functools import cached_property
from typing import Final, TypeAlias

import attrs

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.tables import Record

__all__ = ["Handler", "Route", "Work"]

_NAMES: Final = re.compile(r"{(\w+)}")

Handler: TypeAlias = Callable[[RequestContext], object]
"""Function of a context: a RouteResponse as it is, anything else as the body of a 200. A Refusal ends it early."""
Work: TypeAlias = Generator[None, None, object]
"""Long work of a handler: it yields where other requests may run, and returns what the handler would."""


@attrs.define
class Route:
    """One operation of the API: verb, template, handler, and the wording of its 401 and 405."""

    method: str
    template: str
    handler: Handler
    unauthorized: str | Record | None = "The authentication you supplied is incorrect"
    """Body of its 401: a sentence, JSON, or None where the document shows no body."""
    bad_method: str | Record = "Bad method"
    """Body of its path's 405 for other verbs."""
    public: bool = False
    """True for a route without a key and outside the limit: the download of exports alone."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameters of the path, in order."""
        return tuple(_NAMES.findall(self.template))

    def fits(self, values: list[str]) -> bool:
        """Tell whether the values suit the names. It matters only where two templates share a URL."""
        return not any(
            name == "email" and "@" not in value for name, value in zip(self.names, values, strict=True)
        )
