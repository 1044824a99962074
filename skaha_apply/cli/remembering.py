"""`state show|unlock|forget|mv|pull|push`: the memory itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.documents import as_json
from skaha_apply.cli.options import Located, Named
from skaha_apply.cli.parsers import pattern
from skaha_apply.cli.registry import command
from skaha_apply.cli.running import run
from skaha_apply.cli.session_ids import are_shown
from skaha_apply.cli.standard import stdin_bytes
from skaha_apply.model.errors import ExitCode, SafetyRefusal, UsageError
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from skaha_apply.model.spec import Project
    from skaha_apply.workflow.setting import Setting
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


@dataclass(frozen=True, kw_only=True)
class PullCall(Named):
    """The options of `state pull`."""


@dataclass(frozen=True, kw_only=True)
class PushCall(Located):
    """The options of `state push`."""

    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A state: from state pull, or a rescue file.")]


@command(group, "show")
def show(options: ShowCall) -> ExitCode:
    """Print the state as JSON."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    document = run(statefile.show(place, project))
    options.streams().show_document(as_json(document.model_dump(mode="json")))
    return ExitCode.OK


@command(group, "unlock")
def unlock(options: UnlockCall) -> ExitCode:
    """Free a lock that a dead or lost run left behind."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    run(statefile.unlock(place, project, options.id))
    options.streams().show("unlocked\n")
    return ExitCode.OK


@command(group, "forget")
def forget(options: ForgetCall) -> ExitCode:
    """Drop the memory of replicas; live sessions stay, and are strangers from then on."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    names = run(statefile.forget(place, project, options.names))
    streams = options.streams()
    streams.show("".join(f"forgot {line(name)}\n" for name in names))
    if not names:
        wanted = line(", ".join(options.names))
        streams.say(f"nothing to forget: no record in the state of {line(project)} matches {wanted}")
    return ExitCode.OK


@command(group, "mv")
def move(options: MoveCall) -> ExitCode:
    """Rename a session or a project in the state, so that nothing runs again."""
    from skaha_apply.workflow import statefile  # noqa: PLC0415 - keeps --help fast

    place, project = _place(options)
    said = run(statefile.move(place, project, options.old, options.new))
    options.streams().show(f"{line(said)}\n")
    return ExitCode.OK


@command(group, "pull")
def pull(options: PullCall) -> ExitCode:
    """Print the stored state as it is, byte by byte."""
    from skaha_apply.state.codec import decode  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow import transfer  # noqa: PLC0415

    place, project = _place(options)
    data = run(transfer.pull(place, project))
    terminal = options.streams().out_is_terminal
    if not are_shown(terminal=terminal) and transfer.holds_interactive_ids(data):
        raise SafetyRefusal(
            "the state holds IDs of interactive sessions; who knows such an ID can open the session",
            hint="--show-ids prints them into a file that only you can read, but not in a CI job",
        )
    options.streams().show_stored(data)
    decode(data, "that was printed")  # a damaged one is printed all the same, and said to be so
    return ExitCode.OK


@command(group, "push")
def push(options: PushCall) -> ExitCode:
    """Store a state: what was pulled, or kept when its store did not take it. Never over a newer one."""
    from skaha_apply.workflow import transfer  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.world import find_place  # noqa: PLC0415

    setting = options.setting()
    source = "the state on standard input" if options.file == "-" else options.file
    said = run(transfer.push(find_place(setting), setting.project, _bytes(options.file), source))
    options.streams().show(f"{line(said)}\n")
    return ExitCode.OK


def _bytes(file: str) -> bytes:
    try:
        return stdin_bytes() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the state {file}: {error.strerror}") from error


def _place(options: Named) -> tuple[Place, str]:
    """Where the state is, and the name of the project."""
    from skaha_apply.workflow.world import find_place  # noqa: PLC0415 - keeps --help fast

    setting = options.setting()
    project = chosen_project(setting)
    return find_place(setting).at(project), project.name


def chosen_project(setting: Setting) -> Project:
    """The project that `--project` names, else the only one of the manifests; raises `UsageError`."""
    from skaha_apply.workflow.load import find_project, load_leniently  # noqa: PLC0415 - keeps --help fast

    if setting.project is not None:
        return find_project(setting, setting.project, stdin_bytes)
    projects = load_leniently(setting, stdin_bytes)
    if len(projects) != 1:
        names = ", ".join(sorted(project.name for project in projects))
        known = f"these manifests have {names}" if names else "no manifest names one"
        raise UsageError(f"which project is meant? {known}", hint="say it with --project")
    return projects[0]
