"""A Django project in one file, for ASGI and for WSGI servers.

uvicorn --app-dir examples django_views:asgi      or      gunicorn --chdir examples django_views:wsgi
"""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

from lemlist_async import Lemlist
from lemlist_async.deadlines import deadline
from lemlist_async.integrations.asgi import WithClient
from lemlist_async.integrations.wsgi import BlockingLemlist

blocking = BlockingLemlist()
"""For WSGI: its thread and its client are made by the first call of each worker process."""


async def campaigns(request: Any) -> JsonResponse:
    """Async view: it runs in the event loop of the server, with the client that the server opened."""
    lemlist: Lemlist = request.scope["state"]["lemlist"]
    with deadline(10):
        found = [campaign.name async for campaign in lemlist.campaigns.list()]
    return JsonResponse({"campaigns": found})


def blocking_campaigns(_request: HttpRequest) -> JsonResponse:
    """Sync view: it runs in a thread of the server, and calls through the thread of the client."""

    async def names(lemlist: Lemlist) -> list[str | None]:
        return [campaign.name async for campaign in lemlist.campaigns.list()]

    with deadline(10):
        return JsonResponse({"campaigns": blocking.call(names)})


urlpatterns = [path("campaigns", campaigns), path("blocking-campaigns", blocking_campaigns)]
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "of-this-example"),
    MIDDLEWARE=["lemlist_async.integrations.django.LemlistErrorMiddleware"],
)
django.setup()
asgi = WithClient(ASGIHandler())
wsgi = WSGIHandler()
