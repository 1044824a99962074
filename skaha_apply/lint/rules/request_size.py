"""Requests that are too large for the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

LIMIT = 2 << 20  # bytes, Tomcat's maxPostSize
ROOM = 4096  # bytes for the parameters that are added to each request
WIDEST = 12  # bytes that one character may take in a form body
SAFE = re.compile(rb"[^A-Za-z0-9_.~*+-]")


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Measures the form body. Encodes it only if its size can be near the limit."""
    for project, path, spec in sessions([one for one in projects if _can_be_large(one)]):
        parts = [spec.name, spec.image, spec.cmd or "", " ".join(spec.args), *spec.env, *spec.env.values()]
        if sum(map(len, parts)) * WIDEST < LIMIT - ROOM:
            continue
        size = ROOM + sum(_encoded(part) for part in parts) + 6 * len(spec.env)
        if size > LIMIT:
            detail = "The server ignores a form body of more than 2 MiB and responds with `Missing parameter 'image'`. "
            detail += "Write the data to a file, and pass its path."
            large = "env" if sum(map(_encoded, spec.env.values())) * 2 > size else "args"
            yield RuleDiagnostic(project, f"{path}.{large}", f"the request has {size / 2**20:.1f} MiB", detail)


def _can_be_large(project: Project) -> bool:
    """Whether a bound for the longest request is beyond the limit: nearly no project has such a request."""
    longest = max(map(len, project.sent_texts), default=0)
    names = max((len(spec.name) for spec in project.sessions), default=0)
    texts = max((len(spec.args) for spec in project.sessions), default=0) + 1  # and cmd
    others = max(map(_length_of_others, project.alike(("image", "env")).first.values()), default=0)
    return (names + texts * (longest + 1) + others) * WIDEST >= LIMIT - ROOM


def _length_of_others(spec: SessionSpec) -> int:
    return len(spec.image) + sum(map(len, spec.env)) + sum(map(len, spec.env.values()))


def _encoded(text: str) -> int:
    data = text.encode("utf-8", "replace")
    return len(data) + 2 * len(SAFE.findall(data))


RULE = Rule(
    id="request-size",
    severity=Severity.ERROR,
    title="A request of more than 2 MiB.",
    why=(
        "The server does not parse a form body of more than 2 MiB, so the request has no parameters there. (A "
        "wrong example is too large for this page: `args` with the content of a file, for instance.)"
    ),
    bad="",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [/arc/projects/survey/reduce.py, --list, /arc/projects/survey/tiles.txt]
""",
    check=check,
)
