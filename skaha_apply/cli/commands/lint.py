"""`lint`: every finding about manifests; without `--online` it needs neither server nor credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.option_types import report_in
from skaha_apply.cli.options import CredentialCommandOption, Paths, VariableOptions, check_server
from skaha_apply.cli.output.session_ids import identify, mask_ids
from skaha_apply.cli.output.streams import stdin_bytes, write_file
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.formats import LintFormat

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.diagnostics import LintReport
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class LintArguments(VariableOptions):
    """The options of `lint`."""

    paths: Paths = None
    output: Annotated[LintFormat, typer.Option("-o", "--output", help="How to print the findings.")] = LintFormat.TEXT
    report: Annotated[
        list[str] | None,
        typer.Option(
            parser=report_in(LintFormat), metavar="FORMAT=FILE", help="Write them to a file too; may be repeated."
        ),
    ] = None
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Only these rules; may be repeated. Errors of form are always told."),
    ] = None
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Not these rules; may be repeated.")] = None
    online: Annotated[
        bool,
        typer.Option("--online", help="Ask the server for its options, images and limits; none is one warning."),
    ] = False
    server: Annotated[
        str | None,
        typer.Option(metavar="NAME|URL", help="With --online: the Skaha server, as for plan."),
    ] = None
    credential_command: CredentialCommandOption = None
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="With --online: ask a local sandbox; started when none runs."),
    ] = False


@command(app, "lint")
def lint(options: LintArguments) -> ExitCode:
    """Find what the server would refuse, drop or misread, before anything is sent."""
    from skaha_apply.manifest import collector_at_rest  # noqa: PLC0415 - keeps --help fast

    with collector_at_rest():  # the process ends with this command
        return _lint(options)


def _lint(options: LintArguments) -> ExitCode:
    from skaha_apply.workflow import lint  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    setting = _setting(options, streams)
    choice = lint.chosen(options.select or (), options.ignore or (), strict=options.strict)
    loaded = lint.load(setting, stdin_bytes)
    told = None
    if options.online:
        from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - for those who ask a server

        told = run(lint.ask(setting, loaded.projects), streams.restore_terminal)
    report = lint.report(setting, loaded, choice, told)
    streams.show_rendered(options.output.render(report), options.output.medium)
    for entry in options.report or ():
        name, _, file = entry.partition("=")
        write_file("report", file, LintFormat[name.upper()].render(report))
    if options.output is LintFormat.GITHUB:
        _append_job_summary(report, streams)
    return ExitCode.ERROR if report.failed else ExitCode.OK


def _setting(options: LintArguments, streams: Streams) -> Settings:
    from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415

    if (options.sandbox or options.server is not None) and not options.online:
        raise UsageError("--server and --sandbox say which server is asked", hint="add --online")
    check_server(options.server, sandbox=options.sandbox)
    paths = tuple(options.paths or ())
    given = options.given(MissingValues.ANY)
    return Settings(
        paths=paths,
        server=options.server,
        credential_command=options.credential_command,
        sandbox=options.sandbox,
        given=given,
        observe=streams.warn,
        identify=identify,
    )


def _append_job_summary(report: LintReport, streams: Streams) -> None:
    """Everything into the summary of the job, where the step has one; without it the annotations still stand."""
    from skaha_apply.render.lint.github import github_summary  # noqa: PLC0415 - as above

    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(mask_ids(github_summary(report)))
    except (OSError, ValueError) as error:
        streams.message("warning", f"the summary of the job cannot be written: {error}")
