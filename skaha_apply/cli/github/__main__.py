"""What a step of the action runs: the command that the variable `INPUT_COMMAND` names."""

from __future__ import annotations

import os
import sys

from skaha_apply.cli.github.inputs import read_inputs
from skaha_apply.cli.github.job_files import show_error
from skaha_apply.cli.output.outlet import standard_output
from skaha_apply.model.errors import SkahaApplyError


def run() -> int:
    """Run the step; returns the exit code of the process. An error that concerns the step is an annotation."""
    try:
        inputs = read_inputs(os.environ)
        if inputs.command == "comment":
            from skaha_apply.cli.github.comment import write_comments  # noqa: PLC0415 - one command, one import

            return write_comments(os.environ)
        if inputs.command == "reviewed":
            from skaha_apply.cli.github.reviewed import find_reviewed  # noqa: PLC0415 - as above

            return find_reviewed(os.environ)
        from skaha_apply.cli.github.step import run_command  # noqa: PLC0415 - as above

        return run_command(inputs, os.environ)
    except SkahaApplyError as error:
        with standard_output():
            show_error(error)
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(run())
