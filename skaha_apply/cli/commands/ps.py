"""`ps`: list all sessions of the account."""

from __future__ import annotations

from typing import Annotated

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import AccountOptions
from skaha_apply.cli.output.session_ids import are_shown, mask_ids, show_ids
from skaha_apply.cli.shared_options import ShowIdsOption, TextOrJson, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode


@dataclass(frozen=True, kw_only=True)
class PsArguments(AccountOptions):
    """The options of `ps`."""

    output: Annotated[TextOrJson, format_option("list")] = TextOrJson.TEXT
    show_ids: ShowIdsOption = False


@command(app, "ps", examples=("skaha-apply ps --sandbox", "skaha-apply ps --sandbox -o json"))
def ps(options: PsArguments) -> ExitCode:
    """List all sessions of the account, and their projects.

    Reads the session listing of the server and every state of this checkout. A session without a project is unmanaged,
    or the state of its project is elsewhere. Changes nothing.
    """
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.cli.output.streams import size_of  # noqa: PLC0415
    from skaha_apply.render.account.sessions import ps_document, ps_text  # noqa: PLC0415
    from skaha_apply.render.printable import as_json  # noqa: PLC0415
    from skaha_apply.workflow.account.ps import account_sessions  # noqa: PLC0415

    streams = options.streams()
    if options.show_ids:
        show_ids()
    found = run(account_sessions(options.setting()), streams.restore_terminal)
    if options.output is TextOrJson.JSON:
        streams.show_document(as_json(ps_document(found, addresses=are_shown())))
    elif not found.sessions:
        streams.message("note", f"no session of {found.account or 'this account'} is live")
    else:
        terminal = streams.out_is_terminal
        width = size_of(streams.out)[0] if terminal else None
        streams.show(ps_text(found, width, lambda text: mask_ids(text, terminal=terminal), streams.out_paint))
    return ExitCode.OK
