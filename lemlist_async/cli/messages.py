"""Messages of the library in the words of the command line: options and variables instead of parameters."""

from __future__ import annotations

import re

WORDS: tuple[tuple[str, str], ...] = (
    (r"give Lemlist\(api_key=…\), or set LEMLIST_API_KEY", "set LEMLIST_API_KEY"),
    (r"max_credits = (\d+)", r"--max-credits \1"),
    (r"force '(\w+)' goes on", r"--force \1 goes on"),
    (r"^force takes", "--force takes"),
    (r"^find takes", "--find takes"),
    (r"take another journal", "give another --journal"),
    (r"give the rows again, with the same journal", "give the file again, with --journal and the same path"),
    (r"name it 'email', or say which column it is", "name it 'email', or give --map COLUMN=email"),
    (r"say which one is 'email'", "give --map COLUMN=email for one of them"),
    (r"name its encoding", "give its --encoding"),
    (r"name the encoding, ", "give --encoding "),
    (r"or read the file without a header", "or give --no-header"),
    (r"^base_url", "LEMLIST_BASE_URL"),
    (r", or allow_insecure=True if the network is yours", ""),
    (r"^proxy\b", "LEMLIST_PROXY"),
    (r"; for SOCKS give a session= whose connector does, such as aiohttp-socks has", ""),
    (r"give a cursor, or since for the first time", "give --since for the first time"),
    (r"\S*lemlist-async-\w+[/\\]standard-input\.\w+", "standard input"),
    (r"^a delimiter is", "--delimiter is"),
)
"""Patterns in messages of the library, and what a person at a terminal can do instead."""


def spoken(message: str) -> str:
    """Return a message of the library as the command line says it."""
    for pattern, words in WORDS:
        message = re.sub(pattern, words, message)
    return message
