"""Names that the server refuses or cuts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, double_quoted, sessions, shown
from skaha_apply.lint.source import has_reference, outside_references, written
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

VALID = re.compile("[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
REFUSED = re.compile("[^A-Za-z0-9\n-]")  # in names, one on each line
MAX_NAME = 63  # of a label, and of the pod's hostname [SessionLabels]


def slug(name: str) -> str:
    """The nearest name that the server accepts."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "session"


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Letters, digits and `-` only, an alphanumeric at both ends, 63 characters with the replica's suffix."""
    for project, path, spec in sessions([one for one in projects if not _all_valid(one)]):
        if VALID.fullmatch(spec.name) and len(spec.name) + len(f"-{spec.replicas}") <= MAX_NAME:
            continue
        where = f"{path}.name"
        if not re.fullmatch("[A-Za-z0-9-]+", spec.name):
            detail = f"The server accepts letters, digits and `-` only (400). {_instead(project, where, spec)}"
            yield RuleDiagnostic(
                project, where, f"the name {shown(spec.name)} has characters that the server refuses", detail
            )
        elif not (spec.name[0].isalnum() and spec.name[-1].isalnum()):
            detail = (
                f"The name becomes a host name, so the server refuses the session. {_instead(project, where, spec)}"
            )
            yield RuleDiagnostic(project, where, f"the name {shown(spec.name)} begins or ends with `-`", detail)
        longest = spec.live_name(spec.replicas)
        if len(longest) > MAX_NAME:
            also = (f"{path}.replicas",)
            suffix = f" with the suffix `-{spec.replicas}`" if spec.replicas > 1 else ""
            detail = f"A name has at most {MAX_NAME} characters; the server refuses the session. Shorten the name."
            yield RuleDiagnostic(project, where, f"the name has {len(longest)} characters{suffix}", detail, also=also)


def _all_valid(project: Project) -> bool:
    """Whether all names are valid. They are checked as one text, because a matrix has many."""
    names = [spec.name for spec in project.sessions]
    text = "\n".join(["", *names, ""])
    if REFUSED.search(text) or any(part in text for part in ("\n\n", "\n-", "-\n")):
        return False
    most = max((spec.replicas for spec in project.sessions), default=1)
    longest = max(map(len, names), default=0) + len(f"-{most}")
    return longest <= MAX_NAME and text.count("\n") == len(names) + 1


def _instead(project: Project, path: str, spec: SessionSpec) -> str:
    text = written(project, path, spec.name)
    if not spec.values and not has_reference(text):
        return f"Write name: {slug(spec.name)}."
    near = outside_references("slug", text)
    if has_reference(text) and near != text and near.strip("-") == near:
        return f"Write name: {double_quoted(near)}."
    return "Write a letter or a digit before and after the values in the name."


RULE = Rule(
    id="session-name",
    severity=Severity.ERROR,
    title="A name that the server refuses.",
    why="The server accepts letters, digits and `-`, and changes them to lower case. With the suffix of the replica, "
    "the name becomes a label and a host name. It has at most 63 characters and does not begin or end with `-`.",
    bad="""
- name: ngc_4501
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: ngc-4501
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
