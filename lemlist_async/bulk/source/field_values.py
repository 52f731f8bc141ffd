"""Values of fields: what a cell becomes where its column may mean a field, or that it is no such value."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

Accept = Callable[[str], "str | None"]
"""Return the value that is sent, or None for a text that is none of this field's."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", re.IGNORECASE)
_NO_COMPANY = frozenset({
    "linkedin.com", "facebook.com", "twitter.com", "x.com", "instagram.com", "youtube.com", "xing.com", "github.com",
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "orange.fr", "free.fr", "wanadoo.fr",
    "libero.it",
})  # fmt: skip
"""Hosts of networks and of mail providers, which are the domain of no lead's company."""
_HONORIFICS = frozenset({
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "prof dr", "sir", "herr", "frau", "m", "mme", "mlle", "sr", "sra",
    "srta", "sig", "sigra", "dott", "dhr", "mevr", "hr", "fr",
})  # fmt: skip
_SUFFIXES = frozenset({"phd", "ph.d", "md", "jr", "sr", "mba", "esq", "ii", "iii"})
_NO_PERSON = re.compile(
    r"linkedin\.com/(?:sales|company|school|showcase|feed|groups?|jobs?)(?:/|$)", re.IGNORECASE
)
_PERSON = re.compile(r"linkedin\.com/(?:mwlite/)?(?:in|pub)/", re.IGNORECASE)
_ZONE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+|UTC|GMT")
_GUARDED_NUMBER = re.compile(r"^'+(?=[+\d(])")
_OWNER = re.compile(r"usr_\w+|[^@\s]+@[^@\s]+\.[^@\s]+")


def person_page(text: str) -> str | None:
    """Accept all but LinkedIn's pages of companies and of its Sales Navigator."""
    return None if _NO_PERSON.search(text) else text


def surely_person_page(text: str) -> str | None:
    """Accept a LinkedIn page of a person only: the name of the column does not say what it holds."""
    return text if _PERSON.search(text) else None


def company_domain(text: str) -> str | None:
    """Accept a domain or web address, and return its host without ``www.``; None for networks and mail providers."""
    try:
        host = (urlsplit(text if _SCHEME.match(text) else f"//{text}").hostname or "").rstrip(".")
    except ValueError:
        return None
    host = host.removeprefix("www.")
    if any(host == one or host.endswith(f".{one}") for one in _NO_COMPANY):
        return None
    if host.isascii() and not _HOST.fullmatch(host):
        return None
    return host if "." in host else None


def telephone(text: str) -> str:
    """Take off the apostrophe with which some tools protect a number from spreadsheets."""
    return _GUARDED_NUMBER.sub("", text)


def job_title(text: str) -> str | None:
    """Accept all but the title of a person, such as ``Mr`` and ``Dr.``."""
    return None if text.replace(".", " ").strip().casefold() in _HONORIFICS else text


def picture(text: str) -> str | None:
    """Accept a web address."""
    return text if text[:8].lower().startswith(("http://", "https://")) else None


def time_zone(text: str) -> str | None:
    """Accept the IANA name of a time zone."""
    return text if _ZONE.fullmatch(text) else None


def contact_owner(text: str) -> str | None:
    """Accept a user's id or address; other tools write the name of a colleague there."""
    return text if _OWNER.fullmatch(text) else None


def contact_id(text: str) -> str | None:
    """Accept an id of a contact of lemlist; other tools have ids of their own."""
    return text if text.startswith("ctc_") else None


ACCEPT: dict[str, Accept] = {
    "linkedin_url": person_page,
    "company_domain": company_domain,
    "phone": telephone,
    "job_title": job_title,
    "picture": picture,
    "timezone": time_zone,
    "contact_owner": contact_owner,
    "contact_id": contact_id,
}
"""By field; the values of other fields are taken as they are."""
BY_VALUE = frozenset({"url", "profileurl", "socialurl", "defaultprofileurl", "primarycontactprimaryurl"})
"""Names under which tools write any page: only the value tells whether it is a person's."""


def split_name(full: str) -> tuple[str, str]:
    """Return the first and the last name of a full one: ``Ann Mary Lee`` and ``Lee, Ann Mary`` are the same."""
    last, comma, first = full.partition(",")
    if comma and first.strip(" .").casefold() in _SUFFIXES:
        full, comma = last, ""
    if comma and first.strip() and last.strip():
        full = f"{first.strip()} {last.strip()}"
    words = full.split()
    while len(words) > 1 and job_title(words[0]) is None:  # Dr., Mr, Frau
        words = words[1:]
    return words[0] if words else "", " ".join(words[1:])
