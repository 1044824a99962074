"""Less than one core or gigabyte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.source import has_reference, written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The integer part must be among the options [PostAction]."""
    for project, path, spec in suspects(projects, lambda spec: any(_below_one(spec)), "cores", "ram", "retry_ram"):
        for name, value in _below_one(spec):
            text = written(project, f"{path}.{name}", f"{value}")
            sent = name.removeprefix("retry_")
            detail = f"The server cuts the value to 0 and responds with 400 `Invalid value for '{sent}'`. "
            detail += f"Give a value of 1 or more for {text}." if has_reference(text) else f"Write {name}: 1."
            yield RuleDiagnostic(project, f"{path}.{name}", f"{name} is less than 1", detail)


def _below_one(spec: SessionSpec) -> Iterator[tuple[str, Number]]:
    given = (("cores", spec.cores), ("ram", spec.ram), *(("retry_ram", ram) for ram in spec.retry_ram))
    return ((name, value) for name, value in given if value is not None and value < 1)


RULE = Rule(
    id="resources-below-one",
    severity=Severity.ERROR,
    title="`cores`, `ram` or `retry_ram` below 1.",
    why=("The server compares the integer part with its options, which begin at 1. It cuts 0.5 to 0 and refuses it."),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 0.5
  ram: 4
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 1
  ram: 4
  cmd: python
""",
    check=check,
)
