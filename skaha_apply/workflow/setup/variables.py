"""Where the values of variables come from: `--var`, then `--var-file`, then `SKAHA_VAR_name`; defaults are last."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply import manifest
from skaha_apply.model.errors import UsageError
from skaha_apply.model.project import MissingValues, VariableValues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.project import Project

PREFIX = "SKAHA_VAR_"  # what follows is the name, in its case


def given(
    chosen: Mapping[str, str],
    files: Sequence[str],
    environment: Mapping[str, str],
    lack: MissingValues = MissingValues.SENSITIVE,
) -> VariableValues:
    """The values that an invocation gives for variables.

    `chosen` overrides the later of `files`, which overrides the earlier, which overrides the environment.

    Raises:
        UsageError: a file cannot be read.
        ManifestError: a file is not a mapping of names to scalars.
    """
    values = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    listed: dict[str, str] = {}
    for file in files:
        read = manifest.read_values(file)
        values |= read
        listed |= dict.fromkeys(read, str(file))
    paths = frozenset(os.path.realpath(file) for file in files)
    return VariableValues({**values, **chosen}, frozenset(chosen), listed, paths, lack)


def check_declared(given: VariableValues, declared: frozenset[str]) -> tuple[str, ...]:
    """Warnings about names in files that no manifest declares.

    Raises:
        UsageError: no manifest declares a name of `--var`.
    """
    for name in sorted(given.chosen - declared):
        raise UsageError(
            f"--var {name}: no manifest of this invocation declares this variable", hint=_known(name, declared)
        )
    return tuple(
        f"{file}: no manifest declares the variable {name}; {_known(name, declared)}"
        for name, file in given.listed.items()
        if name not in declared
    )


def _known(name: str, declared: frozenset[str]) -> str:
    by_case = {known.casefold(): known for known in sorted(declared)}
    near = get_close_matches(name.casefold(), by_case, n=1)
    if near:
        return f"did you mean {by_case[near[0]]}?"
    return f"the declared variables are: {', '.join(sorted(declared))}" if declared else "the manifests declare none"


def check_complete(project: Project) -> None:
    """Refuse to create sessions while a sensitive variable has no value; raises `UsageError`."""
    if project.withheld:
        first = min(project.withheld)
        raise UsageError(
            f"sensitive variables of {project.name} without a value: {', '.join(sorted(project.withheld))}",
            hint=f"give it as {PREFIX}{first} in the environment, or in a file by --var-file",
        )


def unmasked(project: Project) -> tuple[str, ...]:
    """The warning that logs can have values that this invocation does not know; empty if it knows them all."""
    if not project.withheld:
        return ()
    names = ", ".join(sorted(project.withheld))
    return (f"{project.name}: the tool cannot mask {names} in logs, because this invocation gives no value",)
