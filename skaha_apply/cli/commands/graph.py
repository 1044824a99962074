"""`graph`: print the entries of manifests and their dependencies as text, Mermaid or SVG."""

from __future__ import annotations

from typing import Annotated

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import PathOptions, VariableOptions
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.cli.shared_options import ProjectOption, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode
from skaha_apply.render.formats import GraphFormat


@dataclass(frozen=True, kw_only=True)
class GraphArguments(PathOptions, VariableOptions):
    """The options of `graph`."""

    output: Annotated[GraphFormat, format_option("graph")] = GraphFormat.TEXT
    project: ProjectOption = None


@command(
    app,
    "graph",
    examples=("skaha-apply graph manifests/", "skaha-apply graph -o mermaid", "skaha-apply graph -o svg"),
)
def graph(options: GraphArguments) -> ExitCode:
    """Print the entries of manifests and what each waits for.

    Reads the manifests only, so it needs no server, no credential and no state. An entry stands after its dependencies,
    each with what it waits for: a combination with the same value (`tile by tile`), all of them, or a share (`all, 95
    %`). Use it to check `needs` before the first apply, and in the documentation of a survey.
    """
    from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.graph import entry_graphs  # noqa: PLC0415
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415

    streams = options.streams()
    given = options.given(MissingValues.ANY)
    setting = Settings(paths=options.sources, project=options.project, given=given, observe=streams.warn)
    graphs, errors = entry_graphs(setting, stdin_bytes)
    if errors:
        text = f"the manifests have {counted(errors, 'error')}; entries with an error are left out"
        streams.message("warning", text, "to list the errors: skaha-apply lint")
    text = options.output.render(graphs, streams.out_paint, streams.out_width)
    streams.show_rendered(text, options.output.medium)
    return ExitCode.OK
