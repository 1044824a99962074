"""Waits for a new credential, once a plan is approved: an expired login is an outage, and the open work stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skaha_apply.model.durations import format_exact
from skaha_apply.model.errors import TimeoutReached, Unauthorized, Unreachable
from skaha_apply.model.report import Note

if TYPE_CHECKING:
    from skaha_apply.workflow.reconcile.request import ApplyRequest

LONGEST = 12 * 3600.0  # seconds without a valid credential, unless --timeout ends the wait earlier


async def wait_for_credential(
    request: ApplyRequest, error: Unauthorized, deadline: float | None
) -> TimeoutReached | None:
    """Wait until the server accepts a credential again; returns the timeout if none appears in time.

    The credential is read again every `--poll`. The lock of the state is free meanwhile. `deadline` is a time of the
    event loop.
    """
    now = asyncio.get_running_loop().time
    began = now()
    deadline = began + LONGEST if deadline is None else deadline
    _report(request, error)
    while (left := deadline - now()) > 0:
        await asyncio.sleep(min(request.options.poll, left))
        if await _is_accepted(request):
            _report_end(request)
            return None
    waited = format_exact(round(now() - began))
    return TimeoutReached(f"no valid credential within {waited}: {error.message}", hint=error.hint)


async def _is_accepted(request: ApplyRequest) -> bool:
    try:
        await request.context.client.sessions()
    except (Unauthorized, Unreachable):
        return False
    return True


def _report(request: ApplyRequest, error: Unauthorized) -> None:
    """Report an outage once, however many projects are waiting."""
    outage = request.context.outage
    if not outage.reported:
        outage.reported = True
        hint = f"; {error.hint}" if error.hint else ""
        request.observe(Note(f"{_time_of_day(request)}: {error.message}{hint}; waiting for a valid credential"))


def _report_end(request: ApplyRequest) -> None:
    outage = request.context.outage
    if outage.reported:
        outage.reported = False
        request.observe(Note(f"{_time_of_day(request)}: the server accepts the credential again; the work continues"))


def _time_of_day(request: ApplyRequest) -> str:
    """The server's time; with it the report of a later outage is another text, so that it is not dropped as a copy."""
    return datetime.fromtimestamp(request.context.client.now(), UTC).strftime("%H:%M:%S UTC")
