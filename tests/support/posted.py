"""Bodies as lemlist posts them, with invented values."""

import json
from typing import Any

SECRET = "canary-secret/of+hooks"
"""Secret that no log line, error or file may tell."""
PRIVATE = "canary-person@example.test"
"""Value in bodies that no log line and no error may tell."""

CORE = {
    "createdAt": "2026-01-02T03:04:05.000Z", "isFirst": True, "stopped": False, "bot": False, "teamId": "tea_1",
    "leadId": "lea_1", "campaignId": "cam_1", "campaignName": "Spring", "name": "Spring", "sequenceId": "seq_1",
    "sequenceStep": 0, "totalSequenceStep": 0, "sendUserId": "usr_1", "leadEmail": PRIVATE, "contactId": "ctc_1",
}  # fmt: skip


def event(number: int | str = 1, kind: str = "emailsReplied", **more: Any) -> dict[str, Any]:
    """Return the flat body of an activity, without a secret."""
    meta = {"teamId": "tea_1", "campaignId": "cam_1", "leadId": "lea_1", "type": kind}
    return {"_id": f"act_{number}", "type": kind, **CORE, "metaData": meta, "email": PRIVATE} | more


def posted(number: int | str = 1, kind: str = "emailsReplied", **more: Any) -> bytes:
    """Return the body of a post, with the secret unless `more` has another one."""
    return json.dumps(event(number, kind) | {"secret": SECRET} | more).encode()


def results(*ids: str, **more: Any) -> dict[str, Any]:
    """Return results of enrichments as lemlist posts them to a named address: no type, no secret."""
    found = {"find_email": {"email": PRIVATE, "status": "deliverable"}}
    return {"data": [{"id": one, "data": found, "metadata": "1"} for one in ids], **more}
