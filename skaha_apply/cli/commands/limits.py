"""`limits`: show what the server offers."""

from __future__ import annotations

from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import SELECTION
from skaha_apply.cli.options import AccountOptions
from skaha_apply.cli.shared_options import TextOrJson, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode
from skaha_apply.model.session import Kind  # noqa: TC001 - typer reads the annotations


@dataclass(frozen=True, kw_only=True)
class LimitsArguments(AccountOptions):
    """The options of `limits`."""

    image: Annotated[
        str | None,
        typer.Argument(
            metavar="IMAGE",
            help="List the images whose name contains this text; * and ? are wildcards (default: only count them)",
            show_default=False,
        ),
    ] = None
    kind: Annotated[
        Kind | None,
        typer.Option(
            case_sensitive=False,
            metavar="KIND",
            help="List the images of this kind (default: only count them)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    output: Annotated[TextOrJson, format_option("limits")] = TextOrJson.TEXT


@command(
    app,
    "limits",
    examples=("skaha-apply limits --sandbox", "skaha-apply limits astroml --kind headless --sandbox"),
)
def limits(options: LimitsArguments) -> ExitCode:
    """Show resources, limits and images that the server offers.

    Reads the options for cores, ram and gpus, the limit of interactive sessions, the registries, the public images,
    and the load of the cluster if the server reports it. Changes nothing.
    """
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.cli.output.streams import size_of  # noqa: PLC0415
    from skaha_apply.render.account.limits import limits_document, limits_text, selected_images  # noqa: PLC0415
    from skaha_apply.render.printable import as_json  # noqa: PLC0415
    from skaha_apply.workflow.account.limits import server_limits  # noqa: PLC0415

    streams = options.streams()
    found = run(server_limits(options.setting()), streams.restore_terminal)
    images = selected_images(found.images or (), options.image or "", options.kind.value if options.kind else "")
    if options.output is TextOrJson.JSON:
        streams.show_document(as_json(limits_document(found, images)))
    else:
        is_filtered = options.image is not None or options.kind is not None
        streams.show(limits_text(found, images if is_filtered else None, size_of(streams.out)[0]))
    return ExitCode.OK
