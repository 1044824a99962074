"""`split`: preview how a list would be split across replicas, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import INPUT, OUTPUT
from skaha_apply.cli.options import VariableOptions
from skaha_apply.cli.output.streams import stdin_bytes, write_file
from skaha_apply.cli.shared_options import ManifestOption, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.model.session import MAX_REPLICAS
from skaha_apply.model.shares import Helper, LoadKind
from skaha_apply.render.formats import SplitFormat

if TYPE_CHECKING:
    from skaha_apply.model.shares import ItemList, SplitPreview


@dataclass(frozen=True, kw_only=True)
class SplitArguments(VariableOptions):
    """The options of `split`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GLOB",
            help="Files to split: quoted patterns ('fits/*.fits', ** for all subfolders) or paths",
            show_default=False,
        ),
    ] = None
    list_file: Annotated[
        str | None,
        typer.Option(
            "--list",
            metavar="FILE|-",
            help="File whose lines are split, instead of GLOB; - for standard input (default: none)",
            rich_help_panel=INPUT,
        ),
    ] = None
    replicas: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_REPLICAS,
            metavar="N",
            help=f"Number of replicas, at most {MAX_REPLICAS:,}",
            rich_help_panel=INPUT,
        ),
    ] = None
    session: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Session in the manifests that gives the number of replicas", rich_help_panel=INPUT
        ),
    ] = None
    manifest: ManifestOption = None
    load: Annotated[
        LoadKind | None,
        typer.Option(
            help="Quantity to balance (default: size if all items are files, else count)",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None
    helper: Annotated[
        Helper,
        typer.Option(
            help="Module whose chunk and stripe are used: skaha-apply or canfar (default: skaha-apply)",
            rich_help_panel=INPUT,
        ),
    ] = Helper.SKAHA_APPLY
    output: Annotated[SplitFormat, format_option("shares")] = SplitFormat.TEXT
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Draw the load of each replica in FILE (.png, .svg); requires skaha-apply[plot]",
            rich_help_panel=OUTPUT,
        ),
    ] = None


@command(
    app,
    "split",
    examples=(
        "skaha-apply split 'manifests/*.yaml' --replicas 2",
        "skaha-apply split 'manifests/*.yaml' --session reduce -o json",
    ),
)
def split(options: SplitArguments) -> ExitCode:
    """Preview how a list is split across replicas.

    Compares the shares that `chunk` and `stripe` give each replica, and recommends one of them. Reads a list or the
    sizes of files. Sends nothing, and writes only the file of --picture. Use it before you write the script of a
    session.
    """
    from skaha_apply.planning.summary.share_preview import preview  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    form = _form(options)
    replicas = _replicas(options)
    shown = preview(_listing(options), replicas, options.helper)
    if form is not None and options.picture is not None:
        _draw(shown, form, options.picture)
    streams.show_rendered(options.output.render(shown, streams.out_paint), options.output.medium)
    return ExitCode.OK


def _form(options: SplitArguments) -> str | None:
    """The format of the picture. Checked before the files are listed, because there can be millions of them."""
    if options.picture is None:
        return None
    from skaha_apply.render.pictures.figure import picture_format, require_matplotlib  # noqa: PLC0415

    form = picture_format(options.picture)
    require_matplotlib()
    return form


def _replicas(options: SplitArguments) -> int:
    if options.replicas is not None and options.session is not None:
        raise UsageError("--replicas and --session exclude each other", hint="remove --session, or remove --replicas")
    if options.replicas is not None:
        given = {"--manifest": options.manifest, "--var": options.var, "--var-file": options.var_file}
        if needless := [name for name, value in given.items() if value]:
            raise UsageError(
                f"{needless[0]} has an effect only with --session, and --replicas was given",
                hint=f"remove {needless[0]}, or give --session NAME instead of --replicas",
            )
        return options.replicas
    if options.session is None:
        raise UsageError("number of replicas missing", hint="add --replicas N, or --session NAME of a manifest")
    if options.list_file == "-" and "-" in (options.manifest or ()):
        raise UsageError(
            "the list and the manifest cannot both be standard input",
            hint="save one of them in a file, and give its path",
        )
    from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - only --session requires it
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - as above
    from skaha_apply.workflow.split import replicas_of  # noqa: PLC0415 - as above

    setting = Settings(paths=tuple(options.manifest or ()), given=options.given(MissingValues.SENSITIVE))
    return replicas_of(setting, options.session, stdin_bytes)


def _listing(options: SplitArguments) -> ItemList:
    from skaha_apply.workflow.split import from_list, from_paths, read_list  # noqa: PLC0415 - keeps --help fast

    if options.list_file is not None:
        if options.paths:
            raise UsageError("GLOB and --list exclude each other", hint="remove GLOB, or remove --list")
        raw = read_list(options.list_file, lambda most: stdin_bytes("a list", most))
        return from_list(options.list_file, raw, options.load)
    if not options.paths:
        raise UsageError("nothing to split: GLOB is missing", hint="add 'GLOB', or --list FILE with one item a line")
    return from_paths(options.paths, options.load)


def _draw(shown: SplitPreview, form: str, path: str) -> None:
    from skaha_apply.render.pictures.shares import split_picture  # noqa: PLC0415 - for those who want a picture

    write_file("picture", path, split_picture(shown, form))
