"""E-mail addresses: one spelling for each person, or the reason why a text is not an address."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import idna

_LOCAL = r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+(?=[^\d])[^\W_](?:[\w-]{{0,61}}[^\W_])")
_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
"""Addresses that need no second look; most do not."""
_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
"""``Ann <ann@example.com>``, as mail programs copy it."""
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_SEPARATORS = re.compile(r"[\s,;]+")
_BETWEEN = re.compile(r"[,;]|:::")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that draw nothing (Unicode's Default_Ignorable_Code_Point), and the blank of Braille."""


class AddressError(ValueError):
    """A text that is not one e-mail address; the message is the reason."""


def read_address(text: str) -> str:
    """Return the address in a cell, in the spelling that is sent.

    ``Ann <ann@example.com>``, ``mailto:ann@example.com`` and blanks or invisible characters around an address are
    understood. Letters with accents are composed (NFC), so that both encodings of é are one.

    Raises:
        AddressError: the text holds no address, more than one, or an invisible character inside.
    """
    if len(text) <= 254 and _PLAIN.fullmatch(text):
        if text.index("@") <= 64:
            return text
        raise AddressError("more than 64 characters before the @")
    address = _bare(text)
    _check_visible(address)
    address = unicodedata.normalize("NFC", address)
    _check(address)
    return address


def first_address(text: str) -> str:
    """Return the first address of a cell that may hold several, between commas, semicolons, blanks or ``:::``.

    Raises:
        AddressError: the first one is not an address.
    """
    parts = [part for part in _BETWEEN.split(text) if "@" in part]
    if len(parts) == 1:  # blanks may be those of a name in front: Ann <ann@example.com>
        parts = [part for part in parts[0].split() if "@" in part]
    return read_address(parts[0] if len(parts) > 1 else text)


def address_key(address: str) -> str:
    """Return what is the same for all spellings of an address that `read_address` gave.

    Upper and lower case are one, and so are a domain in letters and in punycode.
    """
    local, _, domain = address.rpartition("@")
    return f"{local.casefold()}@{domain_key(domain)}"


def domain_key(domain: str) -> str:
    """Return the ASCII form of a domain, in lower case; a domain that has none stays as it is."""
    if not domain.isascii():
        try:
            return idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return domain.casefold()
    return domain.lower()


def is_invisible(character: str) -> bool:
    """Tell whether a character draws nothing or means nothing outside of one program."""
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or _IGNORABLE.match(character) is not None


def strip(text: str) -> str:
    """Return a text without blanks and invisible characters around it."""
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or is_invisible(text[start])):
        start += 1
    while end > start and (text[end - 1].isspace() or is_invisible(text[end - 1])):
        end -= 1
    return text[start:end]


def _bare(text: str) -> str:
    text = strip(text)
    if named := _NAMED.fullmatch(text):
        text = strip(named[1])
    if text[:7].lower() == "mailto:":
        text = strip(unquote(text[7:].partition("?")[0]))
    return text


def _check_visible(address: str) -> None:
    hidden = next((one for one in address if is_invisible(one)), None)
    if hidden is not None:
        name = unicodedata.name(hidden, "no letter")
        raise AddressError(f"an invisible character (U+{ord(hidden):04X}, {name}) stands inside; remove it")


def _check(address: str) -> None:
    """Lengths are those of RFC 5321: 64 before the @, 254 in all."""
    if len(address) > 254:
        raise AddressError("longer than 254 characters")
    local, at, domain = address.rpartition("@")
    if not at:
        raise AddressError("no @")
    if len([part for part in _SEPARATORS.split(address) if "@" in part]) > 1:
        raise AddressError("more than one address; give each a row of its own")
    if len(local) > 64:
        raise AddressError("more than 64 characters before the @")
    if "." not in domain:
        raise AddressError("no dot after the @")
    if local.startswith("'"):
        raise AddressError("an apostrophe in front, which spreadsheets put before a text; remove it")
    if _ESCAPE.search(local):
        raise AddressError("a character is written as % with two digits; write the character itself")
    if not _ADDRESS.fullmatch(address) or local.startswith(".") or local.endswith(".") or ".." in address:
        raise AddressError("not an address")
    if not domain.isascii():
        try:
            idna.encode(domain, uts46=True)
        except idna.IDNAError:
            raise AddressError("the part after the @ is not a domain name") from None
