"""Lemlist: options in, one attribute per area of the API."""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast
from urllib.parse import unquote

import attrs

from lemlist_async import __version__
from lemlist_async.core.payload import query_value
from lemlist_async.core.wire import Call, Effect
from lemlist_async.credentials import (
    DEFAULT_BASE_URL,
    ApiKey,
    BaseURL,
    Credential,
    ProxyURL,
    Token,
    TokenSource,
)
from lemlist_async.errors import APIKeyError, ConfigurationError, InvalidInputError, LemlistError
from lemlist_async.observe import E, Event
from lemlist_async.options import OptionChanges, Options
from lemlist_async.throttle import Throttle, ThrottleOptions, throttle_for
from lemlist_async.transport.pipeline import Pipeline
from lemlist_async.transport.session import Network, Session

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from lemlist_async.bulk.facade import Bulk
    from lemlist_async.resources.activities import ActivitiesResource
    from lemlist_async.resources.campaigns import CampaignsResource
    from lemlist_async.resources.companies import CompaniesResource
    from lemlist_async.resources.contacts import ContactsResource
    from lemlist_async.resources.crm import CrmResource
    from lemlist_async.resources.database import DatabaseResource
    from lemlist_async.resources.deliverability import DeliverabilityResource
    from lemlist_async.resources.email_accounts import EmailAccountsResource
    from lemlist_async.resources.enrichments import EnrichmentsResource
    from lemlist_async.resources.fields import FieldsResource
    from lemlist_async.resources.inbox import InboxResource
    from lemlist_async.resources.leads import LeadsResource
    from lemlist_async.resources.lemwarm import LemwarmResource
    from lemlist_async.resources.schedules import SchedulesResource
    from lemlist_async.resources.sequences import SequencesResource
    from lemlist_async.resources.signal_agents import SignalAgentsResource
    from lemlist_async.resources.tasks import TasksResource
    from lemlist_async.resources.team import TeamResource
    from lemlist_async.resources.unsubscribes import UnsubscribesResource
    from lemlist_async.resources.users import UsersResource
    from lemlist_async.resources.webhooks import WebhooksResource

T = TypeVar("T")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9_.~@!$&'()*+,;=:%-]|\{\w+\})+)+/?")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class Lemlist:
    """A client of the lemlist API for one key, which is one team.

    Nothing is opened before the first call; `async with` or `aclose()` closes it. All clients of one key in a
    process share one throttle, so that together they keep to the key's limit.

    Args:
        api_key: The key; by default the environment's ``LEMLIST_API_KEY``.
        token: An OAuth token in place of a key, sent as a Bearer, or an async function that returns one that is valid
            now. It is called again, once for all waiting calls, when lemlist refuses a token. Unverified: lemlist
            documents OAuth tokens, and this library was not tried with one on the real host.
        limit_key: Name of the account whose limit the tokens share; needed for a function.
        base_url: Address of the API; by default ``LEMLIST_BASE_URL``, else ``https://api.lemlist.com/api``.
        options: Deadlines, retries, time-outs: `Options`.
        throttle: Limit of the key, and how to use it: `ThrottleOptions`, or a `Throttle` of your own.
        session: ClientSession to borrow, which is never closed here. Its own middlewares are not run, and its
            cookies are not sent.
        proxy: Address of an HTTP proxy, ``http://user:password@host:port``; proxies of the environment and
            ``.netrc`` are never read.
        ssl: An SSLContext for a private authority or a client certificate.
        user_agent: Put before the library's own.
        allow_insecure: Take a plain http `base_url` on another machine.

    Raises:
        APIKeyError: there is no key, or the value cannot be a key.
        ConfigurationError: the base URL, the proxy or an option is invalid.
    """

    def __init__(
        self,
        api_key: str | ApiKey | None = None,
        base_url: str | None = None,
        *,
        token: str | TokenSource | None = None,
        limit_key: str | None = None,
        options: Options | None = None,
        throttle: ThrottleOptions | Throttle | None = None,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
    ) -> None:
        try:
            key = _credential(api_key, token, limit_key)
            via = _proxy(proxy)
        finally:
            api_key = token = proxy = None  # a traceback with locals shows none, whatever goes wrong below
        _check_types(options, throttle, ssl, user_agent)
        base = BaseURL.parse(
            base_url or os.environ.get("LEMLIST_BASE_URL") or DEFAULT_BASE_URL, allow_insecure=allow_insecure
        )
        self._options = options or Options()
        network = network_of(via, ssl, user_agent)
        if not isinstance(throttle, Throttle):
            throttle = throttle_for(key.fingerprint, base.host, throttle or ThrottleOptions())
        self._base = base
        self._writes: Counter[str] = Counter()
        self._pipeline = Pipeline(
            Session(network, self._options.timeouts, session), throttle, key, base, self._options
        )

    @classmethod
    def of(cls, pipeline: Pipeline, base: BaseURL, options: Options) -> Self:
        """Make a client on a pipeline, as `LemlistPool` does."""
        client = object.__new__(cls)
        client._options = options
        client._base = base
        client._writes = Counter()
        client._pipeline = pipeline
        return client

    # Areas of the API ---------------------------------------------------------------------------------

    @functools.cached_property
    def team(self) -> TeamResource:
        """The team of the key, its senders and credits."""
        from lemlist_async.resources.team import TeamResource

        return TeamResource(self)

    @functools.cached_property
    def campaigns(self) -> CampaignsResource:
        """Campaigns, their exports, figures and checks."""
        from lemlist_async.resources.campaigns import CampaignsResource

        return CampaignsResource(self)

    @functools.cached_property
    def leads(self) -> LeadsResource:
        """Leads: the copies of people inside campaigns."""
        from lemlist_async.resources.leads import LeadsResource

        return LeadsResource(self)

    @functools.cached_property
    def users(self) -> UsersResource:
        """Members of the team, their mailboxes and channels."""
        from lemlist_async.resources.users import UsersResource

        return UsersResource(self)

    @functools.cached_property
    def sequences(self) -> SequencesResource:
        """Sequences of campaigns, their steps and A/B tests."""
        from lemlist_async.resources.sequences import SequencesResource

        return SequencesResource(self)

    @functools.cached_property
    def schedules(self) -> SchedulesResource:
        """The hours and days at which campaigns send."""
        from lemlist_async.resources.schedules import SchedulesResource

        return SchedulesResource(self)

    @functools.cached_property
    def crm(self) -> CrmResource:
        """CRMs: their segments, and the import of one into a campaign."""
        from lemlist_async.resources.crm import CrmResource

        return CrmResource(self)

    @functools.cached_property
    def contacts(self) -> ContactsResource:
        """The people of the CRM, their lists and exports."""
        from lemlist_async.resources.contacts import ContactsResource

        return ContactsResource(self)

    @functools.cached_property
    def companies(self) -> CompaniesResource:
        """Companies of the CRM, and notes about them."""
        from lemlist_async.resources.companies import CompaniesResource

        return CompaniesResource(self)

    @functools.cached_property
    def fields(self) -> FieldsResource:
        """Fields that contacts and companies have."""
        from lemlist_async.resources.fields import FieldsResource

        return FieldsResource(self)

    @functools.cached_property
    def activities(self) -> ActivitiesResource:
        """Events of leads and companies."""
        from lemlist_async.resources.activities import ActivitiesResource

        return ActivitiesResource(self)

    @functools.cached_property
    def unsubscribes(self) -> UnsubscribesResource:
        """The do-not-contact list, and the flag of contacts."""
        from lemlist_async.resources.unsubscribes import UnsubscribesResource

        return UnsubscribesResource(self)

    @functools.cached_property
    def webhooks(self) -> WebhooksResource:
        """Webhooks: addresses to which lemlist posts events."""
        from lemlist_async.resources.webhooks import WebhooksResource

        return WebhooksResource(self)

    @functools.cached_property
    def enrichments(self) -> EnrichmentsResource:
        """Find and check addresses, phone numbers and LinkedIn profiles."""
        from lemlist_async.resources.enrichments import EnrichmentsResource

        return EnrichmentsResource(self)

    @functools.cached_property
    def inbox(self) -> InboxResource:
        """Conversations, messages, labels and drafts."""
        from lemlist_async.resources.inbox import InboxResource

        return InboxResource(self)

    @functools.cached_property
    def tasks(self) -> TasksResource:
        """Manual tasks of members."""
        from lemlist_async.resources.tasks import TasksResource

        return TasksResource(self)

    @functools.cached_property
    def database(self) -> DatabaseResource:
        """The shared databases of people and companies."""
        from lemlist_async.resources.database import DatabaseResource

        return DatabaseResource(self)

    @functools.cached_property
    def signal_agents(self) -> SignalAgentsResource:
        """Agents that watch people and companies for events."""
        from lemlist_async.resources.signal_agents import SignalAgentsResource

        return SignalAgentsResource(self)

    @functools.cached_property
    def lemwarm(self) -> LemwarmResource:
        """The warm-up of mailboxes."""
        from lemlist_async.resources.lemwarm import LemwarmResource

        return LemwarmResource(self)

    @functools.cached_property
    def email_accounts(self) -> EmailAccountsResource:
        """Mailboxes that are connected by SMTP and IMAP."""
        from lemlist_async.resources.email_accounts import EmailAccountsResource

        return EmailAccountsResource(self)

    @functools.cached_property
    def deliverability(self) -> DeliverabilityResource:
        """Alerts when e-mails stop arriving as they should."""
        from lemlist_async.resources.deliverability import DeliverabilityResource

        return DeliverabilityResource(self)

    @functools.cached_property
    def bulk(self) -> Bulk:
        """Jobs over many rows: planned, journalled, resumed."""
        from lemlist_async.bulk.facade import Bulk

        return Bulk(self)

    # Calls --------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str,
        *ids: str,
        effect: Effect,
        query: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        json: Any = None,
    ) -> Any:
        """Call an operation unknown to this library, with the same key, limit, retries and errors.

        `path` is a template below the base URL, whose placeholders (``/brand-new/{id}``) are filled with `ids`, each
        quoted. `effect` is required: it decides whether the call may be repeated. The result is plain JSON, the text
        of a response that is not JSON, or None for an empty one.

        Raises:
            InvalidInputError: the path has no leading slash, or the values do not fit it.
            LemlistError: as every operation.
        """
        if not isinstance(cast("object", effect), Effect):
            raise InvalidInputError(f"effect is one of {', '.join(map(str, Effect))}, not {effect!r}")
        call = Call[Any](
            _method(method), _path(path, ids), ids, effect, query=_query(query), body=json, text=True
        )
        return await self.send(call)

    def send(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Run a call; all operations use this method."""
        if call.effect is not Effect.READ:
            self._writes[call.path] += 1
        return self._pipeline.run(call, self._options)

    def changes(self, paths: tuple[str, ...]) -> int:
        """Count the calls other than reads that this client made to paths beginning with one of `paths`.

        Lists use it to notice that rows may have left them while they were read.
        """
        return sum(count for path, count in self._writes.items() if path.startswith(paths))

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Run a call, and stream its body, for responses too large for memory."""
        return self._pipeline.stream(call, self._options)

    def with_options(self, **changes: Unpack[OptionChanges]) -> Self:
        """Return a view with other `Options` (``lane``, ``deadline``, ``max_wait``, ``retry``, …).

        The view shares the connections, the throttle and the counters; closing either closes both.

        Raises:
            ConfigurationError: there is no such option, or a value out of its range.
        """
        known = {field.name for field in attrs.fields(Options)}
        if unknown := changes.keys() - known:
            raise ConfigurationError(f"no option {min(unknown)!r}; there are {', '.join(sorted(known))}")
        if changes.get("auth_breaker", self._options.auth_breaker) != self._options.auth_breaker:
            raise ConfigurationError("auth_breaker belongs to the client: give it to Lemlist(options=…)")
        view = object.__new__(type(self))
        # without the areas created on first use, which belong to this view
        mine = {name: value for name, value in vars(self).items() if not _is_area(type(self), name)}
        vars(view).update(mine)
        view._options = attrs.evolve(self._options, **changes)
        return view

    def on(self, event: type[E], observer: Callable[[E], object]) -> Callable[[], None]:
        """Call `observer` with each event of a class of `lemlist_async.observe`, and return a function that ends this.

        `observe.Event` stands for all of them. The observer is a plain function that runs in the task of the call, so
        it must not block. It sees the calls that begin from now on, in all views of the client.

        Raises:
            ConfigurationError: the class is no event, or the observer would have to be awaited.
        """
        return self._pipeline.observers.on(event, observer)

    def emit(self, event: Event) -> None:
        """Notify the observers of an event, as bulk jobs do for their rows."""
        self._pipeline.observers.emit(event)

    def redact(self, text: str) -> str:
        """Remove the API key, in every likely spelling, from a text such as a log line of your own."""
        return self._pipeline.redact(text)

    # State --------------------------------------------------------------------------------------------

    @property
    def throttle(self) -> Throttle:
        """The key's throttle: what flies, what waits, how long it will take."""
        return self._pipeline.throttle

    @property
    def base_url(self) -> str:
        """Address of the API."""
        return str(self._base)

    @property
    def key_fingerprint(self) -> str:
        """A name for the API key that does not give it away: 16 hex digits of a hash."""
        return self._pipeline.key_fingerprint

    @property
    def options(self) -> Options:
        """The options of this view."""
        return self._options

    @property
    def unexpected_types(self) -> Mapping[str, int]:
        """Counts of values of unexpected types, by field: ``{"Campaign.status": 2}``."""
        return self._pipeline.unexpected_types

    async def aclose(self) -> None:
        """Close the connections; calls that still wait end with ClosedError. May be called twice."""
        await self._pipeline.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        base, pipeline = vars(self).get("_base"), vars(self).get("_pipeline")
        return f"<Lemlist {base} {pipeline and pipeline.throttle!r} {pipeline and pipeline.auth_circuit!r}>"


def _credential(
    api_key: str | ApiKey | None, token: str | TokenSource | None, limit_key: str | None
) -> Credential:
    try:
        if token is not None and api_key is not None:
            refused: LemlistError = ConfigurationError("give api_key= or token=, not both")
        elif token is None and limit_key is not None:
            refused = ConfigurationError("limit_key= goes with token=; a key has a limit of its own")
        elif token is None:
            return _key(api_key)
        else:
            return Token(token, limit_key)
    except APIKeyError as error:
        refused = error.with_traceback(None)
    finally:
        api_key = token = None
    # raised from here, so that no frame of its traceback holds what was given
    raise refused


def _key(given: str | ApiKey | None) -> ApiKey:
    if isinstance(given, ApiKey):
        return given
    if given is None and "LEMLIST_API_KEY" not in os.environ:
        raise APIKeyError("no API key: give Lemlist(api_key=…), or set LEMLIST_API_KEY")
    try:
        return ApiKey(os.environ["LEMLIST_API_KEY"] if given is None else given)
    except APIKeyError as error:
        refused = error.with_traceback(None)
    finally:
        given = None
    # raised here, so that no frame of the traceback holds the key
    raise refused


def _proxy(given: str | None) -> ProxyURL | None:
    if given is None:
        return None
    try:
        return ProxyURL(given)
    except ConfigurationError as error:
        refused = error.with_traceback(None)
    finally:
        given = None
    # as above
    raise refused


def network_of(proxy: ProxyURL | None, ssl: ssl_module.SSLContext | None, user_agent: str | None) -> Network:
    """Return the settings of a session, with the name of this library behind that of the user."""
    agent = f"lemlist_async/{__version__} (Python)"
    return Network(
        proxy=proxy,
        ssl=True if ssl is None else ssl,
        user_agent=f"{user_agent} {agent}" if user_agent else agent,
    )


def _check_types(options: Any, throttle: Any, ssl: Any, user_agent: Any) -> None:
    """Refuse values that would fail, or be ignored, at the first call."""
    import ssl as ssl_module

    wanted = (
        ("options", options, Options),
        ("throttle", throttle, (ThrottleOptions, Throttle)),
        # not False: it would send the key to any server that responds
        ("ssl", ssl, ssl_module.SSLContext),
        ("user_agent", user_agent, str),
    )
    for name, value, kind in wanted:
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(f"{name} is of the wrong kind: {type(value).__name__}")
    if user_agent is not None and not user_agent.isprintable():
        raise ConfigurationError(
            "user_agent holds a line break or another character that no header can carry"
        )


def _is_area(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), functools.cached_property)


def _method(method: object) -> str:
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidInputError(f"no method {method!r}; there are {', '.join(sorted(_METHODS))}")
    return method.upper()


def _path(path: object, ids: tuple[str, ...]) -> str:
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        shown = repr(path.partition("?")[0]) if isinstance(path, str) else type(path).__name__
        raise InvalidInputError(
            f"a path begins with a slash, holds no query, and has placeholders such as {{id}}: {shown}"
        )
    # servers and proxies resolve them, in any spelling: the request would reach another route
    if {".", ".."} & set(unquote(path).replace("\\", "/").split("/")):
        raise InvalidInputError(f"a path has no segment that is '.' or '..': {path!r}")
    if path.count("{") != len(ids):
        raise InvalidInputError(
            f"{path!r} has {path.count('{')} placeholders, but {len(ids)} values were given"
        )
    return path


def _query(query: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    pairs: Any = cast("Any", query).items() if isinstance(query, Mapping) else query
    encoded: list[tuple[str, str]] = []
    for pair in pairs:
        try:
            name, value = (None, None) if isinstance(pair, str) else pair
        except (TypeError, ValueError):
            name, value = None, None
        if not isinstance(name, str):
            raise InvalidInputError("a query is a mapping, or pairs, from text to value")
        if value is not None:
            try:
                encoded.append((name, query_value(value)))
            except InvalidInputError as error:
                raise InvalidInputError(f"{name}: {error}") from None
    return encoded
