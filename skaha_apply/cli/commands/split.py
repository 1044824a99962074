"""`split`: how a list would be shared out over replicas, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import VariableOptions
from skaha_apply.cli.output.streams import stdin_bytes, write_file
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.model.shares import Helper, LoadKind
from skaha_apply.render.formats import SplitFormat

if TYPE_CHECKING:
    from skaha_apply.model.shares import ItemList, SplitPreview

MAX_REPLICAS = 100_000


@dataclass(frozen=True, kw_only=True)
class SplitArguments(VariableOptions):
    """The options of `split`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GLOB", help="Files: patterns ('fits/*.fits', ** for all below) or paths.", show_default=False
        ),
    ] = None
    list_file: Annotated[
        str | None,
        typer.Option("--list", metavar="FILE|-", help="Share out the lines of a file or of standard input instead."),
    ] = None
    replicas: Annotated[
        int | None, typer.Option(min=1, max=MAX_REPLICAS, metavar="N", help="Over how many replicas.")
    ] = None
    session: Annotated[
        str | None, typer.Option(metavar="NAME", help="Over as many replicas as this session of the manifests has.")
    ] = None
    manifest: Annotated[
        list[str] | None,
        typer.Option("--manifest", metavar="PATH", help="The manifests of --session; may be repeated."),
    ] = None
    load: Annotated[
        LoadKind | None,
        typer.Option(
            help="What is evened out: the size of files, the count of items, or the number at the end of each line of "
            "the list (default: size where every item is a file here, else count).",
            show_default=False,
        ),
    ] = None
    helper: Annotated[
        Helper,
        typer.Option(help="Whose chunk and stripe: those of skaha_apply.distributed or of canfar.helpers.distributed."),
    ] = Helper.SKAHA_APPLY
    output: Annotated[SplitFormat, typer.Option("-o", "--output", help="How to print the shares.")] = SplitFormat.TEXT
    picture: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw the load of each replica into a .png or .svg file (extra: plot)."),
    ] = None


@command(app, "split")
def split(options: SplitArguments) -> ExitCode:
    """Show how `chunk` and `stripe` would share a list over replicas, and which of them to take."""
    from skaha_apply.planning.share_preview import preview  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    form = _form(options)
    replicas = _replicas(options)
    shown = preview(_listing(options), replicas, options.helper)
    if form is not None and options.picture is not None:
        _draw(shown, form, options.picture)
    streams.show_rendered(options.output.render(shown, streams.out_paint), options.output.medium)
    return ExitCode.OK


def _form(options: SplitArguments) -> str | None:
    """The form of the picture, which is known to be possible before a million files are looked at."""
    if options.picture is None:
        return None
    from skaha_apply.render.pictures.figure import picture_format, require_matplotlib  # noqa: PLC0415

    form = picture_format(options.picture)
    require_matplotlib()
    return form


def _replicas(options: SplitArguments) -> int:
    if options.replicas is not None and options.session is not None:
        raise UsageError("--replicas and --session exclude each other", hint="give one of them")
    if options.replicas is not None:
        if options.manifest:
            raise UsageError("--manifest says where --session is found", hint="leave one out: --replicas or --manifest")
        return options.replicas
    if options.session is None:
        raise UsageError("over how many replicas?", hint="--replicas N, or --session NAME of a manifest")
    if options.list_file == "-" and "-" in (options.manifest or ()):
        raise UsageError("the list and the manifest cannot both be standard input", hint="save one in a file")
    from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - only a call that reads manifests pays for it
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - as above
    from skaha_apply.workflow.split import replicas_of  # noqa: PLC0415 - as above

    setting = Settings(paths=tuple(options.manifest or ()), given=options.given(MissingValues.SENSITIVE))
    return replicas_of(setting, options.session, stdin_bytes)


def _listing(options: SplitArguments) -> ItemList:
    from skaha_apply.workflow.split import from_list, from_paths, read_list  # noqa: PLC0415 - keeps --help fast

    if options.list_file is not None:
        if options.paths:
            raise UsageError("files and --list exclude each other", hint="give one of them")
        raw = read_list(options.list_file, lambda: stdin_bytes("a list"))
        return from_list(options.list_file, raw, options.load)
    if not options.paths:
        raise UsageError("there is nothing to share out", hint="give 'GLOB', or --list FILE with one item a line")
    return from_paths(options.paths, options.load)


def _draw(shown: SplitPreview, form: str, path: str) -> None:
    from skaha_apply.render.pictures.shares import split_picture  # noqa: PLC0415 - for those who want a picture

    write_file("picture", path, split_picture(shown, form))
