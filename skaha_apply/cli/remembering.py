"""`state show|unlock|forget|mv`: the memory itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.documents import as_json
from skaha_apply.cli.options import Named, pattern
from skaha_apply.cli.registry import command
from skaha_apply.cli.running import run
from skaha_apply.cli.standard import stdin_bytes
from skaha_apply.cli.streams import Streams
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from skaha_apply.workflow.world import Place

group = typer.Typer(help="The state: what is remembered of each replica.", rich_markup_mode=None)
app.add_typer(group, name="state")


@dataclass(frozen=True, kw_only=True)
class ShowCall(Named):
    """The options of `state show`."""


@dataclass(frozen=True, kw_only=True)
class UnlockCall(Named):
    """The options of `state unlock`."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The id of the lock, as the refusal shows it.")]


@dataclass(frozen=True, kw_only=True)
class ForgetCall(Named):
    """The options of `state forget`."""

    names: Annotated[
        list[str],
        typer.Argument(parser=pattern, metavar="NAME[/REPLICAS]", help="What to forget; `*` means everything."),
    ]


@dataclass(frozen=True, kw_only=True)
class MoveCall(Named):
    """The options of `state mv`."""

    old: Annotated[str, typer.Argument(metavar="OLD", help="The session's or the project's name so far.")]
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name, as the manifest now says it.")]


@command(group, "show")
def show(options: ShowCall) -> ExitCode:
    """Print the state as JSON."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    document = run(statefile.show(place, project))
    Streams.of(options).show(as_json(document.model_dump(mode="json")))
    return ExitCode.OK


@command(group, "unlock")
def unlock(options: UnlockCall) -> ExitCode:
    """Free a lock that a dead or lost run left behind."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    run(statefile.unlock(place, project, options.id))
    Streams.of(options).show("unlocked\n")
    return ExitCode.OK


@command(group, "forget")
def forget(options: ForgetCall) -> ExitCode:
    """Drop the memory of replicas; live sessions stay, and are strangers from then on."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    names = run(statefile.forget(place, project, options.names))
    Streams.of(options).show("".join(f"forgot {line(name)}\n" for name in names))
    return ExitCode.OK


@command(group, "mv")
def move(options: MoveCall) -> ExitCode:
    """Rename a session or a project in the state, so that nothing runs again."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    said = run(statefile.move(place, project, options.old, options.new))
    Streams.of(options).show(f"{line(said)}\n")
    return ExitCode.OK


def _place(options: Named) -> tuple[Place, str]:
    """Where the state is, and the one project that is meant: by its name, or the only one of the manifests."""
    from skaha_apply.workflow.load import diagnose  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.world import find_place  # noqa: PLC0415

    setting = options.setting()
    if setting.project is not None:
        return find_place(setting), setting.project
    projects, _ = diagnose(setting, stdin_bytes)
    names = sorted({project.name for project in projects})
    if len(names) != 1:
        known = f"these manifests have {', '.join(names)}" if names else "no manifest names one"
        raise UsageError(f"which project is meant? {known}", hint="say it with --project")
    return find_place(setting), names[0]
