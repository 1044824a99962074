"""The client: `model.ports.Server` over HTTP.

    async with Client(ClientOptions(server=..., login=...)) as client:
        listing = await client.sessions()

Reads raise the errors of `model.errors`. Writes return an outcome: accepted, refused or unconfirmed.
"""

from __future__ import annotations

import asyncio
import logging
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from skaha_apply.model.errors import ServerError, SkahaApplyError, StateError, Unauthorized, Unreachable
from skaha_apply.model.request import Accepted, CreateRequest, Offer, Outcome, Refused
from skaha_apply.model.session import Kind, Listing, LiveSession
from skaha_apply.skaha import responses
from skaha_apply.skaha.auth.registry import TrustedRegistries, explain
from skaha_apply.skaha.listings import Listings
from skaha_apply.skaha.options import ClientOptions
from skaha_apply.skaha.outcomes import NOT_SENT, outcome, read_error
from skaha_apply.skaha.requests import delete_request, log_request, read_request, renewal_request, session_request
from skaha_apply.skaha.transport.exchange import Exchange
from skaha_apply.skaha.transport.retry import NOT_FOUND, ReplyKind, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from skaha_apply.model.account.offer import Image, Load
    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import ApiRequest

__all__ = ["Client", "ClientOptions"]

_log = logging.getLogger("skaha_apply.skaha")


class Client:
    """A Skaha server and the account whose credential is used; see `model.ports.Server`.

    Args:
        options: address, credential and limits; raises `UsageError` for an impossible address or number.
    """

    def __init__(self, options: ClientOptions) -> None:
        self._exchange = Exchange(options)
        self._listings = Listings()
        self._noted: set[str] = set()
        self._registries = TrustedRegistries()
        self.guard: Callable[[], Awaitable[None]] | None = None

    async def __aenter__(self) -> Self:
        """Read the credential; raises `Unauthorized` if there is none, or it has expired."""
        await self._exchange.sender.look_up_login()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._exchange.close()

    def __repr__(self) -> str:
        return f"Client({self.address})"

    @property
    def address(self) -> str:
        """Base URL with the version."""
        return self._exchange.sender.base

    @property
    def identity(self) -> str | None:
        """A digest of the account (subject) of the credential, or of the token; None before it was read."""
        return self.login.identity if self.login else None

    @property
    def login(self) -> Login | None:
        """The credential in use, None before it was read."""
        return self._exchange.sender.login

    @property
    def patience(self) -> float:
        """Seconds for which a request that was refused for a moment is repeated."""
        return self._exchange.throttle.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._exchange.throttle.patience = seconds

    @property
    def has_server_time(self) -> bool:
        """Whether a response had a `Date` header."""
        return self._exchange.sender.time.known

    def now(self) -> float:
        """The time of the server, in Unix seconds; that of this machine before the first `Date` header."""
        return self._exchange.sender.time.now()

    def private(self, image: str) -> bool:
        """Whether a registry login is sent with this image, so that the image need not be in the public list."""
        login = self.login
        return bool(login and login.registry and login.registry.holds(image, self._registries.known or ()))

    def without_secrets(self, text: str) -> str:
        """`text` with `(sensitive)` instead of the secrets of the credential and of earlier ones."""
        return self._exchange.sender.without_secrets(text)

    def stop(self) -> None:
        """Send no new requests, also no reads. Requests in flight continue; those that wait for a retry end at once."""
        self._exchange.throttle.stop()

    def resume(self) -> None:
        """Send requests again after `stop`, because a connection of the Python API outlives an interrupted call."""
        self._exchange.throttle.resume()

    def guarded(self, guard: Callable[[], Awaitable[None]]) -> Client:
        """This client with a guard, which proves a lock before each change.

        `guard` is called right before each sending of a create, delete or renewal, after all waits. If it raises, the
        request is not sent, and `create`, `delete` and `renew` raise its error.
        """
        other = copy(self)
        other.guard = guard
        return other

    async def refresh(self) -> None:
        """Read the credential again, as `sessions` does; raises `Unauthorized` if it has expired."""
        await self._exchange.sender.look_up_login()

    async def sessions(self) -> Listing:
        """All sessions of the account. Items without a usable ID are left out, and the log mentions them once."""
        await self.refresh()

        def read(response: Response) -> Listing:
            at = self.now()
            sessions, notes = self._listings.read(response.body)
            self._log_once(notes)
            self._identify(sessions)
            return Listing(sessions, at - response.took, at, responses.authenticated_user(response.headers))

        listing: Listing = await self._read(read_request("session"), read)
        return listing

    async def session(self, session_id: str) -> LiveSession | None:
        """One session; None after a 404, and for a text that cannot be an ID."""
        if not responses.is_session_id(session_id):
            return None
        found: LiveSession | None = await self._read(
            read_request(f"session/{session_id}", session_id),
            lambda response: responses.read_session(response.body),
        )
        self._identify([found] if found else [])
        return found

    async def logs(self, session_id: str) -> str:
        """The whole log; "" for an unknown ID, a pending pod and an empty log [SessionAction]."""
        return await self._text(session_id, "logs") or ""

    async def events(self, session_id: str) -> str | None:
        """The events of the pod as a table; None if there is no pod (404)."""
        return await self._text(session_id, "events")

    async def offer(self) -> Offer:
        """The resources and images of the server; parts in an unknown form are None. Raises `Unauthorized`."""
        context, images, registries = await asyncio.gather(
            self._part("context", responses.read_context),
            self._part("image", responses.read_images),
            self._part("repository", responses.read_registries),
        )
        if registries is not None:
            self._registries.known = registries
        found: Offer = context or Offer()
        return Offer(
            cores=found.cores,
            ram=found.ram,
            gpus=found.gpus,
            images=images,
            registries=registries,
            default_cores=found.default_cores,
            default_ram=found.default_ram,
            max_interactive=found.max_interactive,
        )

    async def images(self) -> tuple[Image, ...] | None:
        """The public images with their kinds; None if the server lists none in a known form. Raises `Unauthorized`."""
        found: tuple[Image, ...] | None = await self._part("image", responses.read_image_kinds)
        return found

    async def load(self) -> Load | None:
        """The load of the cluster; None if the server does not report it, which is common. Raises `Unauthorized`."""
        found: Load | None = await self._part("session?view=stats", responses.read_load)
        return found

    async def create(self, request: CreateRequest) -> Outcome:
        """Create one session. A create that might have had an effect is never repeated."""
        registry = self.login.registry if self.login else None
        trusted: tuple[str, ...] = ()
        if registry and not registry.host:
            try:
                trusted = await self._registries.ask(lambda: self._part("repository", responses.read_registries))
            except SkahaApplyError as error:
                return Refused(0, error.located_message, auth=True, hint=error.hint)
        outcome = await self._write(session_request(request, registry, trusted), responses.read_created)
        if request.kind.interactive and isinstance(outcome, Accepted):
            self._exchange.options.identify(outcome.id, "")
        if isinstance(outcome, Refused) and (why := explain(outcome.text, registry)):
            return replace(outcome, text=f"{outcome.text} ({why})")
        return outcome

    async def delete(self, session_id: str) -> Outcome:
        """Delete one session; the server always responds 200 [DeleteAction]."""
        if not responses.is_session_id(session_id):
            return Refused(0, f"{session_id!r} is not a session ID")
        return await self._write(delete_request(session_id))

    async def renew(self, session_id: str) -> Outcome:
        """Extend the deadline of a running session; refused if it does not run."""
        if not responses.is_session_id(session_id):
            return Refused(0, f"{session_id!r} is not a session ID")
        return await self._write(renewal_request(session_id))

    def _identify(self, sessions: Iterable[LiveSession]) -> None:
        for session in sessions:
            if session.kind != Kind.HEADLESS:
                self._exchange.options.identify(session.id, session.connect_url)

    async def _text(self, session_id: str, view: str) -> str | None:
        if not responses.is_session_id(session_id):
            return None
        text: str | None = await self._read(
            log_request(session_id, view),
            lambda response: self.without_secrets(response.body.decode("utf-8", "replace")),
        )
        return text

    async def _part(self, path: str, read_body: Callable[[bytes], Any]) -> Any:
        try:
            return await self._read(read_request(path), lambda response: read_body(response.body))
        except Unauthorized:
            raise
        except ServerError as error:
            _log.info("/%s is not known: %s", path, error.located_message)
            return None

    def _log_once(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                _log.warning("%s", self.without_secrets(note))

    async def _read(self, request: ApiRequest, read: Callable[[Response], Any]) -> Any:
        result = await self._exchange.perform(request, read)
        if result.stopped:
            raise Unreachable(f"{request.method} /{request.path.partition('?')[0]} was {NOT_SENT}")
        response = result.response
        if result.reply_kind is ReplyKind.FINAL and response is not None:
            if response.ok:
                return result.value
            if response.status == NOT_FOUND:
                return None
        raise read_error(request, result, self.address, self.login)

    async def _write(self, request: ApiRequest, read_id: Callable[[bytes], str | None] | None = None) -> Outcome:
        try:
            result = await self._exchange.perform(request, guard=self.guard)
        except StateError:
            raise
        except SkahaApplyError as error:
            return Refused(0, error.located_message, auth=True, hint=error.hint)
        url = f"{self.address}/{request.path.partition('?')[0]}"
        return outcome(result, self.login, url, read_id)
