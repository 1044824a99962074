"""Resources that the stock server does not offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Rule, sessions
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import Project

# k8s-resources.json of the chart; the integer part counts.
RAM = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 56, 64, 80, 92, 112, 128, 140)
OPTIONS = {"cores": tuple(range(1, 17)), "ram": (*RAM, 170, 192), "gpus": tuple(range(1, 29))}


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """The integer part must be among the options [PostAction]."""
    for project, path, spec in sessions(projects):
        for name, options in OPTIONS.items():
            value = getattr(spec, name)
            if value is None or value < 1 or int(value) in options:
                continue
            near = [max(option for option in options if option < value)]
            near += [option for option in options if option > value][:1]
            detail = "A server with other options may take it; the stock one answers 400 `Invalid value for "
            detail += f"'{name}'`. Near are {' and '.join(map(str, near))}."
            yield Finding(project, f"{path}.{name}", f"{name}: {value} is no stock option", detail)


RULE = Rule(
    id="stock-options",
    severity=Severity.WARNING,
    title="`cores`, `ram` or `gpus` that are not among the stock options.",
    why=(
        "The server takes only the values that its /context lists, and the stock list has gaps (no 3 or 5 "
        "GB); another deployment may have others."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  cores: 2
  ram: 5
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  cores: 2
  ram: 6
""",
    check=check,
)
