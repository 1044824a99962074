"""`state rebind`: a state whose server moved, or whose account uses another credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.asking import ask
from skaha_apply.cli.options import Named, Yes
from skaha_apply.cli.registry import command
from skaha_apply.cli.remembering import chosen_project, group
from skaha_apply.cli.running import run
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.spec import Project
    from skaha_apply.workflow.rebind import Rebinding, RebindOptions
    from skaha_apply.workflow.setting import Setting


@dataclass(frozen=True, kw_only=True)
class RebindCall(Named):
    """The options of `state rebind`."""

    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The account: where it was renamed, or no list tells it."),
    ] = None
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="HOST", help="The host of the server as it was, if there are several states."),
    ] = None
    yes: Yes = False


@command(group, "rebind")
def rebind(options: RebindCall) -> ExitCode:
    """Bind the state to the server and the credential of this call: for a server that moved, or a new credential."""
    from skaha_apply.workflow.rebind import RebindOptions  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    if options.sandbox:
        raise UsageError("the state of the sandbox is bound to nothing else", hint="leave --sandbox out")
    setting = options.setting()
    project = chosen_project(setting)

    async def approve(planned: Rebinding) -> bool:
        streams.show(_text(planned))
        return not planned.changes or options.yes or await ask(streams, f"Rebind the state of {line(project.name)}?")

    given = RebindOptions(account=options.account, host=options.from_)
    return ExitCode.OK if run(_rebind(setting, project, given, approve)) else ExitCode.ERROR


async def _rebind(
    setting: Setting,
    project: Project,
    options: RebindOptions,
    approve: Callable[[Rebinding], Awaitable[bool]],
) -> bool:
    from skaha_apply.workflow.rebind import rebind  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.world import open_world  # noqa: PLC0415

    async with open_world(setting) as world:
        return await rebind(world.at(project), project.name, options, approve)


def _text(planned: Rebinding) -> str:
    rows = [
        ("state", _change(*planned.address)),
        ("server", _change(*planned.server)),
        ("account", _change(*(one or "(not known yet)" for one in planned.account))),
        ("credential", "is remembered as that of the account" if planned.trusts else "nothing to remember"),
        ("sessions", f"{planned.listed} of {planned.active} active ones are listed by the server"),
    ]
    text = "".join(f"{name + ':':<12}{said}\n" for name, said in rows)
    return text if planned.changes else f"{text}Nothing to rebind.\n"


def _change(before: str, after: str) -> str:
    return line(before) if before == after else f"{line(before)} -> {line(after)}"
