"""The client: `model.ports.Server` over HTTP.

    async with Client(ClientOptions(server=..., login=...)) as client:
        listing = await client.sessions()

Reads raise the errors of `model.errors`; writes tell accepted, refused or unsure.
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
from skaha_apply.skaha.outcomes import NOT_SENT, failure, outcome
from skaha_apply.skaha.requests import create_call, delete_call, log_call, read_call, renew_call
from skaha_apply.skaha.transport.exchange import ClientOptions, Exchange
from skaha_apply.skaha.transport.retry import NOT_FOUND, Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from skaha_apply.skaha.requests import Call

__all__ = ["Client", "ClientOptions"]

_log = logging.getLogger("skaha_apply.skaha")


class Client:
    """A Skaha server and the account whose credential is used; see `model.ports.Server`.

    Args:
        options: address, credential and limits; raises `UsageError` for an address or number that cannot be.
    """

    def __init__(self, options: ClientOptions) -> None:
        self._exchange = Exchange(options)
        self._noted: set[str] = set()
        self._registries = TrustedRegistries()
        self.guard: Callable[[], Awaitable[None]] | None = None

    async def __aenter__(self) -> Self:
        """Look the credential up; raises `Unauthorized` when there is none, or it is past its date."""
        await self._exchange.look_up_login()
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
        """Base URL with the version, as the user knows it."""
        return self._exchange.base

    @property
    def identity(self) -> str | None:
        """A digest of the credential's account (subject), or of the token; None before one was looked up."""
        return self._exchange.login.identity if self._exchange.login else None

    @property
    def patience(self) -> float:
        """Seconds for which what is refused for the moment is repeated."""
        return self._exchange.gate.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._exchange.gate.patience = seconds

    @property
    def has_server_time(self) -> bool:
        """Whether an answer has borne a `Date` header."""
        return self._exchange.time.known

    def now(self) -> float:
        """The server's time, in Unix seconds; our own clock before the first `Date` header."""
        return self._exchange.time.now()

    def private(self, image: str) -> bool:
        """Whether a registry credential is sent with this image, so that it need not be in the public list."""
        login = self._exchange.login
        return bool(login and login.registry and login.registry.holds(image, self._registries.known or ()))

    def hide(self, text: str) -> str:
        """`text` with `(sensitive)` for the secrets of the credential and of those before it."""
        return self._exchange.hide(text)

    def stop(self) -> None:
        """Send no new requests from now on, reads included; what is in flight goes on, what rests ends at once."""
        self._exchange.gate.stop()

    def guarded(self, guard: Callable[[], Awaitable[None]]) -> Client:
        """This client for somebody who needs more than a credential to change something: a lock.

        `guard` is called right before a create, delete or renewal is sent, each time that it is sent, after all waits.
        What it raises leaves `create`, `delete` and `renew`; the request was not sent then.
        """
        other = copy(self)
        other.guard = guard
        return other

    async def refresh(self) -> None:
        """Read the credential again; raises `Unauthorized` when it is past its date. `sessions` does it too."""
        await self._exchange.look_up_login()

    async def sessions(self) -> Listing:
        """All sessions of the account. Entries without a usable id are left out, and said once to the log."""
        await self.refresh()

        def read(answer: Answer) -> Listing:
            at = self.now()
            sessions, notes = responses.read_sessions(answer.body)
            self._say_once(notes)
            self._identify(sessions)
            return Listing(sessions, at - answer.took, at, responses.user(answer.headers))

        listing: Listing = await self._read(read_call("session"), read)
        return listing

    async def session(self, session_id: str) -> LiveSession | None:
        """One session; None when the server says 404, and for what cannot be an id."""
        if not responses.is_session_id(session_id):
            return None
        found: LiveSession | None = await self._read(
            read_call(f"session/{session_id}", session_id),
            lambda answer: responses.read_session(answer.body),
        )
        self._identify([found] if found else [])
        return found

    async def logs(self, session_id: str) -> str:
        """The whole log; "" for an unknown id, a pending pod and an empty log alike [SessionAction]."""
        return await self._text(session_id, "logs") or ""

    async def events(self, session_id: str) -> str | None:
        """The pod's events as a table, None when there is no pod (404)."""
        return await self._text(session_id, "events")

    async def offer(self) -> Offer:
        """What the server offers; parts that it does not tell in a known form are None. Raises `Unauthorized`."""
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

    async def create(self, request: CreateRequest) -> Outcome:
        """Create one session. Never repeated once it may have had an effect."""
        registry = self._exchange.login.registry if self._exchange.login else None
        trusted: tuple[str, ...] = ()
        if registry and not registry.host:
            try:
                trusted = await self._registries.ask(lambda: self._part("repository", responses.read_registries))
            except SkahaApplyError as error:
                return Refused(0, str(error), auth=True, hint=error.hint)
        outcome = await self._write(create_call(request, registry, trusted), responses.read_created)
        if request.kind.interactive and isinstance(outcome, Accepted):
            self._exchange.options.identify(outcome.id, "")
        if isinstance(outcome, Refused) and (why := explain(outcome.text, registry)):
            return replace(outcome, text=f"{outcome.text} ({why})")
        return outcome

    async def delete(self, session_id: str) -> Outcome:
        """Delete one session; the server says 200 whatever happens [DeleteAction]."""
        if not responses.is_session_id(session_id):
            return Refused(0, f"{session_id!r} is not a session id")
        return await self._write(delete_call(session_id))

    async def renew(self, session_id: str) -> Outcome:
        """Push the deadline of a running session; refused when it is not running."""
        if not responses.is_session_id(session_id):
            return Refused(0, f"{session_id!r} is not a session id")
        return await self._write(renew_call(session_id))

    def _identify(self, sessions: Iterable[LiveSession]) -> None:
        for session in sessions:
            if session.kind != Kind.HEADLESS:
                self._exchange.options.identify(session.id, session.connect_url)

    async def _text(self, session_id: str, view: str) -> str | None:
        if not responses.is_session_id(session_id):
            return None
        text: str | None = await self._read(
            log_call(session_id, view),
            lambda answer: self.hide(answer.body.decode("utf-8", "replace")),
        )
        return text

    async def _part(self, path: str, understand: Callable[[bytes], Any]) -> Any:
        try:
            return await self._read(read_call(path), lambda answer: understand(answer.body))
        except Unauthorized:
            raise
        except ServerError as error:
            _log.info("%s is not known: %s", path, error)
            return None

    def _say_once(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                _log.warning("%s", self.hide(note))

    async def _read(self, call: Call, read: Callable[[Answer], Any]) -> Any:
        ended = await self._exchange.perform(call, read)
        if ended.stopped:
            raise Unreachable(f"{call.method} /{call.path.partition('?')[0]} was {NOT_SENT}")
        answer = ended.result
        if ended.verdict is Verdict.ANSWERED and isinstance(answer, Answer):
            if answer.ok:
                return ended.value
            if answer.status == NOT_FOUND:
                return None
        raise failure(call, ended, self.address, self._exchange.login)

    async def _write(self, call: Call, read_id: Callable[[bytes], str | None] | None = None) -> Outcome:
        try:
            ended = await self._exchange.perform(call, guard=self.guard)
        except StateError:
            raise
        except SkahaApplyError as error:
            return Refused(0, str(error), auth=True, hint=error.hint)
        url = f"{self.address}/{call.path.partition('?')[0]}"
        return outcome(ended, self._exchange.login, url, read_id)
