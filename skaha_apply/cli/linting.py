"""`lint`: every finding about manifests, offline and without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.documents import as_json
from skaha_apply.cli.options import Basic
from skaha_apply.cli.registry import command
from skaha_apply.cli.standard import stdin_bytes
from skaha_apply.cli.streams import Streams
from skaha_apply.model.errors import ExitCode
from skaha_apply.model.place import Severity
from skaha_apply.render.errors import problems_text


class LintFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class LintOptions(Basic):
    """The options of `lint`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Manifests: files, folders, or - for standard input (default: manifests/ if it exists, else .).",
            show_default=False,
        ),
    ] = None
    output: Annotated[LintFormat, typer.Option("-o", "--output", help="How to print the findings.")] = LintFormat.TEXT
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False


@command(app, "lint")
def lint(options: LintOptions) -> ExitCode:
    """Find what the server would refuse, drop or misread, before anything is sent."""
    from skaha_apply.render.documents import findings_document  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.load import diagnose  # noqa: PLC0415
    from skaha_apply.workflow.setting import Setting  # noqa: PLC0415

    streams = Streams.of(options)
    _, found = diagnose(Setting(paths=tuple(options.paths or ())), stdin_bytes)
    if options.output is LintFormat.JSON:
        streams.show(as_json(findings_document(found)))
    else:
        streams.show(problems_text(found, most=None) or "no findings\n")
    errors = any(one.severity is Severity.ERROR for one in found)
    return ExitCode.ERROR if errors or (options.strict and found) else ExitCode.OK
