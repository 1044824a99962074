"""Waits for a new credential, once something was approved: an expired login is an outage, and the open work stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skaha_apply.model.durations import format_exact
from skaha_apply.model.errors import TimeoutReached, Unauthorized, Unreachable
from skaha_apply.model.report import Note

if TYPE_CHECKING:
    from skaha_apply.workflow.reconcile.run import Run

LONGEST = 12 * 3600.0  # seconds without a valid credential, if --timeout does not say otherwise


async def outlast(run: Run, error: Unauthorized) -> bool:
    """Wait until the server accepts a credential again; False if none appeared in time, and then the run is halted.

    The credential is read again every `--poll`. The lock of the state is free meanwhile.
    """
    now = asyncio.get_running_loop().time
    began = now()
    deadline = began + LONGEST if run.deadline is None else run.deadline
    _report(run, error)
    while (left := deadline - now()) > 0:
        await asyncio.sleep(min(run.options.poll, left))
        if await _is_accepted(run):
            _report_end(run)
            return True
    waited = format_exact(round(now() - began))
    run.halted = TimeoutReached(f"no valid credential within {waited}: {error.message}", hint=error.hint)
    return False


async def _is_accepted(run: Run) -> bool:
    try:
        await run.world.client.sessions()
    except (Unauthorized, Unreachable):
        return False
    return True


def _report(run: Run, error: Unauthorized) -> None:
    """Report an outage once, however many projects are waiting."""
    if not run.world.outage.reported:
        run.world.outage.reported = True
        hint = f"; {error.hint}" if error.hint else ""
        run.observe(Note(f"{_clock(run)}: {error.message}{hint}; waiting for a valid credential"))


def _report_end(run: Run) -> None:
    if run.world.outage.reported:
        run.world.outage.reported = False
        run.observe(Note(f"{_clock(run)}: the server accepts the credential again; the work continues"))


def _clock(run: Run) -> str:
    """The time of day; it makes the report another text than that of an earlier outage."""
    return datetime.fromtimestamp(run.world.client.now(), UTC).strftime("%H:%M:%S UTC")
