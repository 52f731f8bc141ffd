"""Activities as rows of one width: the same columns whatever the type of an event, and all of it as JSON."""

from __future__ import annotations

from lemlist_async.core.json import dumps
from lemlist_async.core.model import unstructure
from lemlist_async.resources.activities import Activity

Value = str | int | bool | None
COLUMNS: tuple[str, ...] = (
    "id", "type", "created_at", "is_first", "bot", "stopped", "campaign_id", "campaign_name", "lead_id", "lead_email",
    "lead_first_name", "lead_last_name", "lead_company_name", "contact_id", "company_id", "sequence_id",
    "sequence_step", "step_id", "user_id", "user_name", "send_user_id", "send_user_email", "subject", "note",
    "error_message",
)  # fmt: skip
"""Columns in front of ``data``. Later versions may append to them, and take none away."""


def row_of(activity: Activity) -> dict[str, Value]:
    """Return an activity as a row: times as ISO 8601 in UTC, and the whole event as JSON in ``data``."""
    values = {name: unstructure(getattr(activity, name)) for name in COLUMNS}
    return {**values, "data": dumps(activity.to_dict()).decode()}
