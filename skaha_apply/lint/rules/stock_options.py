"""Resources that the server does not offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Online, Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec

# k8s-resources.json of the chart; the integer part counts.
RAM = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32, 36, 40, 44, 48, 56, 64, 80, 92, 112, 128, 140, 170, 192)
OPTIONS = {"cores": tuple(range(1, 17)), "ram": RAM, "retry_ram": RAM, "gpus": tuple(range(1, 29))}
SENT = {"retry_ram": "ram"}  # the parameter of the request that carries the value, if it has another name


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Compares the integer part with the default options [PostAction]."""
    for project, path, spec in suspects(projects, lambda spec: any(_refused(spec, OPTIONS)), *OPTIONS):
        for name, value, options in _refused(spec, OPTIONS):
            detail = "A server with the default options responds with 400 `Invalid value for "
            detail += f"'{SENT.get(name, name)}'`; another server may offer it. {_near(value, options)}"
            yield RuleDiagnostic(project, f"{path}.{name}", f"{name}: {value} is not a default option", detail)


def online(projects: Sequence[Project], known: Online) -> Iterable[RuleDiagnostic]:
    """Compares with the options that /context lists, so a difference is an error."""
    offered = {name: getattr(known.offer, SENT.get(name, name)) for name in OPTIONS}
    for project, path, spec in suspects(projects, lambda spec: any(_refused(spec, offered)), *offered):
        for name, value, options in _refused(spec, offered):
            detail = (
                f"The server responds with 400 `Invalid value for '{SENT.get(name, name)}'`. {_near(value, options)}"
            )
            summary = f"{name}: {value} is not offered by the server"
            yield RuleDiagnostic(project, f"{path}.{name}", summary, detail, severity=Severity.ERROR)


def _refused(
    spec: SessionSpec, offered: Mapping[str, Collection[float] | None]
) -> Iterator[tuple[str, Number, Collection[float]]]:
    for name, options in offered.items():
        given = getattr(spec, name)
        for value in given if isinstance(given, tuple) else (given,):
            if value is not None and value >= 1 and options and int(value) not in options:
                yield name, value, options


def _near(value: Number, options: Collection[float]) -> str:
    near = [max((option for option in options if option < value), default=None)]
    near += [min((option for option in options if option > value), default=None)]
    offered = " and ".join(f"{option:g}" for option in near if option is not None)
    return f"The nearest values that the server offers: {offered}."


RULE = Rule(
    id="stock-options",
    severity=Severity.WARNING,
    title="`cores`, `ram`, `retry_ram` or `gpus` that are not among the default options of the server.",
    why=(
        "The server accepts only the values that its /context lists. The default list has gaps (no 3, 5, 18 or "
        "22 GB). Another deployment can have other values."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 2
  ram: 5
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 2
  ram: 6
  cmd: python
""",
    check=check,
    online=online,
)
