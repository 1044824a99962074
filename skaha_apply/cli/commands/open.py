"""`open`: open an interactive session in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import AccountOptions
from skaha_apply.cli.output.browser import open_in_browser
from skaha_apply.cli.output.session_ids import are_shown
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, SkahaApplyError


@dataclass(frozen=True, kw_only=True)
class OpenArguments(AccountOptions):
    """The options of `open`."""

    name: Annotated[
        str,
        typer.Argument(metavar="NAME[/REPLICA]", help="Name of the session: desk, desk-2, desk/2", show_default=False),
    ]


@command(app, "open", examples=("skaha-apply open desk --sandbox",))
def open_session(options: OpenArguments) -> ExitCode:
    """Open an interactive session in the browser.

    Uses the program in $BROWSER, else the default browser. The URL contains the password of the session, so it is
    printed in a terminal only. Waits for nothing: for a session that does not run yet, prints how to follow it.
    """
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.account.open import find_interactive  # noqa: PLC0415

    streams = options.streams()
    live = run(find_interactive(options.setting(), options.name), streams.restore_terminal)
    if streams.out_is_terminal and are_shown(terminal=True):
        streams.show(f"{live.connect_url}\n")
    if not open_in_browser(live.connect_url):
        raise SkahaApplyError("no browser could be started", hint="name one in BROWSER: export BROWSER=firefox")
    streams.notify_line(f"opened {live.name} in the browser")
    return ExitCode.OK
