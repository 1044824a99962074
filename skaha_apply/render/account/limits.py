"""The output of `limits`: a row for each resource and limit, and the selected images."""

from __future__ import annotations

import textwrap
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from skaha_apply.model.counts import counted, noun_for
from skaha_apply.render.account.offer import interactive_text, ranges
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.model.account.offer import Image, Load, ServerLimits

LIMITS_FORMAT = "1.0"
_FIRST = 13  # columns of the names
_UNKNOWN = "not reported by the server"


def selected_images(images: Sequence[Image], text: str, kind: str) -> tuple[Image, ...]:
    """The images whose name contains `text` (with wildcards) and that are for `kind`; "" selects all."""
    pattern = f"*{text.lower()}*"
    return tuple(one for one in images if fnmatchcase(one.name.lower(), pattern) and (not kind or kind in one.kinds))


def limits_text(found: ServerLimits, images: Sequence[Image] | None, width: int) -> str:
    """The limits in at most `width` columns, then the names of `images` if they are given."""
    rows = [row for name, text in _rows(found) for row in _wrapped(name, one_line(text), max(width, 2 * _FIRST))]
    if images is not None:
        names = [f"{one_line(one.name)}  ({', '.join(map(one_line, sorted(one.kinds)))})" for one in images]
        rows += ["", *(names or ["no image is selected"])]
    return "\n".join(rows) + "\n"


def limits_document(found: ServerLimits, images: Sequence[Image]) -> dict[str, Any]:
    """The limits as a JSON value, null where the server reports nothing; RAM in GB as the server counts them (GiB)."""
    offer, load = found.offer, found.load
    names = ("cores_requested", "cores_available", "ram_requested", "ram_available")
    return {
        "format_version": LIMITS_FORMAT,
        "server": found.server,
        "cores": sorted(offer.cores) if offer.cores else None,
        "ram": sorted(offer.ram) if offer.ram else None,
        "gpus": sorted(offer.gpus) if offer.gpus else None,
        "flexible": {"cores": offer.default_cores, "ram": offer.default_ram},
        "interactive": {"in_use": found.interactive, "most": offer.max_interactive},
        "registries": list(offer.registries) if offer.registries else None,
        "images": [{"name": one.name, "kinds": sorted(one.kinds)} for one in images] if found.images else None,
        "load": {name: getattr(load, name) for name in names} if load else None,
    }


def _rows(found: ServerLimits) -> Iterator[tuple[str, str]]:
    offer = found.offer
    yield "server", found.server
    for name, options in (("cores", offer.cores), ("ram (GB)", offer.ram), ("gpus", offer.gpus)):
        yield name, ranges(options) if options else _UNKNOWN
    cores = f"{offer.default_cores:g} {noun_for(offer.default_cores, 'core')}"
    yield "flexible", f"{cores} and {offer.default_ram:g} GB, for a session without cores and ram"
    yield "interactive", interactive_text(found.interactive, offer.max_interactive)
    yield "registries", ", ".join(offer.registries) if offer.registries else _UNKNOWN
    yield "images", _image_counts(found.images)
    yield "load", _load_text(found.load)


def _image_counts(images: Sequence[Image] | None) -> str:
    if not images:
        return _UNKNOWN
    kinds = Counter(kind for one in images for kind in one.kinds)
    parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{counted(len(images), 'public image')}: {parts}"


def _load_text(load: Load | None) -> str:
    if load is None:
        return _UNKNOWN
    pairs = (
        ("cores", load.cores_requested, load.cores_available),
        ("RAM (GB)", load.ram_requested, load.ram_available),
    )
    texts = [
        f"{name}: {_amount(requested)} requested, {_amount(available)} available"
        for name, requested, available in pairs
        if requested is not None or available is not None
    ]
    return "; ".join(texts)


def _amount(number: float | None) -> str:
    return "?" if number is None else f"{number:g}"


def _wrapped(name: str, text: str, width: int) -> list[str]:
    indent = " " * _FIRST
    first = f"{name:<{_FIRST}}"
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False)
