"""The least HTTP server there can be, in a process of its own, so that only the clients are measured."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

CAMPAIGN = {
    "_id": "cam_1",
    "name": "Spring",
    "status": "running",
    "createdAt": "2026-02-20T14:45:54.230Z",
    "labels": [],
    "creator": {"userId": "usr_1", "userEmail": "a@example.com"},
    "timezone": "Europe/Paris",
    "createdBy": "usr_1",
    "teamId": "tea_1",
    "hasError": False,
    "errors": [],
}
PAGE = [{**CAMPAIGN, "_id": f"cam_{n}"} for n in range(100)]
LEAD = {
    "_id": "lea_1",
    "isPaused": False,
    "campaignId": "cam_1",
    "contactId": "ctc_1",
    "emailStatus": "deliverable",
    "campaignName": "Spring",
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "companyDomain": "example.com",
    "jobTitle": "Mathematician",
    "linkedinUrl": "https://www.linkedin.com/in/ada",
    "phone": "+44 20 7946 0000",
    "icebreaker": "You wrote the first program that was ever published, and nobody could run it.",
    "timezone": "Europe/London",
    "createdAt": "2026-02-20T14:45:54.230Z",
    "createdBy": "usr_1",
    "state": "reviewed",
    "tags": ["Spring", "Mathematics"],
    "city": "London",
    "country": "United Kingdom",
    "score": 42,
}
"""As long as a real one, and under as many headers."""


HEADERS = {
    "Date": "Fri, 20 Feb 2026 14:45:54 GMT",
    "Content-Type": "application/json; charset=utf-8",
    "Connection": "keep-alive",
    "X-RateLimit-Limit": 20,
    "X-RateLimit-Remaining": 19,
    "X-RateLimit-Reset": "Fri Feb 20 2026 14:45:56 GMT+0000 (Coordinated Universal Time)",
    "Vary": "Accept-Encoding",
    "ETag": 'W/"285-2bUjS5mZcT0Ww"',
    "Access-Control-Allow-Origin": "*",
}


def _answer(body: object) -> bytes:
    content = orjson.dumps(body)
    head = "".join(
        f"{name}: {value}\r\n" for name, value in {**HEADERS, "Content-Length": len(content)}.items()
    )
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + content


class Answer(asyncio.Protocol):
    """One connection: an answer for each request, by its path."""

    campaign, lead = _answer(CAMPAIGN), _answer(LEAD)
    page = _answer({"campaigns": PAGE, "pagination": {"nextPage": None}})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        length = next(
            (int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")),
            0,
        )
        if len(rest) < length:
            return
        self.data = rest[length:]
        target = head.split(b" ", 2)[1]
        if b"limit=100" in target:
            self.transport.write(self.page)
        else:
            self.transport.write(self.lead if b"/leads" in target else self.campaign)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(*program: str) -> Iterator[str]:
    """The address of this server, or that of another program which prints its port, for as long as the block lasts."""
    command = [sys.executable, *(program or (__file__,))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/api"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
