"""`state show|unlock|forget|mv|pull|push`: the memory itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.event_loop import run
from skaha_apply.cli.option_types import pattern
from skaha_apply.cli.options import NameOptions, ServerOptions, Yes
from skaha_apply.cli.output.session_ids import are_shown
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.cli.prompt import ask
from skaha_apply.model.errors import ExitCode, SafetyRefusal, UsageError
from skaha_apply.render.printable import as_json, one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import StateLocation
    from skaha_apply.workflow.setup.settings import Settings
    from skaha_apply.workflow.state.rebind import Rebinding, RebindOptions


group = typer.Typer(help="The state: what is remembered of each replica.", rich_markup_mode=None)
app.add_typer(group, name="state")


@dataclass(frozen=True, kw_only=True)
class ShowArguments(NameOptions):
    """The options of `state show`."""


@dataclass(frozen=True, kw_only=True)
class UnlockArguments(NameOptions):
    """The options of `state unlock`."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The id of the lock, as the refusal shows it.")]


@dataclass(frozen=True, kw_only=True)
class ForgetArguments(NameOptions):
    """The options of `state forget`."""

    names: Annotated[
        list[str],
        typer.Argument(parser=pattern, metavar="NAME[/REPLICAS]", help="What to forget; `*` means everything."),
    ]


@dataclass(frozen=True, kw_only=True)
class MoveArguments(NameOptions):
    """The options of `state mv`."""

    old: Annotated[str, typer.Argument(metavar="OLD", help="The session's or the project's name so far.")]
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name, as the manifest now says it.")]


@dataclass(frozen=True, kw_only=True)
class PullArguments(NameOptions):
    """The options of `state pull`."""


@dataclass(frozen=True, kw_only=True)
class PushArguments(ServerOptions):
    """The options of `state push`."""

    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A state: from state pull, or a rescue file.")]


@command(group, "show")
def show(options: ShowArguments) -> ExitCode:
    """Print the state as JSON."""
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    document = run(edit.show(location, project))
    options.streams().show_document(as_json(document.model_dump(mode="json")))
    return ExitCode.OK


@command(group, "unlock")
def unlock(options: UnlockArguments) -> ExitCode:
    """Free a lock that a dead or lost run left behind."""
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    run(edit.unlock(location, project, options.id))
    options.streams().show("unlocked\n")
    return ExitCode.OK


@command(group, "forget")
def forget(options: ForgetArguments) -> ExitCode:
    """Drop the memory of replicas; live sessions stay, and are strangers from then on."""
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    names = run(edit.forget(location, project, options.names))
    streams = options.streams()
    streams.show("".join(f"forgot {one_line(name)}\n" for name in names))
    if not names:
        wanted = one_line(", ".join(options.names))
        streams.notify_line(f"nothing to forget: no record in the state of {one_line(project)} matches {wanted}")
    return ExitCode.OK


@command(group, "mv")
def move(options: MoveArguments) -> ExitCode:
    """Rename a session or a project in the state, so that nothing runs again."""
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    said = run(edit.move(location, project, options.old, options.new))
    options.streams().show(f"{one_line(said)}\n")
    return ExitCode.OK


@command(group, "pull")
def pull(options: PullArguments) -> ExitCode:
    """Print the stored state as it is, byte by byte."""
    from skaha_apply.state.codec import decode  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.state import transfer  # noqa: PLC0415

    location, project = _location(options)
    data = run(transfer.pull(location, project))
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
def push(options: PushArguments) -> ExitCode:
    """Store a state: what was pulled, or kept when its store did not take it. Never over a newer one."""
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415
    from skaha_apply.workflow.state import transfer  # noqa: PLC0415 - keeps --help fast

    setting = options.setting()
    source = "the state on standard input" if options.file == "-" else options.file
    said = run(transfer.push(find_location(setting), setting.project, _bytes(options.file), source))
    options.streams().show(f"{one_line(said)}\n")
    return ExitCode.OK


def _bytes(file: str) -> bytes:
    try:
        return stdin_bytes() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the state {file}: {error.strerror}") from error


def _location(options: NameOptions) -> tuple[StateLocation, str]:
    """Where the state is, and the name of the project."""
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415 - keeps --help fast

    setting = options.setting()
    project = single_project(setting)
    return find_location(setting).at(project), project.name


def single_project(setting: Settings) -> Project:
    """The project that `--project` names, else the only one of the manifests; raises `UsageError`."""
    from skaha_apply.workflow.setup.load import find_project, load_leniently  # noqa: PLC0415 - keeps --help fast

    if setting.project is not None:
        return find_project(setting, setting.project, stdin_bytes)
    projects = load_leniently(setting, stdin_bytes)
    if len(projects) != 1:
        names = ", ".join(sorted(project.name for project in projects))
        known = f"these manifests have {names}" if names else "no manifest names one"
        raise UsageError(f"which project is meant? {known}", hint="say it with --project")
    return projects[0]


@dataclass(frozen=True, kw_only=True)
class RebindArguments(NameOptions):
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
def rebind(options: RebindArguments) -> ExitCode:
    """Bind the state to the server and the credential of this call: for a server that moved, or a new credential."""
    from skaha_apply.workflow.state.rebind import RebindOptions  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    if options.sandbox:
        raise UsageError("the state of the sandbox is bound to nothing else", hint="leave --sandbox out")
    setting = options.setting()
    project = single_project(setting)

    async def approve(planned: Rebinding) -> bool:
        streams.show(_text(planned))
        return (
            not planned.changes or options.yes or await ask(streams, f"Rebind the state of {one_line(project.name)}?")
        )

    given = RebindOptions(account=options.account, host=options.from_)
    return ExitCode.OK if run(_rebind(setting, project, given, approve)) else ExitCode.ERROR


async def _rebind(
    setting: Settings,
    project: Project,
    options: RebindOptions,
    approve: Callable[[Rebinding], Awaitable[bool]],
) -> bool:
    from skaha_apply.workflow.setup.context import open_context  # noqa: PLC0415
    from skaha_apply.workflow.state.rebind import rebind  # noqa: PLC0415 - keeps --help fast

    async with open_context(setting) as context:
        return await rebind(context.at(project), project.name, options, approve)


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
    return one_line(before) if before == after else f"{one_line(before)} -> {one_line(after)}"
