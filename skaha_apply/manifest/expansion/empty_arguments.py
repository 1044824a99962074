"""Arguments that an empty value of a matrix leaves out although others depend on them.

`[--mask, "${mask}", --out, "${file}"]` with an empty mask would be sent as `--mask --out FILE`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.entry_template import LISTS
from skaha_apply.manifest.expansion.sources import FilledList, FilledText
from skaha_apply.manifest.fields.values import LocatedText
from skaha_apply.model.spec import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.manifest.expansion.entry_template import EntryTemplate

_OPTION = re.compile(r"-(?!\.?[0-9])")  # not a negative number, which a declination often is


@dataclass(frozen=True, slots=True)
class _Argument:
    """One argument of a command: the key it stands in, its text, and the value that is empty if it is left out."""

    key: str
    text: str
    empty: str = ""


def left_out(plan: EntryTemplate, values: Mapping[str, str]) -> tuple[LeftOut, ...]:
    """The arguments of one combination that are left out behind an option, or before another argument."""
    if not plan.leaving or all(values[name] for name in plan.leaving):
        return ()
    arguments = list(_arguments(plan, values))
    return tuple(_found(arguments))


def _arguments(plan: EntryTemplate, values: Mapping[str, str]) -> Iterator[_Argument]:
    for key in LISTS:
        chain = plan.chains.get(key, ())
        source = next((one for one in chain if not one.absent(values)), None)
        if source is None and key == "cmd":
            continue  # the whole command is left to the image, as the manifest states
        source = source or next(iter(chain), None)
        if isinstance(source, FilledList):
            for item in source.items:
                if item.absent(values) and isinstance(item, FilledText):
                    yield _Argument(key, item.item.text, item.template.only)
                else:
                    yield _Argument(key, _text(item.read(values)))
        elif source is not None:
            yield from (_Argument(key, _text(item)) for item in source.read(values))


def _text(item: object) -> str:
    return item.text if isinstance(item, LocatedText) else item if isinstance(item, str) else ""


def _found(arguments: list[_Argument]) -> Iterator[LeftOut]:
    for index, one in enumerate(arguments):
        if not one.empty:
            continue
        before = next((other.text for other in reversed(arguments[:index]) if not other.empty), "")
        after = next((other.text for other in arguments[index + 1 :] if not other.empty), "")
        option = before if _OPTION.match(before) else ""
        if option or after:
            yield LeftOut(one.empty.removeprefix("slug."), one.key, one.text, option, after)
