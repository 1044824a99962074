"""The sessions that a rule might report, found without a check of each combination of an entry.

The combinations of an entry share the values that do not vary. So a condition on some fields holds for all sessions
that share their values, or for none of them. Each rule then checks only the sessions that these functions return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import all_text, sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def suspects(
    projects: Sequence[Project], is_suspect: Callable[[SessionSpec], object], *fields: str
) -> Iterator[tuple[Project, str, SessionSpec]]:
    """Every session for which a condition holds, with its project and its path there.

    `is_suspect` reads these fields only. It is evaluated once for all sessions with the same values.
    """
    for project in projects:
        alike = project.alike(fields)
        found = {key for key, spec in alike.first.items() if is_suspect(spec)}
        if found:
            yield from (one for key, one in zip(alike.keys, sessions([project]), strict=True) if key in found)


def text_suspects(
    projects: Sequence[Project], is_suspect: Callable[[str], object]
) -> Iterator[tuple[Project, str, SessionSpec]]:
    """Every session whose texts (cmd, args and env) are suspect, with its project and its path there.

    A text with a suspect part must be suspect. So all texts of a project, joined, are checked first.
    """
    for project in projects:
        if is_suspect("".join(project.sent_texts)):
            yield from (one for one in sessions([project]) if is_suspect(all_text(one[2])))


def variable_suspects(
    projects: Sequence[Project], is_suspect: Callable[[str, str], object]
) -> Iterator[tuple[Project, str, str, str]]:
    """Every environment variable whose name and value are suspect: its project, its path there, name and value."""

    def has_suspect(spec: SessionSpec) -> bool:
        return any(is_suspect(name, value) for name, value in spec.env.items())

    for project, path, spec in suspects(projects, has_suspect, "env"):
        for name, value in spec.env.items():
            if is_suspect(name, value):
                yield project, f"{path}.env.{name}", name, value
