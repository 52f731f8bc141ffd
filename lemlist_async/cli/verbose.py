"""Lines about waits, for `--verbose`; the library itself logs retries."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lemlist_async.cli.wording import duration

if TYPE_CHECKING:
    from lemlist_async import Lemlist
    from lemlist_async.observe import SlotGranted

_logger = logging.getLogger("lemlist_async.cli")
_LONG = 5.0
"""Seconds in the queue from which on a wait is told; shorter ones are the pace of any batch."""


def tell_waits(lemlist: Lemlist) -> None:
    """Log long waits for the quota, and all after a 429, if the user wants to see them."""
    if not _logger.isEnabledFor(logging.INFO):
        return
    from lemlist_async.observe import SlotGranted

    lemlist.on(SlotGranted, _tell)


def _tell(event: SlotGranted) -> None:
    if event.reason == "pause" or event.waited >= _LONG:
        why = "a 429 had paused the key" if event.reason == "pause" else "the quota was used"
        _logger.info("%s waited %s, since %s", event.operation, duration(event.waited), why)
