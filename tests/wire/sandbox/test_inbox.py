"""Conversations, messages, labels and drafts of the sandbox."""

from typing import Any

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api


@pytest.fixture
def contact(team: Team) -> dict[str, Any]:
    return team.add_contact("ann@b.example", firstName="Ann")


@pytest.fixture
def email(team: Team, contact: dict[str, Any]) -> dict[str, Any]:
    """A message that is right."""
    user = team.users[team.user_id]
    sender = {
        "sendUserId": user["_id"],
        "sendUserEmail": user["email"],
        "sendUserMailboxId": user["mailboxes"][0]["_id"],
    }
    return {**sender, "contactId": contact["_id"], "subject": "Hello", "message": "<p>Hi</p>"}


async def test_conversations_are_listed_for_a_member_the_latest_first(api: Api, team: Team) -> None:
    for number in range(12):
        row = team.add_message(team.add_contact(f"p{number}@b.example"), "email", "emailsSent", "Hi")
        team.conversations.with_contact(row["contactId"])["lastActivityAt"] = (
            f"2026-01-{number + 1:02}T00:00:00.000Z"
        )
    first = await api.ok(f"GET /inbox?userId={team.user_id}")
    last = await api.ok(f"GET /inbox?userId={team.user_id}&page=2&limit=10")
    assert first["data"][0]["contact"]["email"] == "p11@b.example"
    assert (first["pagination"]["nextPage"], first["pagination"]["previousPage"]) == (2, None)
    assert (len(last["data"]), last["pagination"]["nextPage"], last["pagination"]["totalItems"]) == (
        2,
        None,
        12,
    )
    assert await api("GET /inbox") == (400, "User ID is required")
    assert await api("GET /inbox?userId=usr_other") == (400, "User not in team")


async def test_messages_of_a_contact_are_skipped_through(
    api: Api, team: Team, contact: dict[str, Any]
) -> None:
    ids = [
        team.add_message(contact, "email", "emailsReplied", f"Number {number}")["_id"] for number in range(3)
    ]
    team.add_activity("emailsOpened", contactId=contact["_id"])
    body = await api.ok(f"GET /inbox/{contact['_id']}?skip=1&limit=5")
    assert [row["_id"] for row in body["data"]] == ids[1::-1]
    assert body["pagination"]["totalItems"] == 3
    assert await api("GET /inbox/ctc_none") == (400, "Invalid contactId")
    assert await api(f"GET /inbox/{contact['_id']}?userId=usr_x") == (400, "User not in team")
    assert await api(f"GET /inbox/{contact['_id']}?userId=x") == (400, "Invalid userId")


async def test_reading_marks_as_read_only_when_asked(api: Api, team: Team, contact: dict[str, Any]) -> None:
    team.add_message(contact, "email", "emailsReplied", "Yes")
    conversation = team.conversations.with_contact(contact["_id"])
    path = f"GET /inbox/{contact['_id']}?userId={team.user_id}"
    await api.ok(path)
    assert conversation["users"][0]["read"] is False
    assert (conversation["haveReplies"], conversation["lastRepliedChannel"]) == (True, "email")
    await api.ok(f"{path}&markAsRead=true")
    assert conversation["users"][0]["read"] is True
    refusal = "User ID is required to mark as read"
    assert await api(f"GET /inbox/{contact['_id']}?markAsRead=true") == (400, refusal)


async def test_sent_messages_are_recorded_and_go_nowhere(
    api: Api, team: Team, contact: dict[str, Any], email: dict[str, Any]
) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    assert await api.ok("POST /inbox/email", json=email) == {"ok": True, "contactId": contact["_id"]}
    ids = {"sendUserId": team.user_id, "leadId": lead["_id"], "contactId": contact["_id"], "message": "Hi"}
    assert await api.ok("POST /inbox/linkedin", json=ids) == {"ok": True}
    assert await api.ok("POST /inbox/whatsapp", json=ids | {"sendUserWhatsappAccountId": "wha_1"}) == ""
    assert [row["channel"] for row in team.sent] == ["email", "linkedin", "whatsapp"]
    messages = (await api.ok(f"GET /inbox/{contact['_id']}"))["data"]
    assert [row["type"] for row in messages] == ["whatsappMessageSent", "linkedinSent", "emailsSent"]
    assert (messages[2]["subject"], messages[1]["campaignId"]) == ("Hello", None)
    assert await api.ok(f"GET /activities?leadId={lead['_id']}") == []
    assert lead["state"] == "scanned"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"sendUserId": "usr_x"}, "Invalid sendUserId"),
        ({"sendUserId": None}, "Invalid sendUserId"),
        ({"sendUserEmail": "x@b.example"}, "Invalid sendUserEmail"),
        ({"sendUserMailboxId": "usm_x"}, "Invalid sendUserMailboxId"),
        ({"contactId": None}, "contactId or leadId is required"),
        ({"contactId": "ctc_x"}, "Invalid contactId"),
        ({"leadId": "x"}, "Invalid leadId"),
        ({"leadId": "lea_x"}, "Lead not found"),
        ({"message": ""}, "Bad request"),
    ],
)
async def test_a_wrong_message_is_not_sent(
    api: Api, team: Team, email: dict[str, Any], change: dict[str, Any], refusal: str
) -> None:
    assert await api("POST /inbox/email", json=email | change) == (400, refusal)
    assert not team.sent


async def test_labels_are_made_once_and_attached(api: Api, team: Team, contact: dict[str, Any]) -> None:
    first, second = [await api.ok("POST /inbox/labels", json={"labelName": name}) for name in ("Hot", "Cold")]
    assert "createdBy" not in first
    assert await api("POST /inbox/labels", json={"labelName": "Hot"}) == (
        409,
        "Label with this name already exists",
    )
    assert await api("POST /inbox/labels", json={}) == (400, "labelName is required")
    assert (await api.ok(f"GET /inbox/labels/{first['_id']}"))["createdBy"] == "robin@sandbox.example"
    assert [row["name"] for row in await api.ok("GET /inbox/labels")] == ["Hot", "Cold"]
    assert await api("GET /inbox/labels/lbl_0123456789abcdefg") == (404, "Label not found")
    path = f"/inbox/conversations/labels/{contact['_id']}"
    assert await api(f"POST {path}", json={"labelIds": [], "appendLabels": True}) == (404, "Inbox not found")
    team.add_message(contact, "email", "emailsSent", "Hi")
    labels = team.conversations.with_contact(contact["_id"])
    await api.ok(f"POST {path}", json={"labelIds": [first["_id"]], "appendLabels": False})
    await api.ok(f"POST {path}", json={"labelIds": [first["_id"], second["_id"]], "appendLabels": True})
    assert labels["labelIds"] == [first["_id"], second["_id"]]
    assert await api.ok(f"DELETE {path}", json={"labelIds": [first["_id"]]}) == {"ok": True}
    assert labels["labelIds"] == [second["_id"]]
    await api.ok(f"POST {path}", json={"labelIds": [first["_id"]], "appendLabels": False})
    assert labels["labelIds"] == [first["_id"]]
    unknown = {"labelIds": ["lbl_x"], "appendLabels": True}
    assert await api(f"POST {path}", json=unknown) == (404, "Label not found")
    assert (await api(f"POST {path}", json={"labelIds": [first["_id"]]}))[0] == 400
    assert (await api(f"DELETE {path}", json={}))[0] == 400


async def test_drafts_are_kept_for_one_member(api: Api, team: Team, contact: dict[str, Any]) -> None:
    owner, other = team.users
    path = f"/inbox/{contact['_id']}/drafts"
    body = {"channel": "email", "subject": "Hello", "content": f"<p>{'long ' * 40}</p>"}
    status, made = await api(f"POST {path}?draftOwner={owner}", json=body)
    assert status == 201
    draft = (await api.ok(f"GET {path}?draftOwner=robin@sandbox.example"))["drafts"][0]
    assert draft["_id"] == made["draftId"]
    assert draft["contentPreview"].endswith("...")
    assert "<" not in draft["contentPreview"]
    assert await api.ok(f"GET {path}?draftOwner={other}") == {"drafts": []}
    one = f"{path}/{made['draftId']}"
    changed = await api.ok(f"PATCH {one}?draftOwner={owner}", json={"content": "Short"})
    assert (changed["draft"]["content"], changed["draft"]["subject"]) == ("Short", "Hello")
    assert await api.ok(f"GET {one}?draftOwner={owner}") == changed
    assert await api(f"GET {one}?draftOwner={other}") == (404, "Draft not found")
    assert await api.ok(f"DELETE {one}?draftOwner={owner}") == {"success": True}
    assert await api(f"DELETE {one}?draftOwner={owner}") == (404, "Draft not found")
    assert len(team.drafts) == 1


async def test_drafts_are_refused_in_the_documented_words(
    api: Api, team: Team, contact: dict[str, Any]
) -> None:
    path = f"POST /inbox/{contact['_id']}/drafts"
    right = {"channel": "sms", "content": "Hi"}
    assert await api(path, json=right) == (400, "Missing draftOwner")
    nobody = "User not found: neither a valid email nor a valid user id for this team"
    assert await api(f"{path}?draftOwner=usr_x", json=right) == (400, nobody)
    owned = f"{path}?draftOwner={team.user_id}"
    assert await api(owned, json=right | {"channel": "fax"}) == (400, "Invalid channel")
    assert await api(owned, json=right | {"content": " "}) == (400, "Content must not be empty")
    assert await api(owned, json=right | {"content": "x" * 30_721}) == (400, "Content too large")
    statuses = [(await api(owned, json=right))[0] for _ in range(11)]
    assert statuses == [201] * 10 + [400]
