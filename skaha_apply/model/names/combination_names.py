"""The names of the combinations of an entry: a value in a name becomes a slug."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from skaha_apply.model.spec import SessionSpec

_FOREIGN = re.compile(r"[^a-z0-9-]")
_REFERENCE = re.compile(r"\$\{(?:slug\.)?([^}]+)\}")


@lru_cache(maxsize=200_000)
def slug(text: str) -> str:
    """A value for use in a name: `NGC 4501` becomes `ngc-4501`, `270.280` becomes `270-280`.

    Lower case; `+` becomes `p`, any other foreign character `-`. Each character by itself, so that few values become
    equal: `-1.5` and `1.5` stay different.
    """
    return _FOREIGN.sub("-", text.lower().replace("+", "p"))


def combination_name(spec: SessionSpec, new: str) -> str:
    """The name of a combination if its entry had the name `new`, such as `tile-${tile}`.

    The value of a variable in a name is read from the present name.

    Raises:
        UsageError: `new` has a value that the matrix lacks.
    """
    values = {**_variables(spec), **{axis: slug(value) for axis, value in spec.values.items()}}

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UsageError(
                f"{new}: {spec.group} has no value {found[1]!r}",
                hint=f"It has: {', '.join(values) or 'none'}.",
            )
        return values[found[1]]

    return _REFERENCE.sub(value, new)


def _variables(spec: SessionSpec) -> dict[str, str]:
    """The values of variables, read from the name of a combination: `var.night` of `map-${var.night}-${t}`."""
    pattern, end = "", 0
    groups: list[str] = []
    for found in _REFERENCE.finditer(spec.group):
        pattern += re.escape(spec.group[end : found.start()])
        end = found.end()
        if found[1] in spec.values:
            pattern += re.escape(slug(spec.values[found[1]]))
        elif found[1] in groups:
            pattern += rf"(?P=v{groups.index(found[1])})"
        else:
            pattern += rf"(?P<v{len(groups)}>.*?)"
            groups.append(found[1])
    fits = re.fullmatch(pattern + re.escape(spec.group[end:]), spec.name, re.IGNORECASE)
    return {name: fits[f"v{number}"] for number, name in enumerate(groups)} if fits else {}
