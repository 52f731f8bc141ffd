"""Cost of decoding a page of JSON into models, beside plain orjson, cattrs, pydantic and msgspec.

    python benchmarks/decode.py [--rounds 25] [--kinds contacts …] [--sizes 100 1000] [--json FILE]

Every contender reads the same bytes in the same run, in rounds that take turns, and is compared with orjson's
dictionaries of the same round. Figures are the medians of the ratios.

This library decodes a field when it is looked at, so it has a row for each use: no field, three fields or every field
of every row read, and `to_dict` of every row. A class remembers which fields a program looks at, so each use has a
class of its own; one row is for a class of which every second page is read.
"""

from __future__ import annotations

import itertools
import operator
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
import cattrs
import msgspec
import orjson
import pydantic
from _tables import Cell, Table, parser_of, publish
from cattrs.gen import make_dict_structure_fn, override
from pydantic.alias_generators import to_camel

from lemlist_async.core.model import Model
from lemlist_async.core.names import camel, fields_of
from lemlist_async.pagination import Offset
from lemlist_async.resources._base import page_reader
from lemlist_async.resources.activities import Activity
from lemlist_async.resources.campaigns_models import Campaign, Creator
from lemlist_async.resources.contacts import Contact, ContactCampaign
from lemlist_async.resources.leads import Lead

Contender = Callable[[bytes], Any]
Read = Callable[[Any], Any]
Spec = dict[str, Any]

BASE = "orjson to dict"
OURS = "this library"
WARM_UP = 5
"""Pages read before the clock starts, after which a class knows the fields that are looked at."""

CONTACT: Spec = {
    "team_id": str, "full_name": str, "email": str, "fields": dict, "owner_id": str, "created_at": datetime,
    "created_by": str, "unsubscribed": bool,
}  # fmt: skip
CONTACT_CAMPAIGN: Spec = {"campaign_id": str, "campaign_state": str, "lead_state": str, "lead_id": str}
ACTIVITY: Spec = {
    "type": str, "user_id": str, "user_name": str, "bot": bool, "created_at": datetime, "lead_first_name": str,
    "lead_last_name": str, "lead_email": str, "lead_company_name": str, "lead_id": str, "contact_id": str,
    "campaign_id": str, "team_id": str, "campaign_name": str, "sequence_id": str, "sequence_step": int,
    "email_template_id": str, "meta_data": dict, "is_first": bool, "stopped": bool,
}  # fmt: skip
CAMPAIGN: Spec = {
    "name": str, "status": str, "emoji": str, "labels": list[str], "timezone": str, "created_at": datetime,
    "created_by": str, "sequence_id": str, "schedule_ids": list[str], "team_id": str, "has_error": bool,
}  # fmt: skip
CREATOR: Spec = {"user_id": str, "user_email": str}
LEAD: Spec = {
    "email": str, "first_name": str, "last_name": str, "company_name": str, "job_title": str, "phone": str,
    "linkedin_url": str, "timezone": str, "is_paused": bool, "contact_id": str, "campaign_id": str,
}  # fmt: skip


def contact(number: int) -> dict[str, Any]:
    """A contact, as lists show it."""
    return {
        "_id": f"ctc_{number:017d}",
        "teamId": "tea_00000000000000001",
        "fullName": f"Person {number}",
        "email": f"person{number}@example.com",
        "fields": {"firstName": "Person", "lastName": str(number), "jobTitle": "Engineer", "score": number},
        "campaigns": [
            {
                "campaignId": f"cam_{which:017d}",
                "campaignState": "running",
                "leadState": "review",
                "leadId": f"lea_{number:017d}",
            }
            for which in range(2)
        ],
        "ownerId": "usr_00000000000000001",
        "createdAt": "2026-03-04T05:06:07.089Z",
        "createdBy": "usr_00000000000000001",
        "unsubscribed": False,
        "newKey": "kept",
    }


def activity(number: int) -> dict[str, Any]:
    """An activity, with a few of a lead's variables beside it."""
    return {
        "_id": f"act_{number:017d}",
        "type": "emailsOpened",
        "userId": "usr_00000000000000001",
        "userName": "Ann Lee",
        "bot": False,
        "createdAt": "2026-03-04T05:06:07.089Z",
        "leadFirstName": "Bob",
        "leadLastName": str(number),
        "leadEmail": f"person{number}@example.com",
        "leadCompanyName": "Acme",
        "leadId": f"lea_{number:017d}",
        "contactId": f"ctc_{number:017d}",
        "campaignId": "cam_00000000000000001",
        "teamId": "tea_00000000000000001",
        "campaignName": "Autumn",
        "sequenceId": "seq_00000000000000001",
        "sequenceStep": 2,
        "emailTemplateId": "etp_00000000000000001",
        "metaData": {"teamId": "tea_00000000000000001", "type": "emailsOpened", "taskId": f"tsk_{number}"},
        "isFirst": True,
        "stopped": False,
        "industry": "Technology",
        "Favourite colour": "green",
    }


def campaign(number: int) -> dict[str, Any]:
    """A campaign, as lists show it."""
    return {
        "_id": f"cam_{number:017d}",
        "name": f"Campaign {number}",
        "status": "running",
        "emoji": "🚀",
        "labels": ["spring", "founders"],
        "timezone": "Europe/Paris",
        "createdAt": "2026-03-04T05:06:07.089Z",
        "createdBy": "usr_00000000000000001",
        "creator": {"userId": "usr_00000000000000001", "userEmail": "ann@example.com"},
        "sequenceId": f"seq_{number:017d}",
        "scheduleIds": ["skd_00000000000000001"],
        "teamId": "tea_00000000000000001",
        "hasError": False,
        "newKey": "kept",
    }


def lead(number: int) -> dict[str, Any]:
    """A lead, with two custom variables."""
    return {
        "_id": f"lea_{number:017d}",
        "email": f"person{number}@example.com",
        "firstName": "Bob",
        "lastName": str(number),
        "companyName": "Acme",
        "jobTitle": "Engineer",
        "phone": "+33 1 23 45 67 89",
        "linkedinUrl": f"https://www.linkedin.com/in/person{number}",
        "timezone": "Europe/Paris",
        "isPaused": False,
        "contactId": f"ctc_{number:017d}",
        "campaignId": "cam_00000000000000001",
        "Favourite colour": "green",
        "Team size": "7",
    }


@attrs.frozen
class Nested:
    """Field of a row that holds one model or a list of them."""

    name: str
    spec: Spec
    item: type[Model]
    many: bool


@attrs.frozen
class Kind:
    """One kind of row."""

    make: Callable[[int], dict[str, Any]]
    spec: Spec
    item: type[Model]
    three: tuple[str, str, str]
    """Fields that a program reads which reads three."""
    nested: Nested | None = None


KINDS = {
    "contacts": Kind(
        contact, CONTACT, Contact, ("id", "full_name", "email"),
        Nested("campaigns", CONTACT_CAMPAIGN, ContactCampaign, many=True),
    ),
    "activities": Kind(activity, ACTIVITY, Activity, ("id", "type", "lead_email")),
    "campaigns": Kind(
        campaign, CAMPAIGN, Campaign, ("id", "name", "status"), Nested("creator", CREATOR, Creator, many=False)
    ),
    "leads": Kind(lead, LEAD, Lead, ("id", "email", "first_name")),
}  # fmt: skip


def with_attrs(
    name: str, spec: Spec, converter: cattrs.Converter, nested: dict[str, Any] | None = None
) -> type:
    """An attrs class that cattrs structures, its keys renamed as on the wire."""
    fields = {
        key: attrs.field(type=kind | None, default=None) for key, kind in (spec | (nested or {})).items()
    }
    made = attrs.make_class(name, fields, slots=True, kw_only=True)
    renamed = {key: override(rename="_id" if key == "id" else camel(key)) for key in fields}
    converter.register_structure_hook(made, make_dict_structure_fn(made, converter, **renamed))
    return made


def by_cattrs(kind: Kind) -> Contender:
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    row = with_attrs(
        "Row",
        {"id": str, **kind.spec},
        converter,
        inside(kind, lambda spec: with_attrs("Inner", spec, converter)),
    )
    return lambda body: converter.structure(orjson.loads(body), list[row])


def inside(kind: Kind, make: Callable[[Spec], Any]) -> dict[str, Any]:
    """The nested field of a row, of a class that `make` makes."""
    if kind.nested is None:
        return {}
    inner = make(kind.nested.spec)
    return {kind.nested.name: list[inner] if kind.nested.many else inner}


def pydantic_row(kind: Kind) -> Any:
    config = pydantic.ConfigDict(alias_generator=to_camel, extra="allow")

    def create(spec: Spec, **more: Any) -> Any:
        names: dict[str, Any] = {key: (one | None, None) for key, one in spec.items()}
        return pydantic.create_model("Row", __config__=config, **names, **more)

    return create(kind.spec | inside(kind, create), id=(str, pydantic.Field(alias="_id")))


def by_pydantic(kind: Kind) -> Contender:
    return pydantic.TypeAdapter(list[pydantic_row(kind)]).validate_json


def by_pydantic_read(kind: Kind) -> Contender:
    read = by_pydantic(kind)
    names = ("id", *kind.spec, *((kind.nested.name,) if kind.nested else ()))
    return reading(
        read,
        operator.attrgetter(*names),
        kind.nested,
        operator.attrgetter(*kind.nested.spec) if kind.nested else None,
    )


def by_msgspec(kind: Kind) -> Contender:
    def create(spec: Spec, *first: Any) -> Any:
        fields = [(key, one | None, None) for key, one in spec.items()]
        return msgspec.defstruct("Row", [*first, *fields], rename="camel")

    row = create(kind.spec | inside(kind, create), ("id", str, msgspec.field(name="_id")))
    return msgspec.json.Decoder(list[row]).decode


def reading(
    read: Contender, fields: Read, nested: Nested | None = None, inner: Read | None = None
) -> Contender:
    """A contender that also looks at fields of every row, and of what is nested in it."""

    def read_all(body: bytes) -> Any:
        rows = read(body)
        for row in rows:
            fields(row)
            if nested is not None and inner is not None:
                below = getattr(row, nested.name)
                for one in below if nested.many else [below]:
                    inner(one)
        return rows

    return read_all


def ours(item: type[Model]) -> Contender:
    """Decode a page into models of a class of its own: no other contender has looked at its fields."""
    fresh = type(item.__name__, (item,), {"__slots__": ()})
    scheme = Offset(1000)
    decode = page_reader(fresh, scheme, scheme.first(), "data")
    return lambda body: decode(orjson.loads(body), {}).items


def of_every_field(item: type[Model]) -> Read:
    return operator.attrgetter("extra", *(name for name, _, _ in fields_of(item)))


def by_ours(kind: Kind) -> dict[str, Contender]:
    """Each use that a program makes of a page."""
    inner = of_every_field(kind.nested.item) if kind.nested else None

    def every(read: Contender) -> Contender:
        return reading(read, of_every_field(kind.item), kind.nested, inner)

    both = ours(kind.item)
    return {
        "untouched": ours(kind.item),
        "three fields read": reading(ours(kind.item), operator.attrgetter(*kind.three)),
        "every field read": every(ours(kind.item)),
        "untouched and every field read, in turns": in_turns(both, every(both)),
        "to_dict": reading(ours(kind.item), operator.methodcaller("to_dict")),
    }


def in_turns(*those: Contender) -> Contender:
    """A program that uses pages of one class in several ways."""
    turns = itertools.cycle(those)
    return lambda body: next(turns)(body)


def contenders(kind: Kind) -> dict[str, Contender]:
    """Decoders of a page; orjson to dictionaries comes first."""
    return {
        BASE: orjson.loads,
        **{f"{OURS}, {use}": read for use, read in by_ours(kind).items()},
        "cattrs": by_cattrs(kind),
        "pydantic, extras kept": by_pydantic(kind),
        "pydantic, every field read": by_pydantic_read(kind),
        "msgspec Struct, extras dropped": by_msgspec(kind),
    }


def measure(body: bytes, those: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each contender in each round; who begins changes from round to round."""
    loops = max(1, 200_000 // len(body))
    spent: dict[str, list[float]] = {name: [] for name in those}
    order = list(those)
    for read in those.values():
        for _ in range(WARM_UP):
            read(body)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            read = those[name]
            start = time.process_time()
            for _ in range(loops):
                read(body)
            spent[name].append((time.process_time() - start) / loops)
    return spent


def ratios(name: str, size: int, rounds: int) -> list[tuple[str, float]]:
    """Return (contender, median ratio to orjson's dictionaries) for one page."""
    kind = KINDS[name]
    body = orjson.dumps([kind.make(number) for number in range(size)])
    spent = measure(body, contenders(kind), rounds)
    return [
        (contender, statistics.median(one / base for one, base in zip(seconds, spent[BASE], strict=True)))
        for contender, seconds in spent.items()
    ]


def import_ratio(rounds: int) -> float:
    """Return the time of `import lemlist_async` as a share of `import aiohttp`, in separate processes."""
    script = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"

    def seconds(module: str) -> float:
        command = [sys.executable, "-c", script.format(module)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    pairs = [(seconds("lemlist_async"), seconds("aiohttp")) for _ in range(rounds)]
    return statistics.median(one / other for one, other in pairs)


def tables(kinds: Sequence[str], sizes: Sequence[int], rounds: int) -> list[Table]:
    """Return the ratios of each page and contender, and that of the imports."""
    imports: list[list[Cell]] = [["import lemlist_async", import_ratio(min(rounds, 15))]]
    return [
        *(pages_of(size, kinds, rounds) for size in sizes),
        Table("import", ["", "× import aiohttp"], imports),
    ]


def pages_of(size: int, kinds: Sequence[str], rounds: int) -> Table:
    """Return the ratios of pages of one size: a row for each contender, a column for each kind."""
    found = {kind: dict(ratios(kind, size, rounds)) for kind in kinds}
    names = [name for name in next(iter(found.values())) if name != BASE]
    rows: list[list[Cell]] = [[name, *(found[kind][name] for kind in kinds)] for name in names]
    return Table(f"pages of {size:,}, × orjson to dict", ["", *kinds], rows)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000])
    options = parser.parse_args()
    publish(tables(options.kinds, options.sizes, options.rounds), options.json)


if __name__ == "__main__":
    main()
