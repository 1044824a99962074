"""Tags that later mean another image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


FLOATING = frozenset({"latest", "stable", "main", "master", "edge", "nightly", "dev", "devel", "develop", "head"})


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """By the usual names of such tags; an image with a digest is always the same."""
    for project, path, spec in suspects(projects, lambda spec: _floating_tag(spec.image), "image"):
        detail = "Another image can get this tag at any time. No plan shows the change, replicas of one session "
        detail += "can differ, and nobody can repeat the result. Write the tag of a release."
        summary = f"the tag {shown(_floating_tag(spec.image))} moves to newer images"
        yield RuleDiagnostic(project, f"{path}.image", summary, detail)


def _floating_tag(image: str) -> str:
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag if not at and tag.lower() in FLOATING else ""


RULE = Rule(
    id="image-floating",
    severity=Severity.WARNING,
    title="A tag such as `latest`, which moves to newer images.",
    why="The tool knows an image by its name only. If another image gets the same tag, no plan shows a change, "
    "finished work stays finished, and later sessions run with the other image.",
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
