"""Images without a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.source import written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The server has no default tag, and lists public images with theirs [PostAction, ImageRepositoryAuth]."""
    for project, path, spec in suspects(projects, lambda spec: _has_no_tag(spec.image), "image"):
        detail = "The server has no default tag. An image that its list does not show with exactly this name counts "
        image = written(project, f"{path}.image", spec.image)
        detail += f"as private and is refused. Write the tag, {image}:24.07 for example."
        yield RuleDiagnostic(project, f"{path}.image", f"the image {shown(spec.image)} has no tag", detail)


def _has_no_tag(image: str) -> bool:
    last = image.rpartition("/")[2]
    return "/" in image and ":" not in last and "@" not in last


RULE = Rule(
    id="image-tag",
    severity=Severity.WARNING,
    title="An image without a tag.",
    why="The server has no default tag. An image without a tag is not in its list of public images, so the server "
    "refuses it as private. Without a tag, nobody can repeat the result with the same image.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
