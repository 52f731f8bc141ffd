"""A signup endpoint, an import in the background and the webhooks of lemlist in one FastAPI application.

CAMPAIGN=cam_… WEBHOOK_SECRET=… uvicorn --app-dir examples --factory fastapi_signup:make_app
"""

import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.routing import Route

from lemlist_async import Lemlist, errors
from lemlist_async.integrations.asgi import EXCEPTION_HANDLERS, RequestDeadline, lifespan, until_gone
from lemlist_async.integrations.fastapi import Client, Tasks
from lemlist_async.webhooks import ReplyEvent, WebhookReceiver


def make_app() -> FastAPI:
    """The application; LEMLIST_API_KEY has the key."""
    campaign, folder = os.environ["CAMPAIGN"], Path(os.environ.get("DATA", "."))
    receiver = WebhookReceiver(folder / "hooks.db", secret=os.environ["WEBHOOK_SECRET"])
    replies: list[str | None] = []

    @contextlib.asynccontextmanager
    async def live(app: FastAPI) -> AsyncGenerator[dict[str, Lemlist]]:
        async with receiver, lifespan(Lemlist)(app) as state:
            yield state

    app = FastAPI(lifespan=live, exception_handlers=EXCEPTION_HANDLERS)
    app.add_middleware(RequestDeadline, seconds=10)
    app.router.routes.append(Route("/lemlist", receiver.asgi))

    @receiver.on(ReplyEvent)
    async def replied(reply: ReplyEvent) -> None:
        replies.append(reply.lead_email)

    @app.post("/signup", status_code=201)
    async def signup(request: Request, lemlist: Client) -> dict[str, Any]:
        """A visitor signs up: the call overtakes the import, and leaves the queue if he does not wait."""
        visitor = await request.json()
        async with until_gone(request):
            try:
                lead = await lemlist.leads.create(campaign, email=visitor["email"])
            except errors.LeadAlreadyExistsError:
                return {"again": True}
        return {"lead": lead.id}

    @app.post("/import", status_code=202)
    async def start_import(lemlist: Client, tasks: Tasks) -> None:
        """Import in the background; after a restart the same journal goes on."""
        tasks.spawn(run_import(lemlist, campaign, folder))

    @app.get("/replies")
    async def list_replies() -> list[str | None]:
        return replies

    return app


async def run_import(lemlist: Lemlist, campaign: str, folder: Path) -> None:
    """Import the leads of a file through the bulk lane."""
    journal = folder / "import.db"
    async with await lemlist.bulk.plan_leads(campaign, folder / "leads.csv", journal=journal) as plan:
        await lemlist.bulk.run(plan).finish()
