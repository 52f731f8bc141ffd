"""A lemlist emulator to test against: state, rate limit, quirks and faults, on a loopback port."""

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async.sandbox.counters import Counters as Counters
    from lemlist_async.sandbox.counters import Tally as Tally
    from lemlist_async.sandbox.counters import UnhandledError as UnhandledError
    from lemlist_async.sandbox.deliveries import Delivery as Delivery
    from lemlist_async.sandbox.document import Violation as Violation
    from lemlist_async.sandbox.emulator import Sandbox as Sandbox
    from lemlist_async.sandbox.emulator import serve as serve
    from lemlist_async.sandbox.expecting import Expectation as Expectation
    from lemlist_async.sandbox.fault_injector import FaultInjector as FaultInjector
    from lemlist_async.sandbox.fault_kinds import BAD_CHUNK as BAD_CHUNK
    from lemlist_async.sandbox.fault_kinds import Cut as Cut
    from lemlist_async.sandbox.fault_kinds import Damage as Damage
    from lemlist_async.sandbox.fault_kinds import Drip as Drip
    from lemlist_async.sandbox.fault_kinds import Fault as Fault
    from lemlist_async.sandbox.fault_kinds import Garbage as Garbage
    from lemlist_async.sandbox.fault_kinds import Hang as Hang
    from lemlist_async.sandbox.fault_kinds import Loss as Loss
    from lemlist_async.sandbox.fault_kinds import Reset as Reset
    from lemlist_async.sandbox.fault_kinds import Rewrite as Rewrite
    from lemlist_async.sandbox.fault_kinds import Slow as Slow
    from lemlist_async.sandbox.fault_kinds import Status as Status
    from lemlist_async.sandbox.fault_kinds import gateway as gateway
    from lemlist_async.sandbox.fault_kinds import html as html
    from lemlist_async.sandbox.fault_kinds import lost_response as lost_response
    from lemlist_async.sandbox.fault_kinds import rate_limited as rate_limited
    from lemlist_async.sandbox.fault_kinds import retyped as retyped
    from lemlist_async.sandbox.lifecycle.options import LifecycleOptions as LifecycleOptions
    from lemlist_async.sandbox.lifecycle.options import Recipients as Recipients
    from lemlist_async.sandbox.limits import POLICIES as POLICIES
    from lemlist_async.sandbox.limits import Decision as Decision
    from lemlist_async.sandbox.limits import Policy as Policy
    from lemlist_async.sandbox.limits import make_policy as make_policy
    from lemlist_async.sandbox.options import SandboxOptions as SandboxOptions
    from lemlist_async.sandbox.request_log import LoggedRequest as LoggedRequest
    from lemlist_async.sandbox.request_log import RequestLog as RequestLog
    from lemlist_async.sandbox.state import Team as Team

_HOMES = {
    "RequestLog": "lemlist_async.sandbox.request_log",
    "Violation": "lemlist_async.sandbox.document",
    "Expectation": "lemlist_async.sandbox.expecting",
    "SandboxOptions": "lemlist_async.sandbox.options",
    "Recipients": "lemlist_async.sandbox.lifecycle.options",
    "LifecycleOptions": "lemlist_async.sandbox.lifecycle.options",
    "Delivery": "lemlist_async.sandbox.deliveries",
    "BAD_CHUNK": "lemlist_async.sandbox.fault_kinds",
    "Counters": "lemlist_async.sandbox.counters",
    "Cut": "lemlist_async.sandbox.fault_kinds",
    "Damage": "lemlist_async.sandbox.fault_kinds",
    "Decision": "lemlist_async.sandbox.limits",
    "Drip": "lemlist_async.sandbox.fault_kinds",
    "Fault": "lemlist_async.sandbox.fault_kinds",
    "FaultInjector": "lemlist_async.sandbox.fault_injector",
    "Garbage": "lemlist_async.sandbox.fault_kinds",
    "Hang": "lemlist_async.sandbox.fault_kinds",
    "LoggedRequest": "lemlist_async.sandbox.request_log",
    "Loss": "lemlist_async.sandbox.fault_kinds",
    "POLICIES": "lemlist_async.sandbox.limits",
    "Policy": "lemlist_async.sandbox.limits",
    "Reset": "lemlist_async.sandbox.fault_kinds",
    "Rewrite": "lemlist_async.sandbox.fault_kinds",
    "Sandbox": "lemlist_async.sandbox.emulator",
    "Slow": "lemlist_async.sandbox.fault_kinds",
    "Status": "lemlist_async.sandbox.fault_kinds",
    "Tally": "lemlist_async.sandbox.counters",
    "Team": "lemlist_async.sandbox.state",
    "UnhandledError": "lemlist_async.sandbox.counters",
    "gateway": "lemlist_async.sandbox.fault_kinds",
    "html": "lemlist_async.sandbox.fault_kinds",
    "lost_response": "lemlist_async.sandbox.fault_kinds",
    "make_policy": "lemlist_async.sandbox.limits",
    "rate_limited": "lemlist_async.sandbox.fault_kinds",
    "retyped": "lemlist_async.sandbox.fault_kinds",
    "serve": "lemlist_async.sandbox.emulator",
}
if not TYPE_CHECKING:  # the checkers read the imports above, and refuse any other name
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
