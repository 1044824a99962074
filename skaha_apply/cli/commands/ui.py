"""`ui`: serve the page of the projects on 127.0.0.1, and open it in the browser."""

from __future__ import annotations

import re
import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import OUTPUT, SERVER, SERVING_EXIT_CODES, WAITING
from skaha_apply.cli.option_types import MAX_POLL, MAX_PORT, base_path, poll_interval
from skaha_apply.cli.options import PathOptions, ValueOptions
from skaha_apply.cli.shared_options import PublicPageOption, RepeatedPathsArgument, duration_option
from skaha_apply.cli.signals import until_signal
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.ui.feed import PageFeed

POLL = 5.0  # seconds
_LEAST_BETWEEN = 1.0  # seconds between two readings, if several browsers ask
_PORT_OF_PREFIX = re.compile(r"/proxy/(?:absolute/)?(?:[^/]+:)?(\d{1,5})$")  # of jupyter-server-proxy and code-server


@dataclass(frozen=True, kw_only=True)
class UiArguments(PathOptions, ValueOptions):
    """The options of `ui`."""

    paths: RepeatedPathsArgument = None
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Also list the sessions of the server at each reading", rich_help_panel=WAITING),
    ] = False
    poll: Annotated[
        float | None,
        duration_option(
            f"Time until a change of the state shows, at most {MAX_POLL:.0f}s (default: 5s)",
            WAITING,
            parser=poll_interval,
        ),
    ] = None
    public: PublicPageOption = False
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and start no browser", rich_help_panel=OUTPUT)
    ] = False
    port: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_PORT, metavar="N", help="Port on 127.0.0.1 (default: a free one)", rich_help_panel=SERVER
        ),
    ] = 0
    base_path: Annotated[
        str | None,
        typer.Option(
            "--base-path",
            parser=base_path,
            metavar="PREFIX",
            help="Path of the page behind the proxy of a notebook (default: no proxy)",
            rich_help_panel=SERVER,
        ),
    ] = None


@command(
    app,
    "ui",
    examples=("skaha-apply ui --sandbox", "skaha-apply ui --no-browser --port 8000"),
    exit_codes=SERVING_EXIT_CODES,
)
def ui(options: UiArguments) -> ExitCode:
    """Show the page of a project live, in the browser.

    Serves the page of `status --html` on 127.0.0.1 and prints its address, which works once: it becomes a cookie of the
    browser. Reads manifests and state without a lock. Changes nothing. Ctrl-C and SIGTERM end it with exit code 0.
    Requires skaha-apply[sandbox].
    """
    from skaha_apply.ui import check_installed  # noqa: PLC0415 - keeps --help fast

    check_installed()
    _check_port(options)
    streams = options.streams()
    with until_signal():
        _serve(options, streams)
    streams.notify("\n" if streams.err_is_terminal else "")
    return ExitCode.OK


def _check_port(options: UiArguments) -> None:
    """Refuse the path of a proxy that shows a port on which the page is not, also because it has any free port."""
    prefix = options.base_path or ""
    named = _PORT_OF_PREFIX.search(prefix)
    port = int(named[1]) if named else options.port
    if named is None or port == options.port:
        return
    if not options.port:
        raise UsageError(f"--base-path has the port {port}, and --port is missing", hint=f"add --port {port}")
    other = f"{prefix[: named.start(1)]}{options.port}/"
    raise UsageError(
        f"--base-path has the port {port}, and --port is {options.port}",
        hint=f"give the same port in both: --port {port}, or --base-path {shlex.quote(other)}",
    )


def _serve(options: UiArguments, streams: Streams) -> None:
    """Read once, print the address, open the browser, and serve until a signal."""
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415
    from skaha_apply.cli.output.browser import try_browser  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.render.page.page import page_html, page_parts  # noqa: PLC0415
    from skaha_apply.ui.access import Access  # noqa: PLC0415
    from skaha_apply.ui.application import PageApplication  # noqa: PLC0415
    from skaha_apply.ui.server import ADDRESS, listening, serve  # noqa: PLC0415

    with listening(options.port) as listener:
        feed = _feed(options, streams)
        port = listener.getsockname()[1]
        access = Access(port, through_proxy=options.base_path is not None)
        draw, sources = partial(page_html, live=True), page_parts().policy(live=True)
        application = PageApplication(access, feed, draw, sources, options.base_path or "")
        address = f"http://{ADDRESS}:{port}/?{access.query}"
        streams.show(f"{address}\n")
        sys.stdout.flush()
        if options.base_path is not None:
            streams.notify(f"on the host of the proxy:\n  {options.base_path}/?{access.query}\n")
        streams.notify_line("Ctrl-C ends the page")
        if not options.no_browser:
            try_browser(address)
        run(serve(application, listener), streams.restore_terminal)


def _feed(options: UiArguments, streams: Streams) -> PageFeed:
    """The feed of the projects of this invocation, read once."""
    from skaha_apply.cli.output.live_data import LiveData  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.cli.output.masking import published_values  # noqa: PLC0415
    from skaha_apply.cli.projects import load  # noqa: PLC0415
    from skaha_apply.ui.feed import PageFeed  # noqa: PLC0415
    from skaha_apply.workflow.live_page import PageReading  # noqa: PLC0415

    setting, poll = options.setting(), POLL if options.poll is None else options.poll
    reading = PageReading(setting, lambda: load(setting, streams, warn=False), refresh=options.refresh)
    listed = poll if options.refresh else None
    data = LiveData(reading, streams, public=options.public, ask=poll, poll=listed)
    return PageFeed(data, published_values, min(_LEAST_BETWEEN, poll / 2))
