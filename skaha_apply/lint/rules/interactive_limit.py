"""More interactive sessions than an account may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Online, Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

LIMIT = 5  # maxCount of the chart [PostAction]


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Counts the interactive replicas of all projects and reports the first session above the limit."""
    detail = f"The server refuses more than {LIMIT}, unless it is configured otherwise; the others wait."
    return _over(projects, 0, LIMIT, detail)


def online(projects: Sequence[Project], known: Online) -> Iterable[RuleDiagnostic]:
    """Uses the limit of /context, and counts the other active sessions of the account too."""
    limit = LIMIT if known.offer.max_interactive is None else known.offer.max_interactive
    others = f", of which {known.taken} active now are not from these manifests" if known.taken else ""
    return _over(projects, known.taken, limit, f"The server refuses more than {limit}{others}; the others wait.")


def _over(projects: Sequence[Project], count: int, limit: int, detail: str) -> Iterable[RuleDiagnostic]:
    for project, path, spec in suspects(projects, lambda spec: spec.kind.interactive, "kind"):
        count += spec.replicas
        if count > limit:
            summary = f"these are {count} interactive sessions"
            yield RuleDiagnostic(project, f"{path}.replicas", summary, detail, also=(f"{path}.kind",))
            return


RULE = Rule(
    id="interactive-limit",
    severity=Severity.WARNING,
    title="More interactive sessions than the stock limit of 5.",
    why=(
        "An account can have 5 pending or running interactive sessions (the default of the chart). The server "
        "refuses further ones until one has ended."
    ),
    bad="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 6
""",
    good="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 2
""",
    check=check,
    online=online,
)
