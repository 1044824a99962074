"""Images that the server refuses, or that no node can pull."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Online, Rule, RuleDiagnostic, shown
from skaha_apply.lint.source import outside_references, written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

REGISTRY = "images.canfar.net"
NAMESPACE = "library"  # where the published clients look for an image without a namespace
FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/@_-]*")
# As container runtimes read a name [distribution/reference].
PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The name must begin with the host of a trusted registry [PostAction], and a node must be able to pull it."""
    for project, path, spec in suspects(projects, lambda spec: not _is_valid(spec.image), "image"):
        where = f"{path}.image"
        yield RuleDiagnostic(project, where, *_problem(spec.image, written(project, where, spec.image)))


@lru_cache
def _is_valid(image: str) -> bool:
    return not _problem(image, image)[0]


def _problem(image: str, text: str) -> tuple[str, str]:
    """What is wrong, and the advice; `text` is the image as the manifest has it, which only the advice repeats."""
    return _server_refuses(image, text) or _cannot_pull(image, text)


def _server_refuses(image: str, text: str) -> tuple[str, str] | None:
    """Names that the server refuses with 400; `text` is the image as the manifest has it."""
    host, slash, _ = image.partition("/")
    if not image.strip():
        detail = "The server responds with 400 `image is required`. Write the whole name: HOST/PROJECT/NAME:TAG."
        return "the image is blank", detail
    if not FORM.fullmatch(image):
        detail = "A name has the form HOST/PROJECT/NAME:TAG, without spaces, quotes or a leading https://."
        return f"{shown(image)} is not the name of an image", detail
    if "://" in image:
        detail = f"Write image: {text.partition('://')[2]}." if "://" in text else "Write the name without the scheme."
        return f"the image {shown(image)} begins like an address", detail
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        detail = "The server does not complete short names and responds with 400: `must come from one of [...]`. "
        return f"the image {shown(image)} has no host", f"{detail}Write image: {_whole(image, text)}."
    return None


def _whole(image: str, text: str) -> str:
    """A short name as the published clients complete it."""
    if "/" in image:
        return f"{REGISTRY}/{text}"
    return f"{REGISTRY}/{NAMESPACE}/{text}{'' if ':' in image or '@' in image else ':latest'}"


def _cannot_pull(image: str, text: str) -> tuple[str, str]:
    """Names that the server accepts and no node can pull; two empty texts for a valid name."""
    repository, tag = _taken_apart(image)
    host, _, rest = repository.partition("/")
    happens = "No node can pull it, so the session stays Pending. "
    if repository != repository.lower():
        what = "host" if host != host.lower() else "repository"
        happens = "The server compares registries in lower case and responds with 400. " if what == "host" else happens
        lower = outside_references("lower", _taken_apart(text)[0]) + text[len(_taken_apart(text)[0]) :]
        instead = f"Write image: {lower}." if lower != text else "Use a value in lower case."
        return f"the {what} of the image {shown(image)} has capital letters", f"{happens}{instead}"
    if wrong := next((part for part in rest.split("/") if not PART.fullmatch(part)), None):
        detail = f"{happens}Each part has lower-case letters and digits, with single `.`, `_` or `-` inside."
        return f"the part {shown(wrong)} of the image {shown(image)} is not valid", detail
    if "//" in repository or repository.endswith("/"):
        return f"the image {shown(image)} has an empty part between slashes", f"{happens}Remove the extra slash."
    if tag is not None and not TAG.fullmatch(tag):
        detail = f"{happens}A tag has 1 to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`."
        return f"the tag {shown(tag)} of the image is not valid", detail
    return "", ""


def _taken_apart(image: str) -> tuple[str, str | None]:
    """Host and repository, and the tag, None without any; what follows `@` belongs to neither."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    repository, colon, tag = last.partition(":")
    return f"{folder}{slash}{repository}", tag if colon else None


def online(projects: Sequence[Project], known: Online) -> Iterable[RuleDiagnostic]:
    """In addition to the form: it must begin with one of the hosts of /repository."""
    wrong: dict[int, set[str]] = {}
    for diagnostic in check(projects):
        wrong.setdefault(id(diagnostic.project), set()).add(diagnostic.path)
        yield diagnostic
    trusted = known.offer.registries
    if trusted is None:
        return
    for project, path, spec in suspects(projects, lambda spec: not spec.image.startswith(trusted), "image"):
        where = f"{path}.image"
        if where not in wrong.get(id(project), ()):
            detail = f"The server responds with 400: `must come from one of [{', '.join(trusted)}]`."
            yield RuleDiagnostic(
                project, where, f"{shown(spec.image)} is from a registry that the server refuses", detail
            )


RULE = Rule(
    id="image-name",
    severity=Severity.ERROR,
    title="An image that the server refuses, or that no node can pull.",
    why="An image must begin with the host of a registry that the server trusts. The server, unlike its clients, does "
    "not complete short names. It also accepts names that no node can pull, for example with capital letters in the "
    "repository; such a session stays Pending. Capital letters in the tag are allowed.",
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
