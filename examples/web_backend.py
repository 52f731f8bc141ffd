"""Embedded in an aiohttp.web service: one client for the life of the application, a deadline for each request.

python examples/web_backend.py     then   curl -X POST localhost:8080/signup -d '{"email": "ann@example.com"}'
"""

from aiohttp import web

from lemlist_async import errors
from lemlist_async.integrations.aiohttp_web import (
    LEMLIST,
    deadline_middleware,
    error_middleware,
    setup,
    until_gone,
)

CAMPAIGN = web.AppKey("campaign", str)


async def signup(request: web.Request) -> web.Response:
    """A visitor signs up: an interactive call, which overtakes whatever batch runs on the same key.

    Other errors than the one below are responses of the middleware: 503 with Retry-After for a full queue, 502 with
    ``may_have_happened`` for a lost response.
    """
    lemlist, body = request.app[LEMLIST].with_options(max_wait=2), await request.json()
    async with until_gone(request):
        try:
            lead = await lemlist.leads.create(request.app[CAMPAIGN], email=body["email"])
        except errors.LeadAlreadyExistsError:
            return web.json_response({"signed_up": True, "again": True})
    return web.json_response({"signed_up": True, "lead": lead.id}, status=201)


def make_app(campaign_id: str) -> web.Application:
    """The application; LEMLIST_API_KEY has the key."""
    app = web.Application(middlewares=[error_middleware, deadline_middleware(5)])
    app[CAMPAIGN] = campaign_id
    setup(app)
    app.router.add_post("/signup", signup)
    return app


if __name__ == "__main__":
    web.run_app(make_app("cam_your_campaign"), port=8080)
