"""Django: errors of this library as responses. Needs django; `asgi.WithClient` and `wsgi` have the client."""

from __future__ import annotations

from lemlist_async.errors import LemlistError
from lemlist_async.integrations.web_errors import response_to

try:
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.utils.deprecation import MiddlewareMixin
except ImportError as _missing:
    raise ImportError("lemlist_async.integrations.django needs django: pip install django") from _missing


class LemlistErrorMiddleware(MiddlewareMixin):
    """Middleware that turns a `LemlistError` into a response which names its class and nothing else.

    Use: the name of this class in ``MIDDLEWARE``, for sync and async views.
    """

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the response to an error of this library; None leaves another error to Django."""
        if not isinstance(error, LemlistError):
            return None
        response = response_to(error)
        return JsonResponse(response.body, status=response.status, headers=response.headers)
