"""`state`: show, unlock, change, copy and rebind the state of a project."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import add_group
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import ask
from skaha_apply.cli.event_loop import run
from skaha_apply.cli.help import SELECTION
from skaha_apply.cli.invocation import repeat_command
from skaha_apply.cli.option_types import pattern
from skaha_apply.cli.options import CredentialOptions, IdOptions, LockOptions, NameOptions
from skaha_apply.cli.output.session_ids import are_shown
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.cli.shared_options import YesOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode, SafetyRefusal, UsageError
from skaha_apply.render.printable import as_json, one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import StateLocation
    from skaha_apply.workflow.setup.settings import Settings
    from skaha_apply.workflow.state.rebind import Rebinding, RebindOptions


group = add_group(
    "state",
    "Show or change the state of a project",
    "The state records each replica: its session, its attempts and its phase. The other commands read and write it. "
    "Use these commands after a lost lock, a renamed session, a moved server, or for a backup.",
    ("skaha-apply state show --sandbox", "skaha-apply state pull --sandbox > state.json"),
)


@dataclass(frozen=True, kw_only=True)
class PrintArguments(NameOptions, IdOptions):
    """The options of `state show` and `state pull`."""


@dataclass(frozen=True, kw_only=True)
class UnlockArguments(NameOptions):
    """The options of `state unlock`."""

    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="ID of the lock, or of the lease of a controller, from the error message"),
    ]


@dataclass(frozen=True, kw_only=True)
class ForgetArguments(NameOptions, LockOptions):
    """The options of `state forget`."""

    names: Annotated[
        list[str],
        typer.Argument(parser=pattern, metavar="NAME[/REPLICAS]", help="Replicas to forget; '*' for all"),
    ]


@dataclass(frozen=True, kw_only=True)
class MoveArguments(NameOptions, LockOptions):
    """The options of `state mv`."""

    old: Annotated[str, typer.Argument(metavar="OLD", help="Old name of the session, entry or project")]
    new: Annotated[str, typer.Argument(metavar="NEW", help="New name, as in the manifest")]


@dataclass(frozen=True, kw_only=True)
class PushArguments(LockOptions):
    """The options of `state push`."""

    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="File with the state: from state pull, or a rescue file; - for standard input"
        ),
    ]


@command(group, "show", examples=("skaha-apply state show --sandbox",))
def show(options: PrintArguments) -> ExitCode:
    """Print the state as JSON.

    Reads the state and prints it in the current format. Changes nothing, and takes no lock.
    """
    from skaha_apply.state.values.writer import json_values  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - as above

    location, project = _location(options)
    document = run(edit.show(location, project))
    options.streams().show_document(as_json(json_values(document)))
    return ExitCode.OK


@command(group, "unlock", examples=("skaha-apply state unlock 3f2b6c1e --sandbox",))
def unlock(options: UnlockArguments) -> ExitCode:
    """Remove a lock that no running command owns.

    The error message of a locked state shows the ID, the owner and the time of the lock. Check first that the owner no
    longer runs: two commands that write at the same time can create duplicate sessions. The ID can also be that of the
    lease of a controller (`run`).
    """
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    run(edit.unlock(location, project, options.id))
    options.streams().show("unlocked\n")
    return ExitCode.OK


@command(group, "forget", examples=("skaha-apply state forget reduce/3 --sandbox",))
def forget(options: ForgetArguments) -> ExitCode:
    """Remove the records of replicas from the state.

    Deletes no session. A live session of these replicas becomes an unmanaged session, and finished work runs again at
    the next apply if the manifest still has it.
    """
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    names = run(edit.forget(location, project, options.names))
    streams = options.streams()
    streams.show("".join(f"forgot {one_line(name)}\n" for name in names))
    if not names:
        patterns = one_line(", ".join(options.names))
        streams.notify_line(f"nothing to forget: no record in the state of {one_line(project)} matches {patterns}")
    return ExitCode.OK


@command(group, "mv", examples=("skaha-apply state mv reduce calibrate --sandbox",))
def move(options: MoveArguments) -> ExitCode:
    """Rename a session, entry or project in the state.

    Changes names in the state only, so that a new name in the manifest does not run the work again. The name of an
    entry with a matrix is written as in the manifest, 'tile-${tile}', and renames all combinations.
    """
    from skaha_apply.workflow.state import edit  # noqa: PLC0415 - keeps --help fast

    location, project = _location(options)
    result = run(edit.move(location, project, options.old, options.new))
    options.streams().show(f"{one_line(result)}\n")
    return ExitCode.OK


@command(group, "pull", examples=("skaha-apply state pull --sandbox > state.json",))
def pull(options: PrintArguments) -> ExitCode:
    """Print the stored state, byte by byte.

    Use it for a backup, or to move the state to another store with state push. A state with interactive sessions is
    printed only in a terminal or with --show-ids, and never in a CI job. A damaged state is printed with exit code 1.
    """
    from skaha_apply.state.codec import decode  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.state import transfer  # noqa: PLC0415

    location, project = _location(options)
    data = run(transfer.pull(location, project))
    terminal = options.streams().out_is_terminal
    if not are_shown(terminal=terminal) and transfer.holds_interactive_ids(data):
        raise SafetyRefusal(
            "the state contains IDs of interactive sessions, and everyone who knows such an ID can open the session",
            hint=f"to print them into a file that only you can read (not in a CI job): {repeat_command()} --show-ids",
        )
    options.streams().show_stored(data)
    decode(data, "that was printed")  # raises for a damaged state, after it was printed
    return ExitCode.OK


@command(group, "push", examples=("skaha-apply state push state.json --sandbox",))
def push(options: PushArguments) -> ExitCode:
    """Store a state from a file.

    Stores what state pull printed, or a rescue file that the tool wrote when the state store failed. Refuses a state
    with another lineage, and a state that is not newer than the stored one. The file names the project.
    """
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415
    from skaha_apply.workflow.state import transfer  # noqa: PLC0415 - keeps --help fast

    setting = options.setting()
    source = "the state on standard input" if options.file == "-" else options.file
    data = transfer.read_state(options.file, lambda most: stdin_bytes("a state", most))
    result = run(transfer.push(find_location(setting), setting.project, data, source))
    options.streams().show(f"{one_line(result)}\n")
    return ExitCode.OK


def _location(options: NameOptions) -> tuple[StateLocation, str]:
    """The location of the state and the name of its project."""
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415 - keeps --help fast

    setting = options.setting()
    project = single_project(setting)
    return find_location(setting).at(project), project.name


def single_project(setting: Settings) -> Project:
    """The project that `--project` names, else the only project of the manifests; raises `UsageError`."""
    from skaha_apply.workflow.setup.load import find_project, load_leniently  # noqa: PLC0415 - keeps --help fast

    if setting.project is not None:
        return find_project(setting, setting.project, stdin_bytes)
    projects = load_leniently(setting, stdin_bytes)
    if len(projects) != 1:
        names = sorted(project.name for project in projects)
        known = f"the manifests have several projects, {', '.join(names)}" if names else "the manifests name no project"
        name = shlex.quote(names[0]) if names else "PROJECT"
        raise UsageError(f"project missing: {known}", hint=f"select one: {repeat_command()} --project {name}")
    return projects[0]


@dataclass(frozen=True, kw_only=True)
class RebindArguments(NameOptions, CredentialOptions, LockOptions):
    """The options of `state rebind`."""

    account: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the account on the server (default: the account of the listed sessions)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="HOST",
            help="Host of the old server, if there are states of several servers (default: none)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    yes: YesOption = False


@command(group, "rebind", examples=("skaha-apply state rebind --from ws-uv.canfar.net",))
def rebind(options: RebindArguments) -> ExitCode:
    """Bind the state to another server or credential.

    Use it if the server moved to another address, if the account was renamed, or if the credential is new and owns no
    session yet. Prints what would change, with the number of active sessions that the server lists, and asks for
    approval.
    """
    from skaha_apply.workflow.state.rebind import RebindOptions  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    if options.uses_sandbox:
        raise UsageError("the state of a sandbox cannot be bound to another server", hint="remove --sandbox")
    setting = options.setting()
    project = single_project(setting)

    async def approve(rebinding: Rebinding) -> bool:
        streams.show(_rebinding_text(rebinding))
        return (
            not rebinding.changes or options.yes or await ask(streams, f"Rebind the state of {one_line(project.name)}?")
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


def _rebinding_text(planned: Rebinding) -> str:
    rows = [
        ("state", _change(*planned.address)),
        ("server", _change(*planned.server)),
        ("account", _change(*(account or "(not known yet)" for account in planned.account))),
        ("credential", "recorded as a credential of the account" if planned.trusts else "not recorded"),
        ("sessions", f"the server lists {planned.listed} of {counted(planned.active, 'active session')}"),
    ]
    text = "".join(f"{name + ':':<12}{value}\n" for name, value in rows)
    return text if planned.changes else f"{text}Nothing to rebind.\n"


def _change(before: str, after: str) -> str:
    return one_line(before) if before == after else f"{one_line(before)} -> {one_line(after)}"
