"""Images that the server does not list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Online, Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(_: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Only the server knows its images."""
    return ()


def online(projects: Sequence[Project], known: Online) -> Iterable[RuleDiagnostic]:
    """An image outside the public list requires a registry credential [PostAction, ImageRepositoryAuth]."""
    images = known.offer.images
    if images is None:
        return
    trusted = known.offer.registries or ("",)
    listed = {*images, *known.private}

    def is_unlisted(spec: SessionSpec) -> bool:
        return spec.image not in listed and spec.image.startswith(tuple(trusted))

    for project, path, spec in suspects(projects, is_unlisted, "image"):
        name = spec.image.rpartition(":")[0]
        tags = sorted(image.rpartition(":")[2] for image in images if name and image.rpartition(":")[0] == name)
        detail = "The server treats it as private and responds with 400. "
        detail += f"Listed tags of this name: {', '.join(tags[-5:])}." if tags else "Check the name."
        detail += " A new public image takes up to 30 min to be listed; a private one needs a registry login: "
        detail += "SKAHA_REGISTRY_USERNAME and SKAHA_REGISTRY_SECRET, or `registry` in ~/.canfar/config.yaml."
        yield RuleDiagnostic(
            project, f"{path}.image", f"the image {shown(spec.image)} is not in the server's list", detail
        )


RULE = Rule(
    id="image-unlisted",
    severity=Severity.ERROR,
    title="An image that the server does not list (only with `--online`).",
    why="The server creates sessions from images in its public list. Other images require a registry credential. Only "
    "the server knows its list, so this rule requires `--online`, and this page has no wrong example.",
    bad="",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
    online=online,
)
