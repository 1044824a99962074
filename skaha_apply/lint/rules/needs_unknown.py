"""Needs that no session of the project meets."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Rule, sessions, shown
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.spec import Project, SessionSpec


GUESSES = 20  # suggestions of a name; each compares with every session


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """Names are compared without regard to case."""
    guesses = GUESSES
    for project in projects:
        known = {spec.key: spec for spec in project.sessions}
        for _, path, spec in sessions([project]):
            for index, need in enumerate(spec.needs):
                summary, detail = _wrong(need, known, guess=guesses > 0)
                if summary:
                    guesses -= 1
                    yield Finding(project, f"{path}.needs[{index}]", summary, detail)


def _wrong(need: str, known: Mapping[str, SessionSpec], *, guess: bool) -> tuple[str, str]:
    needed = known.get(need.casefold())
    if needed is None:
        near = get_close_matches(need.casefold()[:63], known, n=1) if guess else []
        stem = need.casefold().rpartition("-")[0]
        if stem in known:
            detail = f"A single replica cannot be needed; write needs: [{known[stem].name}]."
        elif near:
            detail = f"Did you mean {known[near[0]].name}?"
        else:
            detail = "It must be among the loaded manifests of this project; is its file among the paths?"
        return f"no session of the project is called {shown(need)}", detail
    if needed.kind.interactive:
        detail = "An interactive session is never done, so this one would wait for ever."
        return f"{shown(need)} is a {needed.kind} session", detail
    return "", ""


RULE = Rule(
    id="needs-unknown",
    severity=Severity.ERROR,
    title="`needs` that names no headless session of the project.",
    why=(
        "A session waits for what it needs to be done: another headless session of the same project, by its "
        "`name` as written."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: mosaic
  needs: [reduse]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: mosaic
  needs: [reduce]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
