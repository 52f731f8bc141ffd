"""Options of what happens: points that lemlist does not document, and the behaviour of recipients."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import attrs

__all__ = ["RANKS", "LifecycleOptions", "Recipients"]

RANKS: Final[Mapping[str, int]] = MappingProxyType(
    {"made": 0, "sent": 1, "opened": 2, "attracted": 3, "replied": 4, "paused": 5, "marked": 6, "ended": 7}
)
"""Rank of each class of states: an event moves the state of a lead only to an equal or higher one."""


def _share(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} is a share from 0 to 1")


@attrs.frozen(kw_only=True)
class Recipients:
    """Behaviour of the people who get messages, as shares from 0 to 1. A share out of range raises ValueError."""

    bounces: float = attrs.field(default=0.0, validator=_share)
    """Share of the e-mails that bounce."""
    opens: float = attrs.field(default=0.0, validator=_share)
    """Share of the delivered messages that are opened."""
    clicks: float = attrs.field(default=0.0, validator=_share)
    """Share of the opened e-mails in which a link is clicked."""
    replies: float = attrs.field(default=0.0, validator=_share)
    """Share of the opened messages that are answered."""
    unsubscribes: float = attrs.field(default=0.0, validator=_share)
    """Share of the opened e-mails whose reader unsubscribes."""
    accepts: float = attrs.field(default=0.0, validator=_share)
    """Share of the invitations on LinkedIn that are accepted."""


@attrs.frozen(kw_only=True)
class LifecycleOptions:
    """Points in which lemlist's behaviour is not known, with the likeliest one as the default."""

    ranks: Mapping[str, int] = attrs.field(factory=lambda: RANKS)
    first_per: Literal["lead", "step"] = attrs.field(
        default="lead", validator=attrs.validators.in_(("lead", "step"))
    )
    """Scope of `isFirst`: the first event of its type for the lead, or for the lead and its step."""
    complete_per: Literal["campaign", "lead"] = attrs.field(
        default="campaign", validator=attrs.validators.in_(("campaign", "lead"))
    )
    """Occasion of `campaignComplete`: every launched lead is done, or one lead reached the end."""
    stop_on_click: bool = False
    """Whether a campaign stops on a click unless it says otherwise."""
    stop_on_meeting: bool = False
    """Whether a campaign stops on a meeting unless it says otherwise."""
    bounce_limit: float = attrs.field(default=0.5, validator=_share)
    """Share of bounces among contacted leads above which a campaign is paused, from 100 leads on."""
