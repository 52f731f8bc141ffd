"""Uploads that become jobs of a fleet in the transaction of their own row, and their progress, live.

DATABASE=postgresql:///app CAMPAIGN=cam_… uvicorn --app-dir examples --factory fastapi_fleet:make_app
LEMLIST_FLEET_URL=postgresql:///app lemlist-async worker
"""

import asyncio
import contextlib
import io
import json
import os
import uuid
from collections.abc import AsyncGenerator

import psycopg
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from lemlist_async import Lemlist
from lemlist_async.bulk import ImportLeads
from lemlist_async.fleet import Jobs, set_up, submit
from lemlist_async.integrations.asgi import EXCEPTION_HANDLERS, lifespan
from lemlist_async.integrations.fastapi import Client

EVERY = 0.5
"""Seconds between two looks at a job while a visitor watches it."""


def make_app() -> FastAPI:
    """The application; LEMLIST_API_KEY has the key, here and where the workers run."""
    database, campaign = os.environ["DATABASE"], os.environ["CAMPAIGN"]

    @contextlib.asynccontextmanager
    async def live(app: FastAPI) -> AsyncGenerator[dict[str, Lemlist]]:
        await set_up(database)
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS uploads (id serial PRIMARY KEY, job text)")
        async with lifespan(Lemlist)(app) as state:
            yield state

    app = FastAPI(lifespan=live, exception_handlers=EXCEPTION_HANDLERS)

    @app.post("/uploads", status_code=202)
    async def upload(request: Request, lemlist: Client) -> dict[str, str]:
        """Check the file, and store it as a job together with the application's own row: both, or neither."""
        file = io.BytesIO(await request.body())
        async with await psycopg.AsyncConnection.connect(database) as connection:
            job = f"upload-{uuid.uuid4()}"
            await connection.execute("INSERT INTO uploads (job) VALUES (%s)", (job,))
            await submit(lemlist, ImportLeads(campaign_id=campaign), file, to=connection, name=job)
        # committed: any worker may have begun
        return {"job": job}

    @app.get("/uploads/{job}/events")
    async def events(job: str) -> StreamingResponse:
        """Progress as server-sent events, until the job is over."""
        return StreamingResponse(progress(database, job), media_type="text/event-stream")

    return app


async def progress(database: str, job: str) -> AsyncGenerator[str]:
    """Yield an event whenever the job has changed."""
    last = None
    async with Jobs.at(database) as jobs:
        while True:
            state = (await jobs.get(job)).as_json()
            if state != last:
                yield f"data: {json.dumps(state)}\n\n"
            if state["phase"] in {"finished", "stopped"}:
                return
            last = state
            await asyncio.sleep(EVERY)
