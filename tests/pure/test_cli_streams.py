"""Output of the command: if it fails the job goes on, and incomplete output is reported as such."""

import errno
import io
import os

import pytest

from lemlist_async.cli.streams import SafeStream


class Broken(io.StringIO):
    """A stream whose second write fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error
        self._writes = 0

    def write(self, text: str) -> int:
        self._writes += 1
        if self._writes > 1:
            raise self._error
        return super().write(text)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), None),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (ValueError("I/O operation on closed file"), None),
    ],
)
def test_a_stream_that_fails_is_left_alone_and_only_lost_output_is_told(
    error: Exception, lost: str | None
) -> None:
    stream = SafeStream(Broken(error))
    for text in ("one", "two", "three"):
        assert stream.write(text) == len(text)
    stream.flush()
    assert stream.gone
    assert stream.lost == lost
    assert stream.getvalue() == "one"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_letters_that_an_encoding_lacks_are_escaped_for_people_and_utf8_for_programs(encoding: str) -> None:
    raw = io.BytesIO()
    stream = SafeStream(io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
    stream.write("Renée … 李\n")
    stream.write_bytes("李\n".encode())
    assert not stream.gone
    people, programs = raw.getvalue().splitlines()
    assert people == "Renée … 李".encode(encoding, "backslashreplace")
    assert programs.decode() == "李"


def test_a_pipe_without_a_reader_is_not_flushed_into_again_at_exit() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        stream = SafeStream(pipe)
        stream.write("a" * 100_000)
        stream.flush()
        assert stream.gone
    # closing flushed the rest into nothing, in place of raising
