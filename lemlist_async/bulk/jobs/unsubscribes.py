"""Jobs that block and unblock values of the do-not-contact list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from lemlist_async.bulk.jobs.job import Job, Outcome, Payload, done, failed
from lemlist_async.bulk.source.cells import checked_email, single, value_key
from lemlist_async.bulk.source.column_names import FIELDS
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.core.ambiguity import is_absence
from lemlist_async.errors import AlreadyGoneError, BadRequestError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_NAMES = (
    "value", "variable", *FIELDS["email"], "domain", "linkedin_url", *FIELDS["linkedin_url"], *FIELDS["phone"],
)  # fmt: skip
_KNOWN = re.compile(r"\+?[\d\s().\-/]{6,}|(?:[\w-]+\.)+[\w-]{2,}")
"""A phone number, or a domain without the ``@`` in front."""
_LONGEST = 1_000
"""Most characters of a value; lemlist documents no limit, and no address or page is longer."""


class _Values(Job):
    """Rows of one value each: an address, ``@domain``, LinkedIn page or phone number."""

    __slots__ = ()
    takes_texts: ClassVar[bool] = True

    def options(self) -> dict[str, Any]:
        """Return no options."""
        return {}

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Take the column ``value``, one that is named for what it holds, or the only one."""
        value = single(values, *_NAMES)
        if len(value) > _LONGEST or not value.isprintable():
            raise RowRefusedError("longer than any address, or with characters that cannot be seen")
        if "@" in value[1:] and "/" not in value:
            value = checked_email(value)
        elif not (value.startswith("@") or "linkedin.com/" in value.lower() or _KNOWN.fullmatch(value)):
            raise RowRefusedError(f"{value[:60]!r} is no address, domain, LinkedIn page or phone number")
        return {"value": value}

    def key(self, payload: Payload) -> str:
        """Return one spelling of the value."""
        return value_key(payload["value"])


@attrs.frozen
class BlockValues(_Values):
    """Block each row's value: 10,000 per call. A value that is blocked already counts as done."""

    kind = "unsubscribes.add"
    batch = 10_000

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Block all values."""
        await lemlist.unsubscribes.add_many([payload["value"] for payload in payloads])
        return [done("blocked")] * len(payloads)


@attrs.frozen
class UnblockValues(_Values):
    """Unblock each row's value: one call per row. A value that is not blocked counts as done.

    A value that the person or an abuse report blocked is protected, and fails.
    """

    kind = "unsubscribes.remove"

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Unblock the value."""
        try:
            await lemlist.unsubscribes.remove(payloads[0]["value"])
        except AlreadyGoneError:
            pass  # presumably by the first attempt of this very call
        except ConflictError as protected:
            return [failed(str(protected), "protected")]
        except (BadRequestError, NotFoundError) as error:
            if not is_absence(error):
                raise
            return [done("unblocked") if again else done("absent", reason="it was not blocked")]
        return [done("unblocked")]
