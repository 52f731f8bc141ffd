"""Jobs over several machines: their journals in PostgreSQL, and workers that carry them on."""

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async.fleet.jobs import FleetJob as FleetJob
    from lemlist_async.fleet.jobs import Jobs as Jobs
    from lemlist_async.fleet.keys import environment_key as environment_key
    from lemlist_async.fleet.schedules import block_values as block_values
    from lemlist_async.fleet.schedules import store_activities as store_activities
    from lemlist_async.fleet.setup import set_up as set_up
    from lemlist_async.fleet.submission import submit as submit
    from lemlist_async.fleet.worker import Worker as Worker
    from lemlist_async.fleet.worker import WorkerOptions as WorkerOptions

_HOMES = {
    "FleetJob": "lemlist_async.fleet.jobs",
    "Jobs": "lemlist_async.fleet.jobs",
    "Worker": "lemlist_async.fleet.worker",
    "WorkerOptions": "lemlist_async.fleet.worker",
    "block_values": "lemlist_async.fleet.schedules",
    "environment_key": "lemlist_async.fleet.keys",
    "set_up": "lemlist_async.fleet.setup",
    "store_activities": "lemlist_async.fleet.schedules",
    "submit": "lemlist_async.fleet.submission",
}
if not TYPE_CHECKING:  # the checkers read the imports above, and refuse any other name
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
