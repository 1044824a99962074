"""Carry out one request until its end: admit, send, interpret, wait, retry. The policy itself is in `retry`."""

from __future__ import annotations

import asyncio
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.durations import format_exact
from skaha_apply.model.errors import NotSkaha, SkahaApplyError
from skaha_apply.model.report import Note
from skaha_apply.skaha.outcomes import RequestResult, outage_cause
from skaha_apply.skaha.transport.retry import (
    TOO_MANY,
    TRIES,
    Effect,
    Reply,
    ReplyKind,
    Response,
    classify_reply,
    delay,
    retry_after,
)
from skaha_apply.skaha.transport.sender import Sender
from skaha_apply.skaha.transport.throttle import Admission, RequestThrottle

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.skaha.options import ClientOptions
    from skaha_apply.skaha.requests import ApiRequest
    from skaha_apply.skaha.transport.http_message import Guard

    ReadBody = Callable[[Response], Any]


@dataclass(slots=True)
class _RequestProgress:
    """One request on its way. `limited_failures` counts the failures that `TRIES` limits; `spent` are seconds."""

    failures: int = 0
    limited_failures: int = 0
    spent: float = 0.0
    has_read_login: bool = False
    result: RequestResult = field(default_factory=RequestResult)

    def stop(self) -> None:
        """Record that no further try is allowed."""
        self.result = replace(self.result, value=None, stopped=True)


class Exchange:
    """Carries out requests to one server.

    Args:
        options: see `ClientOptions`; raises `UsageError` for an address that cannot be one of a server.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.sender = Sender(options)
        self.throttle = RequestThrottle(options.concurrency, options.patience, options.clock, self._report_outage)
        self._cause = ""  # of the last refusal for a moment
        self._is_skaha = False  # whether a Skaha server has responded at this address

    def _report_outage(self, away: bool, seconds: float) -> None:  # noqa: FBT001 - as the throttle calls it
        """Report an outage or its end; the time of day distinguishes the notes of several outages."""
        time = datetime.fromtimestamp(self.sender.time.now(), UTC).strftime("%H:%M:%S UTC")
        if away:
            longest = f"waiting for at most {format_exact(self.throttle.patience)} in all"
            self.options.observe(Note(f"{time}: {self._cause} for {seconds:.0f}s; {longest}"))
        else:
            self.options.observe(Note(f"{time}: the server is back after {seconds:.0f}s"))

    async def perform(
        self, request: ApiRequest, read: ReadBody | None = None, guard: Guard | None = None
    ) -> RequestResult:
        """Send a request, with the retries of the policy, and return how it ended.

        `read` reads a good response, and raises `NotSkaha` for one that is not from Skaha. `guard` is called right
        before each sending; if it raises, the request is not sent. Raises `Unauthorized` if there is no credential at
        the start.
        """
        if not self.sender.is_ready:
            await self.sender.look_up_login()
        progress = _RequestProgress()
        while True:
            if not self._is_admitted(progress, await self.throttle.enter()):
                return progress.result
            begun = self.options.clock.monotonic()
            generation = self.sender.credential.generation
            try:
                if guard is not None and not await self._may_send(guard, progress):
                    return progress.result
                reply = await self.sender.send(request, max(1.0, self.throttle.patience - progress.spent), guard)
                progress.result = self._interpret(request, reply, read, progress.result)
                progress.spent += self.options.clock.monotonic() - begun
                # Reported to the throttle before the slot is freed, because the next request must know of it.
                wait = self._wait_before_retry(request, progress, begun)
            finally:
                self.throttle.leave()
            if progress.result.reply_kind is ReplyKind.DENIED:
                if not await self._has_new_login(progress, begun, generation):
                    return progress.result
            elif wait is None or not await self._sleep(wait, progress):
                return progress.result

    def _is_admitted(self, progress: _RequestProgress, admission: Admission) -> bool:
        if admission is Admission.GRANTED and self.throttle.stopped.is_set():
            self.throttle.leave()
            admission = Admission.STOPPED
        if admission is Admission.STOPPED:
            progress.stop()
        return admission is Admission.GRANTED

    async def _may_send(self, guard: Guard, progress: _RequestProgress) -> bool:
        await guard()
        if self.throttle.stopped.is_set():
            progress.stop()
        return not progress.result.stopped

    def _interpret(
        self, request: ApiRequest, reply: Reply, read: ReadBody | None, before: RequestResult
    ) -> RequestResult:
        found = classify_reply(request.effect, reply, request.session_id)
        value, error = None, None
        if found is ReplyKind.FINAL and isinstance(reply, Response) and reply.ok and read:
            try:
                value = read(reply)
            except NotSkaha as caught:
                found, error = (
                    ReplyKind.NOT_SKAHA,
                    NotSkaha(self.sender.without_secrets(caught.message), hint=caught.hint),
                )
            else:
                self._is_skaha = True
        unconfirmed = before.unconfirmed or found is ReplyKind.UNCONFIRMED
        return RequestResult(found, reply, value, error, unconfirmed, retry_after(reply, self.sender.time.now()))

    def _wait_before_retry(self, request: ApiRequest, progress: _RequestProgress, begun: float) -> float | None:
        """Seconds until the next try, None after the last; reports the reply to the throttle."""
        result, throttle = progress.result, self.throttle
        assert result.reply is not None  # noqa: S101 - called after a try
        if result.reply_kind in (ReplyKind.FINAL, ReplyKind.DENIED):
            throttle.record_success()
        if result.reply_kind in (ReplyKind.FINAL, ReplyKind.DENIED, ReplyKind.CANNOT_SUCCEED):
            return None
        progress.failures += 1
        asked = result.retry_after
        if result.reply_kind is ReplyKind.BUSY:
            self._cause = outage_cause(result.reply)
            too_many = isinstance(result.reply, Response) and result.reply.status == TOO_MANY
            wait = delay(throttle.probes + 1, self.options.draw(), asked)
            throttle.record_refusal(begun, wait, asked=asked is not None, too_many=too_many)
        elif result.reply_kind is ReplyKind.UNCONFIRMED or not self._is_skaha:
            progress.limited_failures += 1
            if request.effect is Effect.ANOTHER or progress.limited_failures >= TRIES:
                return None
        wait = delay(progress.failures, self.options.draw(), asked)
        left = throttle.patience - progress.spent
        if left <= 0 or (asked or 0.0) > left:
            return None
        return min(wait, left) if asked is None else wait

    async def _has_new_login(self, progress: _RequestProgress, begun: float, generation: int) -> bool:
        """Whether to retry after a 401, because the credential has changed since the request was sent."""
        if progress.has_read_login:
            return False
        progress.has_read_login = True
        try:
            return await self.sender.has_new_login(begun, generation)
        except SkahaApplyError as error:
            progress.result = replace(progress.result, reply_kind=ReplyKind.DENIED, error=error)
            return False

    async def _sleep(self, seconds: float, progress: _RequestProgress) -> bool:
        """Wait before a retry; returns False if the client was stopped meanwhile."""
        progress.spent += seconds
        stopped = self.throttle.stopped
        sleeping = asyncio.ensure_future(self.options.clock.sleep(seconds))
        stopping = asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
        if stopped.is_set():
            progress.stop()
        return not stopped.is_set()

    async def close(self) -> None:
        """Close all connections, and cancel the delay of the throttle."""
        self.throttle.close()
        await self.sender.close()
