"""Cost of decoding a page of JSON into models, beside plain orjson, cattrs, pydantic and msgspec.

Every contender reads the same bytes in the same run, in rounds that take turns, and is compared with orjson's
dictionaries of the same round. Run it with ``python benchmarks/decode.py``; it prints the median ratios.

This library decodes times and nested models on first access, so it has two rows: the page decoded, as for a program
that reads a few fields, and decoded with every field read once.
"""

from __future__ import annotations

import argparse
import operator
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import cattrs
import msgspec
import orjson
import pydantic
from cattrs.gen import make_dict_structure_fn, override
from pydantic.alias_generators import to_camel

from lemlist_async.core.model import Model
from lemlist_async.core.names import camel, fields_of
from lemlist_async.pagination import Offset
from lemlist_async.resources._base import page_reader
from lemlist_async.resources.activities import Activity
from lemlist_async.resources.contacts import Contact, ContactCampaign

Contender = Callable[[bytes], Any]
Spec = dict[str, Any]

CONTACT: Spec = {
    "team_id": str, "full_name": str, "email": str, "fields": dict, "owner_id": str, "created_at": datetime,
    "created_by": str, "unsubscribed": bool,
}  # fmt: skip
CAMPAIGN: Spec = {"campaign_id": str, "campaign_state": str, "lead_state": str, "lead_id": str}
ACTIVITY: Spec = {
    "type": str, "user_id": str, "user_name": str, "bot": bool, "created_at": datetime, "lead_first_name": str,
    "lead_last_name": str, "lead_email": str, "lead_company_name": str, "lead_id": str, "contact_id": str,
    "campaign_id": str, "team_id": str, "campaign_name": str, "sequence_id": str, "sequence_step": int,
    "email_template_id": str, "meta_data": dict, "is_first": bool, "stopped": bool,
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


def with_attrs(name: str, spec: Spec, nested: type | None, converter: cattrs.Converter) -> type:
    """An attrs class that cattrs structures, its keys renamed as on the wire."""
    fields = {"id": attrs.field(type=str)}
    fields |= {key: attrs.field(type=kind | None, default=None) for key, kind in spec.items()}
    if nested is not None:
        fields["campaigns"] = attrs.field(type=list[nested] | None, default=None)
    made = attrs.make_class(name, fields, slots=True, kw_only=True)
    renamed = {key: override(rename="_id" if key == "id" else camel(key)) for key in fields}
    converter.register_structure_hook(made, make_dict_structure_fn(made, converter, **renamed))
    return made


def by_cattrs(spec: Spec, *, nested: bool) -> Contender:
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    inner = None
    if nested:
        inner = attrs.make_class(
            "Campaign", {key: attrs.field(type=str | None, default=None) for key in CAMPAIGN}
        )
        renamed = {key: override(rename=camel(key)) for key in CAMPAIGN}
        converter.register_structure_hook(inner, make_dict_structure_fn(inner, converter, **renamed))
    row = with_attrs("Row", spec, inner, converter)
    return lambda body: converter.structure(orjson.loads(body), list[row])


def by_pydantic(spec: Spec, *, nested: bool) -> Contender:
    config = pydantic.ConfigDict(alias_generator=to_camel, extra="allow")
    fields: dict[str, Any] = {key: (kind | None, None) for key, kind in spec.items()}
    fields["id"] = (str, pydantic.Field(alias="_id"))
    if nested:
        names: dict[str, Any] = {key: (kind | None, None) for key, kind in CAMPAIGN.items()}
        inner = pydantic.create_model("Campaign", __config__=config, **names)
        fields["campaigns"] = (list[inner] | None, None)
    row = pydantic.create_model("Row", __config__=config, **fields)
    return pydantic.TypeAdapter(list[row]).validate_json


def by_msgspec(spec: Spec, *, nested: bool) -> Contender:
    fields: list[Any] = [("id", str, msgspec.field(name="_id"))]
    fields += [(key, kind | None, None) for key, kind in spec.items()]
    if nested:
        names: list[Any] = [(key, kind | None, None) for key, kind in CAMPAIGN.items()]
        inner = msgspec.defstruct("Campaign", names, rename="camel")
        fields.append(("campaigns", list[inner] | None, None))
    row = msgspec.defstruct("Row", fields, rename="camel")
    return msgspec.json.Decoder(list[row]).decode


def by_ours(item: type[Model]) -> Contender:
    scheme = Offset(1000)
    decode = page_reader(item, scheme, scheme.first(), "data")
    return lambda body: decode(orjson.loads(body), {})


def by_ours_read(item: type[Model]) -> Contender:
    read, fields = by_ours(item), of_every_field(item)
    inner = of_every_field(ContactCampaign)

    def read_all(body: bytes) -> Any:
        page = read(body)
        for row in page.items:
            fields(row)
            for campaign in getattr(row, "campaigns", None) or ():
                inner(campaign)
        return page

    return read_all


def of_every_field(item: type[Model]) -> Callable[[Any], Any]:
    return operator.attrgetter("extra", *(name for name, _, _ in fields_of(item)))


def contenders(kind: str) -> dict[str, Contender]:
    """Decoders of a page of contacts or activities; orjson to dictionaries comes first."""
    spec, item, nested = (CONTACT, Contact, True) if kind == "contacts" else (ACTIVITY, Activity, False)
    return {
        "orjson to dict": orjson.loads,
        "lemlist_async": by_ours(item),
        "  with every field read": by_ours_read(item),
        "cattrs": by_cattrs(spec, nested=nested),
        "pydantic, extras kept": by_pydantic(spec, nested=nested),
        "msgspec Struct": by_msgspec(spec, nested=nested),
    }


def measure(body: bytes, those: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each contender in each round; who begins changes from round to round."""
    loops = max(1, 200_000 // len(body))
    spent: dict[str, list[float]] = {name: [] for name in those}
    order = list(those)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            read = those[name]
            start = time.process_time()
            for _ in range(loops):
                read(body)
            spent[name].append((time.process_time() - start) / loops)
    return spent


def report(kind: str, size: int, rounds: int) -> dict[str, float]:
    """Print the medians for one page, and give the ratios to orjson's dictionaries."""
    make = contact if kind == "contacts" else activity
    body = orjson.dumps([make(number) for number in range(size)])
    spent = measure(body, contenders(kind), rounds)
    base = spent["orjson to dict"]
    print(f"\n{kind}, {size} rows, {len(body) / 1024:.0f} KiB")
    ratios: dict[str, float] = {}
    for name, seconds in spent.items():
        ratios[name] = statistics.median(one / other for one, other in zip(seconds, base, strict=True))
        print(f"  {name:24}{statistics.median(seconds) * 1e6 / size:9.2f} µs a row {ratios[name]:8.2f} x")
    for name in ("lemlist_async", "  with every field read"):
        print(f"  {name} / cattrs: {ratios[name] / ratios['cattrs']:.2f}")
    return ratios


def import_ratio(rounds: int) -> float:
    """Time of `import lemlist_async` as a share of `import aiohttp`, in separate processes."""
    script = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"

    def seconds(module: str) -> float:
        command = [sys.executable, "-c", script.format(module)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    pairs = [(seconds("lemlist_async"), seconds("aiohttp")) for _ in range(rounds)]
    ours, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"\nimport lemlist_async {ours * 1e3:.1f} ms, import aiohttp {theirs * 1e3:.1f} ms: {ratio:.2f} x")
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    for kind in ("contacts", "activities"):
        for size in (100, 1000):
            report(kind, size, rounds)
    import_ratio(min(rounds, 15))


if __name__ == "__main__":
    main()
