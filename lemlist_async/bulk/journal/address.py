"""Places of journals: the path of a file, or a job on a PostgreSQL server."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from lemlist_async.errors import ConfigurationError

_SCHEMES = ("postgresql://", "postgres://")
LEASE = 20.0
"""Seconds of a lease. It is renewed four times as often, and a worker that died is replaced after as long."""


def is_url(place: object) -> bool:
    """Return whether a text is the URL of a PostgreSQL server."""
    return isinstance(place, str) and place.startswith(_SCHEMES)


def without_password(url: str) -> str:
    """Return a URL as it may be shown: scheme, host, port and database."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check_url(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    # a value that is refused is not shown: it may hold a password
    if not is_url(value) or "#" in value:
        raise ConfigurationError("the URL of a server of journals begins with postgresql://, and has no #")


def _check_name(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or not value.isprintable():
        raise ConfigurationError(f"the name of a job is a text of 1 to 200 characters, not {value!r}")


def _check_lease(_instance: Any, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1.5 <= value <= 3600:
        raise ConfigurationError(f"the lease of a job is 1.5 to 3600 seconds, not {value!r}")


@attrs.frozen
class PostgresJournal:
    """Place of a journal: a job in a PostgreSQL database. As a text: ``postgresql://host/database#job``.

    Raises:
        ConfigurationError: no URL of PostgreSQL, no name, or a lease that cannot work.
    """

    url: str = attrs.field(validator=_check_url, repr=without_password)
    """Database, as libpq reads it. What is left out comes from the environment (``PGHOST``, ``PGPASSWORD``, …)."""
    job: str = attrs.field(validator=_check_name)
    """Name of the job, one of its kind in the database."""
    lease: float = attrs.field(default=LEASE, validator=_check_lease)
    """Seconds after which another worker may carry the job on if this one has died or stands still."""

    @staticmethod
    def fits(text: str) -> bool:
        """Return whether a text is meant as such a place."""
        return is_url(text)

    @classmethod
    def parse(cls, text: str) -> PostgresJournal:
        """Read the text form.

        Raises:
            ConfigurationError: it names no job.
        """
        url, _, job = text.partition("#")
        if not job:
            raise ConfigurationError(
                f"{without_password(url)} is a database: name a job in it, {without_password(url)}#my-import"
            )
        return cls(url, unquote(job))

    def __str__(self) -> str:
        return f"{without_password(self.url)}#{self.job}"


Place = str | os.PathLike[str] | PostgresJournal


def place_of(place: Place) -> str | os.PathLike[str] | PostgresJournal:
    """Return a place with the text form of a server's job read."""
    return PostgresJournal.parse(place) if isinstance(place, str) and is_url(place) else place
