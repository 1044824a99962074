"""`open`: find the interactive session of a name, and its address."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from skaha_apply.model.counts import first_names
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.session import Kind, Phase
from skaha_apply.workflow.account.ps import account_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.account.sessions import OwnedSession
    from skaha_apply.model.session import LiveSession
    from skaha_apply.workflow.setup.settings import Settings

MOST_NAMED = 5
_WEB = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)


async def find_interactive(setting: Settings, name: str) -> LiveSession:
    """The running interactive session of a name, with its address: the one that started last if there are several.

    Args:
        setting: the server and the credential.
        name: a live name (`desk-2`), or a name in a manifest with a replica (`desk/2`); case does not count.

    Raises:
        UsageError: no session has that name, or it is headless.
        SkahaApplyError: the session does not run yet, has ended, or has no address of a web page.
    """
    found = await account_sessions(setting)
    named = [one for one in found.sessions if _has_name(one, name.strip().lower())]
    if not named:
        raise UsageError(f"no session has the name {name!r}", hint=_known(found.sessions))
    interactive = [one for one in named if one.live.kind != Kind.HEADLESS]
    if not interactive:
        raise UsageError(f"{name} is headless, so it has no page to open", hint=_logs(named[0]))
    running = [one.live for one in interactive if one.live.phase is Phase.RUNNING]
    if not running:
        raise _not_running(interactive[-1])
    live = max(running, key=lambda one: one.started or 0.0)
    if not _WEB.fullmatch(live.connect_url):
        raise SkahaApplyError(f"the server lists no web address for {name}", hint="to see it, run `skaha-apply ps`")
    return live


def _has_name(one: OwnedSession, name: str) -> bool:
    session, slash, replica = name.partition("/")
    names = {one.live.name, one.replica.lower()}
    return name in names or bool(slash and one.live.name == f"{session}-{replica}")


def _known(sessions: Sequence[OwnedSession]) -> str:
    names = sorted({one.live.name for one in sessions if one.live.kind != Kind.HEADLESS and one.live.name})
    known = f"the interactive sessions are {first_names(names, MOST_NAMED)}" if names else "no session is interactive"
    return f"{known}; to see every session, run `skaha-apply ps`"


def _logs(one: OwnedSession) -> str:
    if not one.replica:
        return "to see every session, run `skaha-apply ps`"
    return f"to see its output, run `skaha-apply logs {shlex.quote(one.replica)}`"


def _not_running(one: OwnedSession) -> SkahaApplyError:
    live, again = one.live, f"`skaha-apply open {shlex.quote(one.live.name)}`"
    follow = "`skaha-apply status --watch`" if one.project else "`skaha-apply ps`"
    if live.phase.active and live.phase is not Phase.TERMINATING:
        hint = f"to see when it runs, run {follow}; then run {again}"
        return SkahaApplyError(f"{live.name} does not run yet: its status is {live.status}", hint=hint)
    hint = "to start it again, run `skaha-apply apply`" if one.project else "to see every session, run `skaha-apply ps`"
    return SkahaApplyError(f"{live.name} does not run any more: its status is {live.status}", hint=hint)
