"""The least HTTP server there can be, in a process of its own, so that only the clients are measured."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

SMALL = {
    "_id": "cam_1",
    "name": "Spring",
    "status": "running",
    "createdAt": "2026-02-20T14:45:54.230Z",
    "labels": [],
}
PAGE = [
    {
        **SMALL,
        "_id": f"cam_{n}",
        "creator": {"userId": "usr_1", "userEmail": "a@example.com"},
        "timezone": "Europe/Paris",
        "createdBy": "usr_1",
        "teamId": "tea_1",
        "hasError": False,
        "errors": [],
    }
    for n in range(100)
]


def _answer(body: object) -> bytes:
    content = orjson.dumps(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return (
        f"{head}X-RateLimit-Limit: 20\r\nX-RateLimit-Remaining: 19\r\nConnection: keep-alive\r\n\r\n".encode()
        + content
    )


class Answer(asyncio.Protocol):
    """One connection: an answer for each request, by whether its path ends in a list."""

    small, page = _answer(SMALL), _answer({"campaigns": PAGE, "pagination": {"nextPage": None}})

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
        self.transport.write(self.page if b"limit=100" in head.split(b"\r\n")[0] else self.small)


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
