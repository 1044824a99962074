"""`events`: the events of replicas, attempt by attempt; its options are those of `logs`."""

from __future__ import annotations

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.commands.logs import LogsArguments, read
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints


@command(app, "events")
def events(options: LogsArguments) -> ExitCode:
    """Print the events of replicas: from the server while it has them, else the saved copy."""
    return read(options, events=True)
