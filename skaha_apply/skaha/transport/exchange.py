"""One request until its end: gate, send, judge, rest, again; the imperative half of the retry policy."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skaha_apply.model import __version__
from skaha_apply.model.durations import format_exact
from skaha_apply.model.errors import NotSkaha, SkahaApplyError, UsageError
from skaha_apply.model.report import Note
from skaha_apply.skaha.address import base_url
from skaha_apply.skaha.auth.credential import Credential, renew_nothing
from skaha_apply.skaha.outcomes import Ended, problem
from skaha_apply.skaha.transport.clock import Clock, ServerTime, SystemClock
from skaha_apply.skaha.transport.connections import Connections, Limits
from skaha_apply.skaha.transport.retry import (
    TOO_MANY,
    TRIES,
    Answer,
    Effect,
    Result,
    Verdict,
    delay,
    judge,
    retry_after,
)
from skaha_apply.skaha.transport.throttle import Entry, RequestThrottle

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event
    from skaha_apply.skaha.auth.credential import Renew
    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import Call
    from skaha_apply.skaha.transport.connections import Guard, MakeTransport

MOST_CONCURRENCY = 256
_LOG_FACTOR = 5  # a log may be a thousand times as long as any other response
_BODY_FACTOR = 3  # a body that keeps arriving, against the patience for a silent server
_log = logging.getLogger("skaha_apply.http")


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How the client works.

    `server` is a base URL, `login` reads the credential, and `renew` runs a program that renews it before. At most
    `concurrency` requests are in flight (1 to 256). An answer has `answer` seconds, a connection `connect`; what is
    refused for the moment is repeated for `patience` seconds. `observe` is told when the server stays away for long,
    and when it is back. `transport`, `clock` and `draw` (a random number from [0, 1)) are for tests.
    """

    server: str
    login: Callable[[], Login]
    renew: Renew = renew_nothing
    concurrency: int = 32
    patience: float = 10.0
    answer: float = 120.0
    connect: float = 10.0
    observe: Callable[[Event], None] = lambda _: None
    identify: Callable[[str, str], None] = lambda _id, _url: None
    transport: MakeTransport | None = None
    clock: Clock = field(default_factory=SystemClock)
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= MOST_CONCURRENCY:
            raise UsageError(f"concurrency is 1 to {MOST_CONCURRENCY}, not {self.concurrency}")


@dataclass(slots=True)
class _Progress:
    """What one request has gone through so far."""

    failures: int = 0
    odd: int = 0  # answers that may come again and again: errors of the server, answers of others
    spent: float = 0.0
    relogged: bool = False
    ended: Ended = field(default_factory=Ended)


class Exchange:
    """Carries out requests against one server.

    Args:
        options: see `ClientOptions`; raises `UsageError` for an address that cannot be one.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.base = base_url(options.server, "the server's address")
        self.time = ServerTime(options.clock)
        self.gate = RequestThrottle(options.concurrency, options.patience, options.clock, self._outage)
        self.credential = Credential(options.login, options.renew, options.clock, self.time.now)
        self._path = urlsplit(self.base).path
        self._connections: Connections | None = None
        self._shown: Login | None = None  # the login that the connections were made for
        self._problem = ""  # why the last request was refused for the moment
        self._known = False  # whether a Skaha server has answered at this address

    def _outage(self, away: bool, seconds: float) -> None:  # noqa: FBT001 - what the gate tells
        """Say that the server is away, or back; the hour makes it another message than that of an earlier outage."""
        hour = datetime.fromtimestamp(self.time.now(), UTC).strftime("%H:%M:%S UTC")
        if away:
            most = f"waiting for at most {format_exact(self.gate.patience)} in all"
            self.options.observe(Note(f"{hour}: {self._problem} for {seconds:.0f}s; {most}"))
        else:
            self.options.observe(Note(f"{hour}: the server is back after {seconds:.0f}s"))

    @property
    def login(self) -> Login | None:
        """The credential in use; None before it was read."""
        return self.credential.login

    def hide(self, text: str) -> str:
        """`text` without the secrets of the credential and of those before it."""
        return self.login.hide_in(text) if self.login else text

    async def look_up_login(self) -> None:
        """Read the credential again; raises what `Credential.read` raises."""
        await self.credential.read()
        await self._connect()

    async def _connect(self) -> None:
        """Make connections that show the certificate in use, if the present ones do not."""
        login, shown, old = self.login, self._shown, self._connections
        if login is None or (old is not None and shown is not None and shown.pem == login.pem):
            return
        self._connections = Connections(self.base, login, self.options.clock, self.options.transport)
        self._shown = login
        if old:
            await old.close()

    async def perform(
        self,
        call: Call,
        read: Callable[[Answer], Any] | None = None,
        guard: Guard | None = None,
    ) -> Ended:
        """Send a request, as often as the policy allows, and say how it ended.

        `read` understands a good answer, and raises `NotSkaha` when it is none. `guard` is called right before each
        sending; if it raises, the request is not sent. Raises `Unauthorized` if there is no credential at the start.
        """
        if self._connections is None:
            await self.look_up_login()
        progress = _Progress()
        while True:
            if self._over(progress, await self.gate.enter()):
                return progress.ended
            begun = self.options.clock.monotonic()
            generation = self.credential.generation
            try:
                if guard is not None and not await self._may_send(guard, progress):
                    return progress.ended
                result = await self._send(call, progress, guard)
                progress.ended = self._judge(call, result, read, progress.ended)
                progress.spent += self.options.clock.monotonic() - begun
                # Told to the gate before the place is given back, or the next one would not know of it.
                rest = self._rest(call, progress, begun)
            finally:
                self.gate.leave()
            if progress.ended.verdict is Verdict.DENIED:
                if not await self._other_login(progress, begun, generation):
                    return progress.ended
            elif rest is None or not await self._sleep(rest, progress):
                return progress.ended

    def _over(self, progress: _Progress, entry: Entry) -> bool:
        if entry is Entry.GRANTED and self.gate.stopped.is_set():
            self.gate.leave()
            entry = Entry.STOPPED
        if entry is Entry.STOPPED:
            progress.ended = _stopped(progress.ended)
        return entry is not Entry.GRANTED

    async def _may_send(self, guard: Guard, progress: _Progress) -> bool:
        await guard()
        if self.gate.stopped.is_set():
            progress.ended = _stopped(progress.ended)
        return not progress.ended.stopped

    async def _send(self, call: Call, progress: _Progress, guard: Guard | None) -> Result:
        assert self._connections is not None  # noqa: S101 - `perform` has looked the credential up
        options = self.options
        limits = self._limits(call, max(1.0, self.gate.patience - progress.spent))
        begun = options.clock.monotonic()
        result = await self._connections.send(call, self._headers(call), limits, guard)
        took = (options.clock.monotonic() - begun) * 1000
        if isinstance(result, Answer):
            self.time.learn(result.headers.get("date"), result.took)
            _log.info("%s %s/%s %d %.0f ms", call.method, self._path, call.path, result.status, took)
        else:
            _log.info("%s %s/%s: %s, %.0f ms", call.method, self._path, call.path, result.text, took)
        return result

    def _limits(self, call: Call, left: float) -> Limits:
        """How long one try may take when `left` seconds of patience remain.

        A read waits for a silent server no longer than `left`, before and within the body. A body that keeps arriving
        has a few times as long: a list of 10,000 sessions is 7 MB. A log may pause, because the server copies a long
        one in small pieces [CommandExecutioner]. A write always has the full time, since ending it early leaves its
        outcome unknown.
        """
        most = self.options.answer
        connect = min(self.options.connect, left)
        if call.effect is not Effect.READ:
            return Limits(connect, most, most, most)
        if call.tail:
            return Limits(connect, min(most, left), most, most * _LOG_FACTOR)
        return Limits(connect, min(most, left), min(most, left), min(most, left * _BODY_FACTOR))

    def _headers(self, call: Call) -> list[tuple[str, str]]:
        headers = [("user-agent", f"skaha-apply/{__version__}"), ("accept", "*/*"), *call.headers]
        if self.login and self.login.token:
            headers.append(("authorization", f"Bearer {self.login.token.reveal()}"))
        return headers

    def _judge(self, call: Call, result: Result, read: Callable[[Answer], Any] | None, before: Ended) -> Ended:
        verdict = judge(call.effect, result, call.known_as)
        value, error = None, None
        if verdict is Verdict.ANSWERED and isinstance(result, Answer) and result.ok and read:
            try:
                value = read(result)
            except NotSkaha as caught:
                verdict, error = Verdict.FOREIGN, NotSkaha(self.hide(caught.message), hint=caught.hint)
            else:
                self._known = True
        doubt = before.doubt or verdict is Verdict.UNSURE
        return Ended(verdict, result, value, error, doubt, retry_after(result, self.time.now()))

    def _rest(self, call: Call, progress: _Progress, begun: float) -> float | None:
        """Seconds until the next try, None when this was the last; tells the gate how the server does."""
        ended, gate = progress.ended, self.gate
        assert ended.result is not None  # noqa: S101 - called after a try
        if ended.verdict in (Verdict.ANSWERED, Verdict.DENIED):
            gate.answered()
        if ended.verdict in (Verdict.ANSWERED, Verdict.DENIED, Verdict.CANNOT_SUCCEED):
            return None
        progress.failures += 1
        told = ended.asked
        if ended.verdict is Verdict.BUSY:
            self._problem = problem(ended.result)
            too_many = isinstance(ended.result, Answer) and ended.result.status == TOO_MANY
            pause = delay(gate.probes + 1, self.options.draw(), told)
            gate.refused(begun, pause, asked=told is not None, too_many=too_many)
        elif ended.verdict is Verdict.UNSURE or not self._known:
            progress.odd += 1
            if call.effect is Effect.ANOTHER or progress.odd >= TRIES:
                return None
        rest = delay(progress.failures, self.options.draw(), told)
        left = gate.patience - progress.spent
        if left <= 0 or (told or 0.0) > left:
            return None
        return min(rest, left) if told is None else rest

    async def _other_login(self, progress: _Progress, begun: float, generation: int) -> bool:
        """Whether a 401 is worth another try: the credential has changed since that one was sent."""
        if progress.relogged:
            return False
        progress.relogged = True
        try:
            changed = await self.credential.after_refusal(begun, generation)
            await self._connect()
        except SkahaApplyError as error:
            progress.ended = replace(progress.ended, verdict=Verdict.DENIED, error=error)
            return False
        return changed

    async def _sleep(self, seconds: float, progress: _Progress) -> bool:
        """Rest; False when no new tries are wanted."""
        progress.spent += seconds
        stopped = self.gate.stopped
        sleeping = asyncio.ensure_future(self.options.clock.sleep(seconds))
        stopping = asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
        if stopped.is_set():
            progress.ended = _stopped(progress.ended)
        return not stopped.is_set()

    async def close(self) -> None:
        """Close all connections."""
        self.gate.close()
        if self._connections:
            await self._connections.close()


def _stopped(ended: Ended) -> Ended:
    return replace(ended, value=None, stopped=True)
