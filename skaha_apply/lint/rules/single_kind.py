"""Replicas of a desktop or firefly, which are not shares of one work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


SINGLE = frozenset({Kind.DESKTOP, Kind.FIREFLY})


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The published clients refuse such replicas; the server starts each as a session of its own."""
    for project, path, spec in suspects(projects, lambda spec: spec.kind in SINGLE, "kind"):
        if spec.replicas > 1:
            detail = (
                f"Each replica becomes a separate {spec.kind} session, gets no replica ID, and counts toward the limit "
            )
            detail += "of interactive sessions. Remove the key `replicas`."
            summary = f"{shown(spec.name)} has {spec.replicas} replicas of a {spec.kind}"
            yield RuleDiagnostic(project, f"{path}.replicas", summary, detail, also=(f"{path}.kind",))


RULE = Rule(
    id="single-kind",
    severity=Severity.WARNING,
    title="More than one replica of a desktop or firefly session.",
    why="Replicas share work by their replica ID, which interactive sessions do not receive. The published clients "
    "refuse more than one replica of desktop and firefly; the server would start all of them.",
    bad="""
- name: desk
  kind: desktop
  image: images.canfar.net/skaha/desktop:1.1.2
  replicas: 2
""",
    good="""
- name: desk
  kind: desktop
  image: images.canfar.net/skaha/desktop:1.1.2
""",
    check=check,
)
