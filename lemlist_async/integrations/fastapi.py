"""FastAPI: the client of the application and its background tasks as dependencies.

Needs fastapi; `asgi` has the rest.
"""

from __future__ import annotations

from typing import Annotated

from lemlist_async.client import Lemlist
from lemlist_async.integrations.background import Background

try:
    from fastapi import Depends
    from fastapi.requests import HTTPConnection
except ImportError as _missing:
    raise ImportError("lemlist_async.integrations.fastapi needs fastapi: pip install fastapi") from _missing


def get_client(connection: HTTPConnection) -> Lemlist:
    """Return the client that `asgi.lifespan` opened."""
    found: Lemlist = connection.app.state.lemlist
    return found


def get_background(connection: HTTPConnection) -> Background:
    """Return the background tasks that `asgi.lifespan` ends with the application."""
    found: Background = connection.app.state.background
    return found


Client = Annotated[Lemlist, Depends(get_client)]
"""Type of a parameter of a handler: ``async def team(lemlist: Client): …``."""
Tasks = Annotated[Background, Depends(get_background)]
"""Type of a parameter of a handler that starts work which goes on after its response."""
