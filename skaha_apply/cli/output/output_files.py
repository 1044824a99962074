"""Checks the files that an invocation writes, before it does any work: each can be written, and no two are the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MANIFEST_SUFFIXES = (".yaml", ".yml")


def check_outputs(files: Mapping[str, str | None], reports: Sequence[str] | None = None) -> None:
    """Check the files of one invocation.

    Args:
        files: the value of each option that writes a file, by the name of the option.
        reports: `FORMAT=FILE` of each `--report`.

    Raises:
        UsageError: two options write the same file, so that one result would be lost; or a file has the name `-`.
    """
    named = [(option, file) for option, file in files.items() if file]
    named += [(f"--report {form}", file) for form, _, file in (entry.partition("=") for entry in reports or ())]
    written: dict[str, str] = {}
    for option, file in named:
        if file == "-":
            raise UsageError(
                f"{option} writes a file, and - is not a file",
                hint="name a file; standard output is /dev/stdout, and a file with this name is ./-",
            )
        if os.path.exists(file) and not os.path.isfile(file):  # noqa: PTH110, PTH113 - a pipe takes several results
            continue
        real = os.path.realpath(file)
        if real in written:
            raise UsageError(
                f"{written[real]} and {option} write the same file: {one_line(file)}",
                hint="name another file for one of them",
            )
        written[real] = option


def check_place(what: str, file: str) -> None:
    """Raise `UsageError` if a file can certainly not be written; `what` names its content."""
    folder = os.path.dirname(file) or os.curdir  # noqa: PTH120 - Path would change `a/.`
    problem = ""
    hint = "make the folder, or write to another file"
    if not file:
        problem, hint = "the name is empty", "name a file"
    elif file.endswith(MANIFEST_SUFFIXES) and os.path.isfile(file):  # noqa: PTH113 - as above
        problem, hint = "it may be a manifest, which would be lost", "write to another file"
    elif not os.path.isdir(folder):  # noqa: PTH112 - as above
        problem = f"the folder {one_line(folder)} does not exist"
    elif os.path.isdir(file):  # noqa: PTH112 - as above
        problem, hint = "it is a folder", "name a file in it"
    elif not os.access(folder, os.W_OK):
        problem = f"the folder {one_line(folder)} is not writable"
    if problem:
        raise UsageError(f"cannot write the {what} {one_line(file)}: {problem}", hint=hint)
