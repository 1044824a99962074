"""Images that the server refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Online, Rule, sessions, shown
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import Project

REGISTRY = "images.canfar.net"
FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/@_-]*")


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """The name must begin with the host of a registry that the server trusts [PostAction]."""
    for project, path, spec in sessions(projects):
        image, where = spec.image, f"{path}.image"
        host, slash, _ = image.partition("/")
        if not image.strip():
            detail = "The server answers 400 `image is required`. Write the whole name: HOST/PROJECT/NAME:TAG."
            yield Finding(project, where, "the image is blank", detail)
        elif not FORM.fullmatch(image):
            detail = "A name has the form HOST/PROJECT/NAME:TAG, without spaces, quotes or a leading https://."
            yield Finding(project, where, f"{shown(image)} is no name of an image", detail)
        elif "://" in image:
            detail = f"Write image: {image.partition('://')[2]}."
            yield Finding(project, where, f"the image {shown(image)} begins like an address", detail)
        elif not slash or not ("." in host or ":" in host or host == "localhost"):
            detail = "The server knows no short names and answers 400: `must come from one of [...]`. "
            detail += f"Write image: {REGISTRY}/{image if slash else 'skaha/' + image}."
            yield Finding(project, where, f"the image {shown(image)} has no host", detail)


def online(projects: Sequence[Project], known: Online) -> Iterable[Finding]:
    """Beside the form: it must begin with one of the hosts of /repository."""
    wrong: dict[int, set[str]] = {}
    for finding in check(projects):
        wrong.setdefault(id(finding.project), set()).add(finding.path)
        yield finding
    trusted = known.offer.registries
    if trusted is None:
        return
    for project, path, spec in sessions(projects):
        where = f"{path}.image"
        if not spec.image.startswith(trusted) and where not in wrong.get(id(project), ()):
            detail = f"The server answers 400: `must come from one of [{', '.join(trusted)}]`."
            yield Finding(project, where, f"{shown(spec.image)} is from a registry that the server refuses", detail)


RULE = Rule(
    id="image-name",
    severity=Severity.ERROR,
    title="An image that the server refuses.",
    why="An image must begin with the host of a registry that the server trusts; unlike its clients the server "
    "completes no short names.",
    bad="""
- name: reduce
  image: skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
    online=online,
)
