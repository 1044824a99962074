"""`doctor`: check everything that a command uses, on one screen, with the command that fixes each problem."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import EXIT_CODES, SAFETY
from skaha_apply.cli.options import PathOptions, ValueOptions
from skaha_apply.cli.shared_options import TextOrJson, duration_option, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode


@dataclass(frozen=True, kw_only=True)
class DoctorArguments(PathOptions, ValueOptions):
    """The options of `doctor`."""

    expires_within: Annotated[
        float | None,
        duration_option("Fail if the credential ends within this time (default: 0s, only if it has expired)", SAFETY),
    ] = None
    output: Annotated[TextOrJson, format_option("checks")] = TextOrJson.TEXT


@command(
    app,
    "doctor",
    examples=("skaha-apply doctor --sandbox", "skaha-apply doctor --sandbox --expires-within 3d -o json"),
    exit_codes={
        ExitCode.OK: "no check failed; there can be warnings",
        ExitCode.ERROR: "a check failed",
        ExitCode.USAGE: EXIT_CODES[ExitCode.USAGE],
        ExitCode.INTERRUPTED: EXIT_CODES[ExitCode.INTERRUPTED],
    },
)
def doctor(options: DoctorArguments) -> ExitCode:
    """Check server, credential, limits, manifests, state and lock.

    Makes every check, whatever the others find, and prints the command that fixes each problem. Works without
    manifests, without a credential and without a server. Changes nothing, and takes no lock.
    """
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.cli.invocation import complete_commands, exclude_variables  # noqa: PLC0415
    from skaha_apply.cli.output.masking import add_secrets  # noqa: PLC0415
    from skaha_apply.cli.output.streams import size_of, stdin_bytes  # noqa: PLC0415
    from skaha_apply.render.account.doctor import doctor_document, doctor_text  # noqa: PLC0415
    from skaha_apply.render.printable import as_json  # noqa: PLC0415
    from skaha_apply.workflow.account.doctor import examine  # noqa: PLC0415

    streams = options.streams()
    found = run(examine(options.setting(), options.expires_within or 0.0, stdin_bytes), streams.restore_terminal)
    for project in found.projects:
        add_secrets(project.secrets)
        exclude_variables(project.secrets)
    checks = [replace(check, hint=complete_commands(check.hint)) for check in found.checks]
    if options.output is TextOrJson.JSON:
        streams.show_document(as_json(doctor_document(checks)))
    else:
        streams.show(doctor_text(checks, size_of(streams.out)[0], streams.out_paint))
    return ExitCode.OK if found.is_healthy else ExitCode.ERROR
