"""`mark`: set by hand what no session listing can show, that replicas are complete, to be rerun, or on hold."""

from __future__ import annotations

import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import ask
from skaha_apply.cli.help import INPUT, SAFETY, SELECTION
from skaha_apply.cli.invocation import repeat_command
from skaha_apply.cli.option_types import pattern
from skaha_apply.cli.options import NameOptions, RecordOptions, ServerOptions
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.shared_options import YesOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.project import Project
    from skaha_apply.render.color import Paint
    from skaha_apply.workflow.mark import Mark, MarkOptions
    from skaha_apply.workflow.setup.context import Context

PREVIEWED = 50  # replicas that are listed before the question


class MarkVerb(StrEnum):
    """The marks that a replica can get."""

    COMPLETE = "complete"
    RERUN = "rerun"
    HOLD = "hold"


class MarkPhase(StrEnum):
    """The phases that `--phase` can select."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class MarkArguments(NameOptions, ServerOptions, RecordOptions):
    """The options of `mark`."""

    verb: Annotated[
        MarkVerb,
        typer.Argument(
            metavar="complete|rerun|hold",
            help="complete: the work is done; rerun: run it again; hold: do not run it until it is marked rerun",
            show_default=False,
        ),
    ]
    names: Annotated[
        list[str] | None,
        typer.Argument(
            parser=pattern,
            metavar="NAME[/REPLICAS]",
            help="Replicas to mark: names, patterns ('tile-27*', 'tile-${tile}') or ranges (reduce/3,7-9)",
            show_default=False,
        ),
    ] = None
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|-",
            help="File with one name on each line; - for standard input (default: none)",
            rich_help_panel=INPUT,
        ),
    ] = None
    axis: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="The lines of --from are values of this axis or column of a matrix (default: they are names)",
            rich_help_panel=INPUT,
        ),
    ] = None
    phase: Annotated[
        list[MarkPhase] | None,
        typer.Option(
            metavar="failed|unknown|done",
            help="Only replicas in this phase; failed: only those not retried; repeatable (default: all)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    force: Annotated[
        bool,
        typer.Option("--force", help="Mark active replicas too, and delete their sessions", rich_help_panel=SAFETY),
    ] = False
    yes: YesOption = False

    def mark_options(self) -> MarkOptions:
        """The options as the workflow takes them; raises `UsageError` if they select no replicas."""
        from skaha_apply.model.session import Phase  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.mark import MarkOptions, Verb  # noqa: PLC0415

        if self.axis is not None and self.from_ is None:
            raise UsageError(
                "--axis belongs to --from, and --from is missing",
                hint=f"add the list of values: {repeat_command()} --from FILE",
            )
        listed = _read_name_list(self.from_) if self.from_ is not None else ()
        chosen = (*(self.names or ()), *(_patterns(listed, self.from_) if self.axis is None else ()))
        if not chosen and not listed and not self.phase:
            raise UsageError("no replicas selected", hint="add NAME[/REPLICAS], --from FILE or --phase PHASE")
        return MarkOptions(
            verb=Verb(self.verb.value),
            patterns=chosen,
            axis=self.axis,
            values=listed if self.axis is not None else (),
            phases=tuple(Phase(phase.value) for phase in self.phase or ()),
            force=self.force,
        )


@command(
    app,
    "mark",
    examples=(
        "skaha-apply mark rerun reduce/2 --sandbox --yes",
        "ls *.OK | sed 's/.OK$//' | skaha-apply mark complete --from - --sandbox --yes",
    ),
)
def mark(options: MarkArguments) -> ExitCode:
    """Mark replicas as complete, to be rerun, or on hold.

    Prints the replicas that it would mark, and asks for approval. Records the marks in the state; the next apply acts
    on them. Refuses active replicas, unless --force deletes their sessions. Use it if only you know whether work is
    done, for example after a session disappeared before its end was seen.
    """
    from skaha_apply.workflow import mark as workflow  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    chosen = options.mark_options()
    if options.from_ is not None:
        _warn_of_comments((*chosen.values, *chosen.patterns), streams)
    setting = options.setting()
    projects = load(setting, streams, warn=False)
    if len(projects) > 1:
        names = ", ".join(project.name for project in projects)
        raise UsageError(
            f"project missing: the manifests have several projects, {names}",
            hint=f"select one: {repeat_command()} --project {shlex.quote(projects[0].name)}",
        )

    async def approve(marks: tuple[Mark, ...]) -> bool:
        streams.show(_preview_text(marks, options.verb, streams.out_paint))
        return options.yes or await ask(streams, f"Mark {counted(len(marks), 'replica')} {options.verb}?")

    async def one(context: Context, project: Project) -> ExitCode:
        try:
            return await workflow.mark(context, project, chosen, approve, progress)
        except workflow.AxisMissing as error:
            raise UsageError(error.message, hint=_axis_hint(error.axis, options)) from error

    progress = streams.progress()
    try:
        return for_each(setting, projects, streams, one)
    finally:
        progress.close()


def _axis_hint(axis: str, options: MarkArguments) -> str:
    if options.from_ is None:
        return f"write the names of sessions, or a file with the values: --from FILE --axis {axis}"
    return f"the lines of --from are values of this axis:\n{repeat_command()} --axis {shlex.quote(axis)}"


def _read_name_list(file: str) -> tuple[str, ...]:
    """The lines of a list, without blank lines and comments; lines can end with CR, LF or both."""
    try:
        text = _list_bytes(file).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the names in {one_line(file)}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{one_line(file)} is not UTF-8 text") from None
    rows = [row.strip() for row in re.split(r"\r\n|\r|\n", text)]
    found = tuple(row for row in rows if row and not row.startswith("#"))
    if not found:
        raise UsageError(f"{one_line(file)} has no names")
    return found


def _list_bytes(file: str) -> bytes:
    from skaha_apply.manifest.expansion.list_files import MAX_LIST  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.manifest.source.folders import TooLargeError, read_at_most  # noqa: PLC0415 - as above

    try:
        if file == "-":
            return stdin_bytes("the names", MAX_LIST)
        with Path(file).open("rb") as opened:
            return read_at_most(opened, MAX_LIST)
    except TooLargeError:
        raise UsageError(
            f"{'standard input' if file == '-' else one_line(file)} is larger than {MAX_LIST // 1_000_000} MB",
            hint="--from names a file with one name or value on each line; split a longer list into several files",
        ) from None


def _warn_of_comments(rows: tuple[str, ...], streams: Streams) -> None:
    from skaha_apply.manifest.expansion.list_files import NOTE  # noqa: PLC0415 - keeps --help fast

    noted = next((row for row in rows if NOTE.search(row)), None)
    if noted is not None:
        streams.notify_line(
            f"note: {one_line(noted)} contains a #, and the # is part of the name: put comments on their own lines"
        )


def _patterns(rows: tuple[str, ...], file: str | None) -> tuple[str, ...]:
    return tuple(_checked(row, file or "") for row in rows)


def _checked(name: str, file: str) -> str:
    try:
        return pattern(name)
    except typer.BadParameter as error:
        raise UsageError(f"{file}: {error.message}") from None


def _preview_text(marks: tuple[Mark, ...], verb: MarkVerb, paint: Paint) -> str:
    rows = [f"{paint(verb.value, 'cyan')}  {_mark_text(mark)}" for mark in marks[:PREVIEWED]]
    if len(marks) > PREVIEWED:
        rows.append(f"… and {len(marks) - PREVIEWED} more")
    return "\n".join(rows) + "\n"


def _mark_text(mark: Mark) -> str:
    before = mark.before.value if mark.before else "without a record"
    deletes = f"; its session {one_line(mark.deletes)} is deleted" if mark.deletes else ""
    return f"{one_line(mark.name)}  (now {before}{deletes})"
