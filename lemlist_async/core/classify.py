"""Classification of responses: the error that a refusal, or a success with the wrong body, means."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from lemlist_async import errors
from lemlist_async.core import json
from lemlist_async.core.headers import RateInfo, read_rate
from lemlist_async.core.wire import Call, Effect, Response, is_object

_KEPT_HEADERS = (
    "Content-Type",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "CF-Ray",
)
BODY_READ = 64 * 1024
"""Bytes of a body that are searched for the key before an error keeps the beginning.

Enough for a clean beginning, unless a response consists of little else than the key.
"""

# The message is checked before the status: lemlist moves the same refusal from one status to another ("Lead already
# in other campaign" was a 500 in August 2026 and a 409 in September). Sentences and codes say the same in two
# spellings, so both are searched as words: LEAD_ALREADY_LAUNCHED reads "LEAD ALREADY LAUNCHED".
_Table = tuple[tuple[re.Pattern[str], type[errors.APIStatusError]], ...]


def _table(*rows: tuple[str, type[errors.APIStatusError]]) -> _Table:
    return tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in rows)


_BY_MESSAGE: _Table = _table(
    (r"\blead already in\b", errors.LeadAlreadyExistsError),
    (r"\blead in graveyard\b", errors.LeadInGraveyardError),
    (r"\bcampaigns? (?:that )?(?:is|are) (?:already|not) running\b", errors.AlreadyDoneError),
    (r"\balready been selected\b|\balready launched\b", errors.AlreadyDoneError),
    (r"\balready (?:being )?enriched\b", errors.AlreadyExistsError),
    (r"\bno api key provided\b", errors.AuthenticationError),
    (r"\bauthentication you supplied is incorrect\b", errors.AuthenticationError),
    (r"\bno user found for this api key\b", errors.AuthenticationError),
    (r"\buser linked to this api key is blocked\b", errors.UserBlockedError),
    (r"^bad team\b", errors.BadTeamError),
    (r"^bad params\b", errors.BadParamsError),
    (r"\broute is available starting\b|\binsufficient credits\b", errors.PaymentRequiredError),
    (r"\b(?:upgrade|higher) (?:your |the )?plan\b", errors.PaymentRequiredError),
    (r"\bendpoint (?:is )?not available\b|\broute unauthorized\b", errors.PermissionDeniedError),
)
_TO_A_REPEAT: _Table = (*_BY_MESSAGE, *_table((r"\balready exists?\b", errors.AlreadyExistsError)))
"""Table for operations whose repeat lemlist refuses; for a change, the same words mean that a name is taken."""
_NOT_THE_KEY = re.compile(
    r"\b(?:routes?|endpoints?|plans?|scopes?|permissions?|features?|beta|forbidden|not allowed)\b",
    re.IGNORECASE,
)
"""Words in a 401 that is not about the key."""
_STATUS_TEXT = {
    400: "Bad request",
    401: "The API key is missing or wrong",
    402: "Not in this plan, or not enough credits",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    429: "Rate limit exceeded",
}
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Control characters, which a terminal that shows a log would obey."""
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[a-z!?/]", re.IGNORECASE)
_JSON = frozenset({b"{", b"["})
"""First bytes of most responses, which need no search for markup."""
_UNPACKED = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})
"""Encodings that aiohttp decompresses, or raises for."""
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_PLACE = re.compile(r"\{(\w+)\}")
_WORDS = re.compile(r"[A-Z]?[a-z]+")
_ID = re.compile(r"[a-z]{3}_\w{1,40}")


def refusal(call: Call[Any], response: Response) -> errors.APIStatusError:
    """Return the error that a response with a status of 300 or above means."""
    message, code = _redirect(response) if 300 <= response.status < 400 else read_message(response)
    rate = read_rate(response.headers)
    error = _kind(call, response, message, code, rate)(
        message or _STATUS_TEXT.get(response.status, f"Status {response.status}"),
        status=response.status,
        code=code,
        body=response.text(BODY_READ),
        headers={name: value for name in _KEPT_HEADERS if (value := response.headers.get(name)) is not None},
        retry_after=rate.retry_after,
        operation=call.operation,
    )
    if isinstance(error, errors.AmbiguousError):
        error.verify = call.verify
    if isinstance(error, errors.BadTeamError | errors.NotFoundError) and (record := _record(call)):
        error.add_note(f"{record} is not in the team of this key, or there is none")
    return error


def _record(call: Call[Any]) -> str | None:
    """Return the only record that a path names, if by an id of lemlist's own: anything else may be personal data."""
    if len(call.ids) != 1 or not _ID.fullmatch(call.ids[0]):
        return None
    [place] = _PLACE.findall(call.path)
    return f"{' '.join(_WORDS.findall(place.removesuffix('Id'))).lower()} {call.ids[0]}"


def is_html(response: Response) -> bool:
    """Return whether a response is an HTML page: a gateway's, or the web app's shell for an unknown path.

    The body decides, not its type: Node's frameworks label a bare sentence as HTML.
    """
    return response.body[:1] not in _JSON and _MARKUP.match(response.body[:200]) is not None


def announces_html(response: Response) -> bool:
    """Return whether the headers announce an HTML page."""
    return response.content_type in _HTML_TYPES


def left_packed(response: Response) -> str:
    """Return the encoding in which a body is still compressed because aiohttp does not know it; "" for none."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return "" if encoding in _UNPACKED else encoding


def by_limiter(response: Response) -> bool:
    """Return whether a 429 comes from lemlist's own limiter and not from the edge, judging by its headers."""
    return "X-RateLimit-Limit" in response.headers or not announces_html(response)


def is_plan_limit(call: Call[Any], rate: RateInfo) -> bool:
    """Return whether a 429 is a limit of the plan: one is documented, and the rate headers disagree."""
    return call.plan_limited and (rate.retry_after is None or (rate.remaining or 0) > 0)


def read_message(response: Response) -> tuple[str, str | None]:
    """Return lemlist's sentence and code from any of the nine forms of its errors."""
    if is_html(response):
        return _one_line(
            _STATUS_TEXT.get(response.status, "an HTML page")
        ) + " (an HTML page, not lemlist's API)", None
    try:
        said = json.read(response.body)
    except ValueError:
        return _one_line(response.text(BODY_READ)), None
    return _from_json(said)


def _from_json(said: Any) -> tuple[str, str | None]:
    if isinstance(said, str):
        return _one_line(said), None
    if not is_object(said):
        return "", None
    error, message, code = said.get("error"), said.get("message"), said.get("code")
    if is_object(error):  # {"success": false, "error": {"code", "message"}}
        message, code, error = error.get("message"), error.get("code"), None
    if isinstance(error, str) and code is None and (_CODE.fullmatch(error) or isinstance(message, str)):
        # the code sits in `error` when a sentence stands beside it, or when it is spelled like one
        code = error
    sentence = next((text for text in (message, error, code) if isinstance(text, str) and text), "")
    return _one_line(sentence), _one_line(code) if isinstance(code, str) else None


def _kind(
    call: Call[Any], response: Response, message: str, code: str | None, rate: RateInfo
) -> type[errors.APIStatusError]:
    status = response.status
    if status == 429:  # before the message: a limiter may recommend a larger plan
        return errors.PlanLimitError if is_plan_limit(call, rate) else errors.RateLimitError
    if (kind := _by_message(call, said := _as_words(message, code))) is not None:
        return kind
    if status >= 500:
        return errors.ServerError if call.effect.repeatable else errors.AmbiguousServerError
    if 300 <= status < 400:
        return errors.RedirectError
    if status == 401 and _NOT_THE_KEY.search(said):
        return errors.PermissionDeniedError
    if status == 409 and call.effect is Effect.DEDUPABLE:  # some operations say so without a word
        return errors.AlreadyExistsError
    return errors.BY_STATUS.get(status, errors.UnexpectedStatusError)


def _as_words(message: str, code: str | None) -> str:
    return f"{message[: errors.LINE_KEPT]} {code or ''}".replace("_", " ")


def _by_message(call: Call[Any], said: str) -> type[errors.APIStatusError] | None:
    table = _TO_A_REPEAT if call.effect is Effect.DEDUPABLE else _BY_MESSAGE
    return next((kind for pattern, kind in table if pattern.search(said)), None)


def refusal_inside(call: Call[Any], response: Response, found: Any) -> errors.APIStatusError | None:
    """Return the refusal inside a 2xx, if any: ``{"ok": false, "message": …}`` or ``{"success": false, …}``."""
    if not is_object(found) or (found.get("ok") is not False and found.get("success") is not False):
        return None
    message, code = _from_json(found)
    if not message:  # `deleted: false` or a failed test of a mailbox is a result, not a refusal
        return None
    kind = _by_message(call, _as_words(message, code)) or errors.UnexpectedStatusError
    return kind(
        message, status=response.status, code=code, body=response.text(BODY_READ), operation=call.operation
    )


def unlike_the_api(call: Call[Any], response: Response) -> errors.DecodeError:
    """Return the error for a page with a 2xx, or for a sentence labelled as HTML in place of a file."""
    page = (
        "an HTML page instead of an API response: does the path exist? (lemlist sends it for unknown paths)"
    )
    return errors.DecodeError(
        page if is_html(response) else "a sentence that is labelled as HTML instead of a file",
        status=response.status,
        body=response.text(BODY_READ),
        operation=call.operation,
    )


def unreadable(call: Call[Any], response: Response, encoding: str) -> errors.DecodeError:
    """Return the error for a success in an encoding that was not requested."""
    return errors.DecodeError(
        f"the response is compressed as {encoding[:40]!r}, which was not asked for and cannot be decompressed",
        status=response.status,
        operation=call.operation,
    )


def without_id(call: Call[Any], response: Response) -> errors.MissingIdError:
    """Return the error for a successful creation whose response has no id."""
    hint = f"; {call.verify}" if call.verify else ""
    found = errors.MissingIdError(
        f"lemlist reported success (status {response.status}), without the id of what it made; not sent again{hint}",
        status=response.status,
        body=response.text(BODY_READ),
        operation=call.operation,
    )
    found.verify = call.verify
    return found


def _redirect(response: Response) -> tuple[str, None]:
    # the rest of a Location may hold personal data
    try:
        host = urlsplit(response.headers.get("Location", "")).hostname or "an unnamed place"
    except ValueError:
        host = "a place that is no URL"
    return f"redirected to {host}, which is not followed", None


def _one_line(text: str) -> str:
    """Return text on one line, not cut to its final length yet: the key can only be removed while it is whole."""
    return _CONTROL.sub("", " ".join(text[:BODY_READ].split()))
