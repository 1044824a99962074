"""RAM of retries that does not grow, that a retry never reaches, or that makes a flexible session fixed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Compares the values with `ram`, with each other, and with the number of retries."""
    for project, path, spec in suspects(projects, lambda spec: spec.retry_ram, "retry_ram"):
        if spec.kind.interactive or f"{path}.retry_ram" in project.unknown:
            continue
        for summary, detail, also in _diagnostics(spec):
            yield RuleDiagnostic(project, f"{path}.retry_ram", summary, detail, also=(f"{path}.{also}",))


def _diagnostics(spec: SessionSpec) -> Iterator[tuple[str, str, str]]:
    """The summary, the detail and the other key of each diagnostic."""
    if spec.ram is None:
        detail = "The first attempt is flexible, and a retry has fixed resources. Write ram, or remove retry_ram."
        yield "retry_ram without ram", detail, "ram"
    amounts = (*((spec.ram,) if spec.ram is not None else ()), *spec.retry_ram)
    if any(before > after for before, after in pairwise(amounts)):
        before, after = next(pair for pair in pairwise(amounts) if pair[0] > pair[1])
        detail = f"An attempt with {after:g} GB follows one with {before:g} GB. Write the values in rising order."
        yield "a retry requests less memory than the attempt before", detail, "ram"
    if 0 < spec.retries < len(spec.retry_ram):
        number = "1 retry" if spec.retries == 1 else f"{spec.retries} retries"
        detail = f"Write retries: {len(spec.retry_ram)}, or only as many values as retries."
        yield f"{len(spec.retry_ram)} values of retry_ram for {number}", detail, "retries"


RULE = Rule(
    id="retry-ram",
    severity=Severity.WARNING,
    title="`retry_ram` without `ram`, with falling values, or with more values than `retries`.",
    why=(
        "`retry_ram` gives a failed replica more memory in its next attempts. Without `ram` the first attempt has "
        "flexible resources, and a retry has fixed ones. A smaller value makes a second failure likely, and no retry "
        "uses a value beyond the number of `retries`."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 2
  ram: 16
  cmd: python
  retries: 2
  retry_ram: [8, 32]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 2
  ram: 8
  cmd: python
  retries: 2
  retry_ram: [16, 32]
""",
    check=check,
)
