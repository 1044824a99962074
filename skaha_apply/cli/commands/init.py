"""`init`: write the first manifest of a project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import INPUT
from skaha_apply.cli.options import CommonOptions
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams


@dataclass(frozen=True, kw_only=True)
class InitArguments(CommonOptions):
    """The options of `init`."""

    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="Manifest to write (default: manifests/<project>.yaml)", show_default=False
        ),
    ] = None
    image: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Container image of the session (default: asked)", rich_help_panel=INPUT),
    ] = None
    script: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Script on the server that runs (default: asked)", rich_help_panel=INPUT),
    ] = None
    list_file: Annotated[
        str | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="File with one value a line, one session for each (default: one session)",
            rich_help_panel=INPUT,
        ),
    ] = None


@command(
    app,
    "init",
    examples=(
        "skaha-apply init night.yaml --image images.canfar.net/skaha/astroml:24.07 --script /arc/home/me/reduce.py",
    ),
)
def init(options: InitArguments) -> ExitCode:
    """Write the first manifest of a project.

    Writes a manifest that runs a script, once or for each value of a list. Asks in a terminal for an image or a script
    that is missing. Overwrites no file and sends nothing. Use it to start a project.
    """
    from pathlib import Path  # noqa: PLC0415 - keeps --help fast

    from skaha_apply.workflow.new_manifest.init import InitSettings, manifest_text, relative_list, target, write  # noqa: PLC0415

    streams, cwd = options.streams(), Path()
    path = target(options.file, cwd)
    list_file = relative_list(options.list_file, cwd) if options.list_file else ""
    image, script = _complete(streams, {"--image": options.image, "--script": options.script})
    write(path, manifest_text(path, InitSettings(image, script, list_file), cwd), cwd)
    streams.show(f"{path} is written. For completion in an editor, and for the plan on a local sandbox, run:\n\n")
    streams.show(f"  skaha-apply schema manifest > {path.parent / 'manifest.v1.schema.json'}\n")
    streams.show(f"  skaha-apply plan {path} --sandbox\n")
    return ExitCode.OK


QUESTIONS = {"--image": "Container image (images.canfar.net/...): ", "--script": "Script on the server (/arc/...): "}


def _complete(streams: Streams, given: dict[str, str | None]) -> list[str]:
    """The values of these options; asks for those that are missing."""
    missing = [name for name, value in given.items() if not (value or "").strip()]
    if missing and (sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty()):
        raise UsageError(
            f"missing: {' and '.join(missing)}", hint=f"add {' and '.join(missing)}; a terminal asks for them"
        )
    values = []
    for name, value in given.items():
        text = (value or "").strip()
        if not text:
            streams.notify(QUESTIONS[name])
            text = sys.stdin.readline().strip()
        if not text:
            raise UsageError(f"missing: {name}")
        values.append(text)
    return values
