"""What a rule consists of, and the helpers that rules share to walk over sessions and to show texts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skaha_apply.model.diagnostics import Location, Severity
    from skaha_apply.model.project import Project
    from skaha_apply.model.request import Offer
    from skaha_apply.model.spec import SessionSpec


@dataclass(frozen=True, slots=True)
class RuleDiagnostic:
    """One report of a rule, before the engine adds its location: project, and path in it (`sessions[3].args[2]`).

    `severity` and `location` are given where they are not those of the rule and of the path. `masked`: messages do not
    show the text there. `whole`: it is about all combinations of an entry. `also` are the paths of other fields that
    cause it too.
    """

    project: Project
    path: str
    summary: str
    detail: str
    severity: Severity | None = None
    location: Location | None = None
    masked: bool = False
    whole: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Online:
    """What a server offers, for `lint --online`.

    `private` are images for which a registry credential will be sent, so they need not be in the public list.
    `taken` counts the active interactive sessions of the account that are not in the manifests.
    """

    offer: Offer
    private: frozenset[str] = frozenset()
    taken: int = 0


@dataclass(frozen=True)
class Rule:
    """One rule.

    `title` states what it reports, `why` the reason. `bad` and `good` are sessions of a manifest in YAML: the rule
    reports `bad`, and no rule reports `good`. `online` replaces `check` if the server was asked what it offers.
    `as_written`: sensitive values are not filled in.
    """

    id: str
    severity: Severity
    title: str
    why: str
    bad: str
    good: str
    check: Callable[[Sequence[Project]], Iterable[RuleDiagnostic]]
    online: Callable[[Sequence[Project], Online], Iterable[RuleDiagnostic]] | None = None
    as_written: bool = False


def sessions(projects: Sequence[Project]) -> Iterator[tuple[Project, str, SessionSpec]]:
    """Every session spec with its project and its path there."""
    for project in projects:
        for path, spec in zip(_paths(len(project.sessions)), project.sessions, strict=True):
            yield project, path, spec


@lru_cache(maxsize=8)
def _paths(count: int) -> tuple[str, ...]:
    """The paths of the sessions of a project: each rule walks over them."""
    return tuple(f"sessions[{index}]" for index in range(count))


def texts(spec: SessionSpec) -> Iterator[tuple[str, str, str]]:
    """The texts that the server fills into its template unescaped, as (path, name for messages, text)."""
    if spec.cmd is not None:
        yield "cmd", "cmd", spec.cmd
    for index, text in enumerate(spec.args):
        yield f"args[{index}]", "the argument", text
    for name, text in spec.env.items():
        yield f"env.{name}", f"the variable {name}", text


def all_text(spec: SessionSpec) -> str:
    """The same texts joined, for a fast check that none of them contains a character."""
    return " ".join((spec.cmd or "", *spec.args, *spec.env.values()))


BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks without a shape


def shown(text: str, width: int = 60) -> str:
    """A value for a message: in backticks, cut if it is long, control and invisible characters escaped."""
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return "`" + "".join(map(_visible, cut)) + "`"


def _visible(char: str) -> str:
    return char if char.isprintable() and char not in BLANK else char.encode("unicode_escape").decode()


def double_quoted(text: str) -> str:
    """A text as a YAML scalar in double quotes. Characters that a terminal does not show are escaped."""
    escapes = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(char) or _visible(char) for char in text) + '"'
