"""`events`: print the events of replicas, for each attempt. It has the options of `logs`."""

from __future__ import annotations

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.commands.logs import LogsArguments, read
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints


@command(app, "events", examples=("skaha-apply events reduce/1 --sandbox",))
def events(options: LogsArguments) -> ExitCode:
    """Print the events of replicas.

    Events show scheduling and image pulls, and often the reason why a session does not start. The server has them while
    it lists the session; later the command prints the copy that the tool saved. Changes nothing.
    """
    return read(options, events=True)
