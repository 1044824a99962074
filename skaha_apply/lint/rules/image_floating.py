"""Tags that move on to other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


FLOATING = frozenset({"latest", "stable", "main", "master", "edge", "nightly", "dev", "devel", "develop", "head"})


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """By the usual names of such tags; one with a digest stays what it is."""
    for project, path, spec in sessions(projects):
        name, at, _ = spec.image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not at and tag.lower() in FLOATING:
            detail = "Another image may bear it tomorrow: no plan would notice, replicas of one session could differ, "
            detail += "and a result could not be made again. Write the tag of a release."
            yield RuleDiagnostic(project, f"{path}.image", f"the tag {shown(tag)} moves on to newer images", detail)


RULE = Rule(
    id="image-floating",
    severity=Severity.WARNING,
    title="A tag such as `latest`, which moves on to newer images.",
    why="A session is known by the name of its image: when another image gets the same tag, no plan sees a change, "
    "what is done stays done, and what is retried or created later runs with another image.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:latest
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
