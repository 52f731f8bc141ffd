"""Celery tasks in prefork workers, which share one key and its limit without further configuration.

REDIS_URL=redis://localhost CAMPAIGN=cam_… celery --workdir examples -A celery_workers worker --concurrency 4
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_shutdown

from lemlist_async import errors
from lemlist_async.deadlines import deadline
from lemlist_async.integrations.wsgi import BlockingLemlist

app = Celery(
    "leads",
    broker=os.environ.get("REDIS_URL", "redis://localhost"),
    backend=os.environ.get("REDIS_URL", "redis://localhost"),
)
blocking = BlockingLemlist()
"""Thread, event loop and client of each worker process, made by its first task."""


@app.task(autoretry_for=(errors.QueueError, errors.ClosedError), retry_backoff=True)
def add_lead(email: str) -> str:
    """Add one lead. Only what was surely not sent is tried again by Celery; the rest is the client's to decide."""
    with deadline(60):
        try:
            return blocking.call(lambda lemlist: lemlist.leads.create(os.environ["CAMPAIGN"], email=email)).id
        except errors.LeadAlreadyExistsError:
            return "again"


@worker_process_shutdown.connect
def close(**_: Any) -> None:
    """Close the client with its process."""
    blocking.close()
