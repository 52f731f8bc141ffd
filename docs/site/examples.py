"""The shortest call of each operation that this library sends, found by trying."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import attrs

from docs.site.types import is_required
from lemlist_async import Pages
from lemlist_async.core.wire import Call
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources._csv import CsvFile
from tests.contract.recording import RecordedError, Recorder
from tests.contract.samples import value_of as sample_of  # the values that the contract test sends

_NAMED: dict[str, Any] = {
    "campaign_id": "cam_1", "contact_id": "ctc_1", "user_id": "usr_1", "task_id": "opp_1", "schedule_id": "skd_1",
    "list_id": "clt_1", "hook_id": "hoo_1", "step_id": "stp_1", "sequence_id": "seq_1", "email_account_id": "umx_1",
    "user_mailbox_id": "umx_1", "owner": "usr_1", "scope": "team",
    "email": "ada@example.com", "value": "ada@example.com", "id_or_email": "ada@example.com",
    "lead_id_or_email": "ada@example.com", "contact": "ada@example.com", "name": "Spring", "first_name": "Ada",
    "target_url": "https://example.com/hook", "url": "https://example.com/hook", "variables": {"city": "London"},
    "message": "Hello Ada", "content": "Hello Ada", "text": "Hello Ada", "note": "Met in May", "title": "Call Ada",
    "subject": "Hello", "domain": "example.com", "timezone": "Europe/London", "start": "09:00", "end": "17:00",
    "weekdays": [1, 2, 3, 4, 5], "seconds_to_wait": 1200, "filename": "hello.m4a", "company_domain": "example.com",
    "imap_host": "imap.example.com", "smtp_host": "smtp.example.com", "sender_email": "ada@example.com",
    "sender_name": "Ada", "imap_login": "ada", "smtp_login": "ada", "imap_password": "…", "smtp_password": "…",
}  # fmt: skip
"""Values that say more than those of the contract test."""
_WRITTEN = {
    "leads.create": 'lemlist.leads.create("cam_1", email="ada@example.com", first_name="Ada")',
    "leads.upload_audio": (
        'lemlist.leads.upload_audio("lea_1", "stp_1", Path("hello.m4a").read_bytes(), filename="hello.m4a")'
    ),
    "leads.clear_variables": 'lemlist.leads.clear_variables("lea_1", ["city"])',
    "contacts.upsert": 'lemlist.contacts.upsert(email="ada@example.com", first_name="Ada")',
    "contacts.look_up": 'lemlist.contacts.look_up(["ada@example.com"])',
    "companies.upsert": 'lemlist.companies.upsert(domain="example.com", name="Analytical Engines")',
    "campaigns.get_stats": (
        'lemlist.campaigns.get_stats("cam_1", start_date=date(2026, 3, 1), end_date=date(2026, 3, 31))'
    ),
    "campaigns.list_stats_batch": (
        'lemlist.campaigns.list_stats_batch(campaign_ids=["cam_1"], start_date=date(2026, 3, 1), '
        "end_date=date(2026, 3, 31))"
    ),
    "database.search_people": (
        'lemlist.database.search_people(filters=[{"filter_id": "country", "include": ["France"], "exclude": []}])'
    ),
    "database.search_companies": (
        'lemlist.database.search_companies(filters=[{"filter_id": "country", "include": ["France"], "exclude": []}])'
    ),
    "enrichments.start": 'lemlist.enrichments.start(linkedin_url="https://www.linkedin.com/in/ada", find_email=True)',
    "enrichments.start_many": (
        'lemlist.enrichments.start_many([{"input": {"first_name": "Ada", "last_name": "Lovelace", '
        '"company_domain": "example.com"}, "enrichment_requests": ["find_email"]}])'
    ),
    "campaigns.list_reports": 'lemlist.campaigns.list_reports(["cam_1", "cam_2"])',
    "contacts.add_to_list": 'lemlist.contacts.add_to_list("clt_1", ["ctc_1", "ctc_2"])',
    "contacts.remove_from_list": 'lemlist.contacts.remove_from_list("clt_1", ["ctc_1"])',
    "companies.look_up": 'lemlist.companies.look_up(["cmp_1"])',
    "inbox.send_email": (
        'lemlist.inbox.send_email(contact_id="ctc_1", send_user_id="usr_1", send_user_email="me@example.com", '
        'send_user_mailbox_id="umx_1", subject="Hello", message="Hello Ada")'
    ),
    "inbox.set_labels": 'lemlist.inbox.set_labels("ctc_1", ["lab_1"])',
    "inbox.remove_labels": 'lemlist.inbox.remove_labels("ctc_1", ["lab_1"])',
    "tasks.create": (
        'lemlist.tasks.create(record_id="ctc_1", type="manual", assigned_to="usr_1", '
        "due_date=datetime(2026, 3, 4, 9, tzinfo=UTC))"
    ),
    "tasks.ignore": 'lemlist.tasks.ignore(["opp_1"])',
    "database.create_persona": (
        'lemlist.database.create_persona(name="Founders", mode="leads", '
        'filters=[{"filter_id": "country", "include": ["France"], "exclude": [], "exact_match": True}])'
    ),
    "signal_agents.push_signal": (
        'lemlist.signal_agents.push_signal("wat_1", contact={"linkedin_url": "https://www.linkedin.com/in/ada"})'
    ),
    "deliverability.create_alert": (
        'lemlist.deliverability.create_alert(widget="outreach", metric="bounceRate", severity="warning", '
        'scope="global", comparison_operator="above", threshold=5, period_days=7, period_mode="rolling")'
    ),
    "deliverability.update_alert": 'lemlist.deliverability.update_alert("ale_1", threshold=3)',
    "unsubscribes.add_many": 'lemlist.unsubscribes.add_many(["ada@example.com", "@example.com"])',
}
"""Calls that are clearer with more than the least."""


@attrs.frozen
class Example:
    """One call, as it is written and as it is sent."""

    source: str
    call: Call[Any]


async def shortest(name: str) -> Example | None:
    """Return the shortest call of a method, such as ``leads.create``, that is not refused before it is sent."""
    area, _, method = name.partition(".")
    client = Recorder("a-key", "http://localhost:1")
    if name in _WRITTEN:
        source = _WRITTEN[name]
        names = {"lemlist": client, "date": date, "datetime": datetime, "UTC": UTC, "Path": _Sound}
        call = await _tried(lambda: eval(source, names))  # noqa: S307  # our own words, from the table above
        return None if call is None else Example(source, call)
    bound = getattr(getattr(client, area), method)
    for args, keywords in _attempts(bound):
        call = await _tried(bound, args, keywords)
        if call is not None:
            shown = [*map(_shown, args), *(f"{key}={_shown(value)}" for key, value in keywords.items())]
            return Example(f"lemlist.{name}({', '.join(shown)})", call)
    return None


class _Sound:
    """Stands for the file of a written example."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read_bytes(self) -> bytes:
        """Return a sound that is long enough to be sent."""
        return b"sound"


async def _tried(
    bound: Any, args: tuple[Any, ...] = (), keywords: Mapping[str, Any] = MappingProxyType({})
) -> Call[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            made = bound(*args, **keywords)
            if isinstance(made, CsvFile):
                made.stream()
            elif inspect.iscoroutine(made) or isinstance(made, Pages):
                await made
        except RecordedError as recorded:
            return recorded.call
        except (InvalidInputError, TypeError):
            return None
    return None


def _attempts(bound: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield the arguments that are demanded, then those with one more, then with two."""
    demanded, args, further = {}, [], {}
    hints = get_type_hints(bound, include_extras=True)
    for parameter in inspect.signature(bound).parameters.values():
        hint = hints.get(parameter.name, str)
        if parameter.kind is parameter.VAR_KEYWORD:
            [spec] = get_args(hint)
            inner = get_type_hints(spec, include_extras=True)
            for key in inner:
                (demanded if is_required(spec, key) else further)[key] = _sample(key, inner[key])
        elif parameter.kind is parameter.VAR_POSITIONAL:
            args.append(_sample(parameter.name.removesuffix("s"), hint))
        elif parameter.default is not parameter.empty:
            further[parameter.name] = _sample(parameter.name, hint)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            demanded[parameter.name] = _sample(parameter.name, hint)
        else:
            args.append(_sample(parameter.name, hint))
    for size in range(4):
        for more in itertools.combinations(sorted(further, key=_likely), size):
            yield tuple(args), demanded | {key: further[key] for key in more}


def _likely(name: str) -> tuple[bool, str]:
    return name not in _NAMED, name


def _sample(name: str, hint: Any) -> Any:
    named = _NAMED.get(name)
    if named is None and name.endswith("_id") and "str" in str(hint):
        named = f"{name[:3]}_1"
    if named is not None and hint is bytes:
        named = b"sound"
    if named is not None and not is_typeddict(hint):
        return [named] if "Sequence" in str(get_origin(hint)) and not isinstance(named, list) else named
    try:
        return sample_of(hint)
    except (IndexError, TypeError):
        return "…"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return f"datetime({value.year}, {value.month}, {value.day}, tzinfo=UTC)"
    if isinstance(value, date):
        return f"date({value.year}, {value.month}, {value.day})"
    return repr(value).replace("'", '"')
