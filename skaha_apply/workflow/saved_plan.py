"""Saved plans: a reviewed plan in a file, so that exactly this plan is applied later or nothing.

They hold no secret.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StalePlan, StateError, UsageError
from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.project import VariableValues
from skaha_apply.planning.options import Adopt, PlanOptions
from skaha_apply.planning.safety.approval import approval_digest
from skaha_apply.state.local.durable import open_private, read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.settings import Settings

MARK = "skaha-apply plan"
FORMAT = "1.2"
_FULL_IDS = ("1.0", "1.1")  # formats whose lines hold whole IDs
_ACTION = re.compile(r"(! \S+ \S+ \d+ )(\S+)(.*)")
_HEAD = 200  # bytes of a file that can name it a plan
_MOST = 256 * 1024 * 1024


@dataclass(frozen=True)
class SavedPlan:
    """A plan as it was reviewed: what it covers by project, and the invocation that made it.

    `approved` are the lines that were shown, `lineages` the lineage of each project's state, "" if there was no state;
    both by project. `variables` are the values of the invocation, except those of `sensitive` variables, which are
    given again. `apart` are the files with values, which are not manifests.
    """

    paths: tuple[str, ...]
    project: str | None
    server: str
    options: PlanOptions
    approved: dict[str, tuple[str, ...]]
    lineages: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()

    def given(self, supplied: VariableValues) -> VariableValues:
        """The values for an application of this plan: its own plain ones, and `supplied` for the sensitive ones.

        Raises:
            UsageError: when an option gives a variable another value than the plan has.
        """
        for name in sorted({*supplied.chosen, *supplied.listed} - self.sensitive):
            if supplied.values[name] != self.variables.get(name):
                raise UsageError(
                    f"the saved plan fixes the variable {name}",
                    hint=f"Remove the value of {name}, or save a new plan with it: `skaha-apply plan --out FILE`.",
                )
        secret = {name: value for name, value in supplied.values.items() if name in self.sensitive}
        return VariableValues(
            {**self.variables, **secret},
            chosen=supplied.chosen & self.sensitive,
            files=supplied.files | self.apart,
            missing=supplied.missing,
        )

    def check(self, server: str, projects: Sequence[str]) -> None:
        """Refuse a plan for another server, or one whose manifests now name other projects; raises StalePlan."""
        if server != self.server:
            raise StalePlan(
                f"the plan is for {self.server}, but this invocation uses {server}",
                hint="Save a new plan with `skaha-apply plan --out FILE`.",
            )
        if set(projects) != set(self.approved):
            raise StalePlan(
                f"the plan is for {', '.join(sorted(self.approved))}; the manifests now hold "
                f"{', '.join(sorted(projects)) or 'no project'}",
                hint="Save a new plan with `skaha-apply plan --out FILE`, and have it approved.",
            )


def write_plan(
    path: Path,
    setting: Settings,
    options: PlanOptions,
    plans: Sequence[tuple[Plan, str]],
    projects: Sequence[Project],
) -> None:
    """Save plans, each with the lineage of its state; raises StateError when the file cannot be written."""
    given = {name: value for project in projects for name, value in project.given.items()}
    content = {
        "kind": MARK,
        "format_version": FORMAT,
        "paths": list(setting.sources),
        "project": setting.project,
        "server": plans[0][0].server if plans else "",
        "variables": given,
        "apart": sorted(os.path.relpath(file, setting.cwd) for file in setting.given.files),
        "sensitive": sorted({name for project in projects for name in (*project.secrets, *project.withheld)}),
        "options": {
            "adopt": options.adopt.value,
            "take_over": options.take_over,
            "targets": list(options.targets),
            "excludes": list(options.excludes),
        },
        "plans": [
            {"project": plan.project, "lineage": lineage, "digest": plan.digest, "approved": list(plan.approved)}
            for plan, lineage in plans
        ],
    }
    try:
        with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise StateError(f"the plan cannot be saved to {path}: {error.strerror or error}") from error


def is_plan(path: Path) -> bool:
    """Whether a file has a saved plan, by its content."""
    try:
        return MARK.encode() in read_regular(path, _HEAD) and path.stat().st_size < _MOST
    except OSError:
        return False


def read_plan(path: Path) -> SavedPlan:
    """A saved plan.

    Raises:
        UsageError: a file that is not a plan, is cut, or was made by a newer version.
    """
    try:
        content: dict[str, Any] = json.loads(read_regular(path, _MOST).decode())
        _check_format(content, path)
        _check_digests(content)
        return SavedPlan(
            paths=tuple(map(str, content["paths"])),
            project=content["project"],
            server=str(content["server"]),
            options=PlanOptions(
                adopt=Adopt(content["options"]["adopt"]),
                take_over=bool(content["options"]["take_over"]),
                targets=tuple(map(str, content["options"]["targets"])),
                excludes=tuple(map(str, content["options"]["excludes"])),
            ),
            approved={str(one["project"]): _approved(content, one) for one in content["plans"]},
            lineages={str(one["project"]): str(one["lineage"]) for one in content["plans"]},
            variables={str(name): str(value) for name, value in content.get("variables", {}).items()},
            sensitive=frozenset(map(str, content.get("sensitive", ()))),
            apart=frozenset(os.path.realpath(str(file)) for file in content.get("apart", ())),
        )
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{path} is not a plan that can be applied: {reason}",
            hint="Save a new plan with `skaha-apply plan --out FILE`.",
        ) from error


def _approved(content: dict[str, Any], plan: dict[str, Any]) -> tuple[str, ...]:
    """The approved lines, in the present format."""
    lines = tuple(map(str, plan["approved"]))
    return tuple(map(_with_short_ids, lines)) if content["format_version"] in _FULL_IDS else lines


def _with_short_ids(text: str) -> str:
    found = _ACTION.fullmatch(text)
    if found is None or found[2] == "-":
        return text
    return found[1] + ",".join(map(short_id, found[2].split(","))) + found[3]


def _check_format(content: dict[str, Any], path: Path) -> None:
    if content["kind"] != MARK:
        raise ValueError("it has another format")
    if str(content["format_version"]).partition(".")[0] != FORMAT.partition(".")[0]:
        raise UsageError(
            f"{path} was made by another version of skaha-apply",
            hint="Save a new plan with `skaha-apply plan --out FILE`.",
        )


def _check_digests(content: dict[str, Any]) -> None:
    for one in content["plans"]:
        if approval_digest(map(str, one["approved"])) != one["digest"]:
            raise ValueError("it was changed after it was made")
