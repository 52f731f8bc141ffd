"""Embedded in a web backend: one client for the life of the application, a deadline for each request.

python examples/web_backend.py     then   curl -X POST localhost:8080/signup -d '{"email": "ann@example.com"}'
"""

from collections.abc import AsyncIterator

from aiohttp import web

from lemlist_async import Lemlist, errors

LEMLIST = web.AppKey("lemlist", Lemlist)
CAMPAIGN = web.AppKey("campaign", str)


async def client(app: web.Application) -> AsyncIterator[None]:
    """Opened with the application, closed with it."""
    async with Lemlist() as lemlist:
        app[LEMLIST] = lemlist
        yield


async def signup(request: web.Request) -> web.Response:
    """A visitor signs up: an interactive call, which overtakes whatever batch runs on the same key."""
    lemlist = request.app[LEMLIST].with_options(deadline=5, max_wait=2)
    try:
        body = await request.json()
        lead = await lemlist.leads.create(request.app[CAMPAIGN], email=body["email"])
    except errors.LeadAlreadyExistsError:
        return web.json_response({"signed_up": True, "again": True})
    except errors.QueueError as busy:
        return web.json_response({"try_again_in": busy.forecast}, status=503)
    except errors.AmbiguousError as lost:
        # it may have happened: say so rather than sign up twice
        return web.json_response({"signed_up": None, "check": lost.verify}, status=202)
    except errors.LemlistError as failed:
        return web.json_response({"error": type(failed).__name__}, status=502)
    return web.json_response({"signed_up": True, "lead": lead.id}, status=201)


def make_app(campaign_id: str) -> web.Application:
    """The application; LEMLIST_API_KEY has the key."""
    app = web.Application()
    app[CAMPAIGN] = campaign_id
    app.cleanup_ctx.append(client)
    app.router.add_post("/signup", signup)
    return app


if __name__ == "__main__":
    web.run_app(make_app("cam_your_campaign"), port=8080)
