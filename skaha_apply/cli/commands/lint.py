"""`lint`: report every diagnostic about manifests. Only `--online` requires a server and credentials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import EXIT_CODES, OUTPUT, SELECTION, SERVER
from skaha_apply.cli.invocation import command_words, repeat_command
from skaha_apply.cli.option_types import report_in
from skaha_apply.cli.options import PathOptions, VariableOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.session_ids import identify, mask_ids
from skaha_apply.cli.output.streams import stdin_bytes, write_file
from skaha_apply.cli.shared_options import (
    CredentialCommandOption,
    SandboxUseOptions,
    ServerOption,
    format_option,
)
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.formats import LintFormat
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.diagnostics import LintReport
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class LintArguments(PathOptions, SandboxUseOptions, VariableOptions):
    """The options of `lint`."""

    output: Annotated[LintFormat, format_option("diagnostics")] = LintFormat.TEXT
    report: Annotated[
        list[str] | None,
        typer.Option(
            parser=report_in(LintFormat),
            metavar="FORMAT=FILE",
            help="Also write the diagnostics to FILE, in this format; repeatable (default: none)",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too", rich_help_panel=OUTPUT)] = (
        False
    )
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Only these rules; repeatable (default: all). Syntax errors are always reported",
            rich_help_panel=SELECTION,
        ),
    ] = None
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Not these rules; repeatable (default: none)", rich_help_panel=SELECTION),
    ] = None
    online: Annotated[
        bool,
        typer.Option(
            "--online",
            help="Check against the server's options, images and limits; only warn if it is unreachable",
            rich_help_panel=SERVER,
        ),
    ] = False
    server: ServerOption = None
    credential_command: CredentialCommandOption = None


@command(
    app,
    "lint",
    examples=(
        "skaha-apply lint manifests/ --strict",
        "skaha-apply lint --online --sandbox",
        "skaha-apply lint --report sarif=lint.sarif",
    ),
    exit_codes={
        ExitCode.OK: "no errors found",
        ExitCode.ERROR: "errors found (with --strict: or warnings), or the command failed",
        ExitCode.USAGE: EXIT_CODES[ExitCode.USAGE],
        ExitCode.INTERRUPTED: EXIT_CODES[ExitCode.INTERRUPTED],
    },
)
def lint(options: LintArguments) -> ExitCode:
    """Check manifests for mistakes before anything is sent.

    Reports values that the server would refuse, drop or misread, with file, line, column and rule. Works without a
    server and without credentials; --online checks against the server too. Writes only the files of --report. Use it in
    an editor, in a commit hook and in CI.
    """
    from skaha_apply.manifest import collector_at_rest  # noqa: PLC0415 - keeps --help fast

    with collector_at_rest(for_good=True):  # the process ends with this command
        return _lint(options)


def _lint(options: LintArguments) -> ExitCode:
    from skaha_apply.workflow import lint  # noqa: PLC0415 - keeps --help fast

    check_outputs({}, options.report)
    streams = options.streams()
    setting = _setting(options, streams)
    selection = lint.rule_selection(options.select or (), options.ignore or (), strict=options.strict)
    loaded = lint.load(setting, stdin_bytes)
    offer = None
    if options.online:
        from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - only --online requires it

        offer = run(lint.ask(setting, loaded.projects), streams.restore_terminal)
    report = lint.report(setting, loaded, selection, offer)
    if options.output is LintFormat.TEXT and streams.out_width is not None:
        from skaha_apply.render.lint.text import report_in_columns  # noqa: PLC0415 - keeps --help fast

        streams.show(report_in_columns(report, streams.out_width))
    else:
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

    given_options = {
        "--server": options.server,
        "--sandbox": "--sandbox" in command_words(),  # the variable of the environment is for all commands
        "--pretend": options.pretend is not None,
        "--credential-command": options.credential_command,
    }
    needless = [name for name, value in given_options.items() if value]
    if needless and not options.online:
        raise UsageError(
            f"{needless[0]} has an effect only with --online, and --online is missing",
            hint=f"to check against the server too: {repeat_command()} --online",
        )
    options.check_server(options.server)
    paths = options.sources
    given = options.given(MissingValues.ANY)
    return Settings(
        paths=paths,
        server=options.server,
        credential_command=options.credential_command,
        sandbox=options.uses_sandbox,
        rehearsal=options.rehearsal,
        given=given,
        observe=streams.warn,
        identify=identify,
    )


def _append_job_summary(report: LintReport, streams: Streams) -> None:
    """Append all diagnostics to the summary of the CI job, if the step has one. If it fails, the annotations remain."""
    from skaha_apply.render.lint.github import github_summary  # noqa: PLC0415 - as above

    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(mask_ids(github_summary(report)))
    except (OSError, ValueError) as error:
        streams.message("warning", f"cannot write the job summary {one_line(file)}: {error}")
