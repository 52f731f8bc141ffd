"""Any number of arq workers on one host, which share one key and its limit without further configuration.

REDIS_URL=redis://localhost CAMPAIGN=cam_… PYTHONPATH=examples arq arq_workers.WorkerSettings
"""

import os
from typing import Any, ClassVar

from arq.connections import RedisSettings
from arq.worker import Retry

from lemlist_async import Lemlist, errors


async def add_lead(ctx: dict[str, Any], email: str) -> str:
    """Add one lead. arq runs a job again after a crash, and then lemlist says that the lead is there."""
    lemlist: Lemlist = ctx["lemlist"]
    try:
        lead = await lemlist.leads.create(os.environ["CAMPAIGN"], email=email)
    except errors.LeadAlreadyExistsError:
        return "again"
    except (errors.QueueError, errors.ClosedError) as busy:
        raise Retry(defer=5) from busy  # nothing was sent
    return lead.id


async def startup(ctx: dict[str, Any]) -> None:
    """Open the client of this process; every process keeps to the shared limit of the key."""
    ctx["lemlist"] = Lemlist().with_options(lane="bulk")


async def shutdown(ctx: dict[str, Any]) -> None:
    """Close it."""
    await ctx["lemlist"].aclose()


class WorkerSettings:
    """Settings of the worker."""

    functions: ClassVar[list[Any]] = [add_lead]
    on_startup = startup
    on_shutdown = shutdown
    max_jobs = 25  # enough in flight for the whole quota
    redis_settings = RedisSettings.from_dsn(os.environ.get("REDIS_URL", "redis://localhost"))
