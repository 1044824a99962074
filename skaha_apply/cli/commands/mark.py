"""`mark complete|rerun|hold`: settle by hand what no list can tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.option_types import pattern
from skaha_apply.cli.options import NameOptions, Yes
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.prompt import ask
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.action_labels import counted
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.project import Project
    from skaha_apply.render.color import Paint
    from skaha_apply.workflow.mark import Mark, MarkOptions
    from skaha_apply.workflow.setup.context import Context

SHOWN = 50  # replicas that are listed before the question


class MarkVerb(StrEnum):
    """What a mark says."""

    COMPLETE = "complete"
    RERUN = "rerun"
    HOLD = "hold"


class MarkPhase(StrEnum):
    """Which phases `--phase` chooses."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class MarkArguments(NameOptions):
    """The options of `mark`."""

    verb: Annotated[
        MarkVerb,
        typer.Argument(
            help="complete: its work is done; rerun: it has to run again; hold: it is not to run until rerun.",
            show_default=False,
        ),
    ]
    names: Annotated[
        list[str] | None,
        typer.Argument(
            parser=pattern,
            metavar="NAME[/REPLICAS]",
            help="Which replicas: names or patterns (tile-27*, 'tile-${tile}'), with replicas (reduce/3,7-9).",
            show_default=False,
        ),
    ] = None
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|-", help="Read names from a file or standard input, one a line."),
    ] = None
    axis: Annotated[
        str | None,
        typer.Option(metavar="AXIS", help="With --from: each line is a value of this axis or column of a matrix."),
    ] = None
    phase: Annotated[
        list[MarkPhase] | None,
        typer.Option(help="Only replicas that are in this phase; may be repeated."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Active replicas too: their sessions are deleted.")] = False
    yes: Yes = False

    def mark_options(self) -> MarkOptions:
        """The options as the workflow takes them; raises `UsageError` when nothing is chosen."""
        from skaha_apply.model.session import Phase  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.mark import MarkOptions, Verb  # noqa: PLC0415

        if self.axis is not None and self.from_ is None:
            raise UsageError("--axis says what the lines of --from are", hint="give the list of values by --from")
        listed = _read_name_list(self.from_) if self.from_ is not None else ()
        chosen = (*(self.names or ()), *(_patterns(listed, self.from_) if self.axis is None else ()))
        if not chosen and not listed and not self.phase:
            raise UsageError("which replicas? Nothing is chosen", hint="name them, or use --from or --phase")
        return MarkOptions(
            verb=Verb(self.verb.value),
            patterns=chosen,
            axis=self.axis,
            values=listed if self.axis is not None else (),
            phases=tuple(Phase(phase.value) for phase in self.phase or ()),
            force=self.force,
        )


@command(app, "mark")
def mark(options: MarkArguments) -> ExitCode:
    """Say of replicas that they are complete, have to run again, or are held."""
    from skaha_apply.workflow import mark as workflow  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    chosen = options.mark_options()
    if options.from_ is not None:
        _warn_of_comments((*chosen.values, *chosen.patterns), streams)
    setting = options.setting()
    projects = load(setting, streams, looks=True)
    if len(projects) > 1:
        known = ", ".join(project.name for project in projects)
        raise UsageError(f"which project is meant? These manifests have {known}", hint="say it with --project")

    async def approve(marks: tuple[Mark, ...]) -> bool:
        streams.show(_preview_text(marks, options.verb, streams.out_paint))
        return options.yes or await ask(streams, f"Mark {counted(len(marks), 'replica')} {options.verb}?")

    async def one(context: Context, project: Project) -> ExitCode:
        return await workflow.mark(context, project, chosen, approve, progress)

    progress = streams.progress()
    try:
        return for_each(setting, projects, streams, one)
    finally:
        progress.close()


def _read_name_list(file: str) -> tuple[str, ...]:
    """The lines of a list: blank ones and comments skipped, any line ends."""
    try:
        text = (stdin_bytes() if file == "-" else Path(file).read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the names in {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text") from None
    rows = [row.strip() for row in re.split(r"\r\n|\r|\n", text)]
    found = tuple(row for row in rows if row and not row.startswith("#"))
    if not found:
        raise UsageError(f"{file} holds no name")
    return found


def _warn_of_comments(rows: tuple[str, ...], streams: Streams) -> None:
    from skaha_apply.manifest.expansion.list_files import NOTE  # noqa: PLC0415 - keeps --help fast

    noted = next((row for row in rows if NOTE.search(row)), None)
    if noted is not None:
        streams.notify_line(
            f"note: {one_line(noted)} has a # in it, which begins no comment: put a comment on a line of its own"
        )


def _patterns(rows: tuple[str, ...], file: str | None) -> tuple[str, ...]:
    return tuple(_checked(row, file or "") for row in rows)


def _checked(name: str, file: str) -> str:
    try:
        return pattern(name)
    except typer.BadParameter as error:
        raise UsageError(f"{file}: {error.message}") from None


def _preview_text(marks: tuple[Mark, ...], verb: MarkVerb, paint: Paint) -> str:
    rows = [f"{paint(verb.value, 'cyan')}  {_one(mark)}" for mark in marks[:SHOWN]]
    if len(marks) > SHOWN:
        rows.append(f"… and {len(marks) - SHOWN} more")
    return "\n".join(rows) + "\n"


def _one(mark: Mark) -> str:
    before = mark.before.value if mark.before else "without a record"
    deletes = f"; its session {one_line(mark.deletes)} is deleted" if mark.deletes else ""
    return f"{one_line(mark.name)}  (now {before}{deletes})"
