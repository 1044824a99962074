"""What a server offers, in a few words for `doctor` and `limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.request import Offer


def resources_text(offer: Offer) -> str:
    """The largest amounts that a session can request; RAM is in GB as the server counts them (GiB)."""
    parts = (("cores", offer.cores, ""), ("RAM", offer.ram, " GB"), ("GPUs", offer.gpus, ""))
    shown = [f"{name} up to {max(options):g}{unit}" for name, options, unit in parts if options]
    return ", ".join(shown) or "the server lists no resources"


def interactive_text(used: int, most: int | None) -> str:
    """How many interactive sessions are active, and how many the server allows."""
    return f"{used} interactive sessions in use" if most is None else f"{used} of {most} interactive sessions in use"


def ranges(numbers: Iterable[float]) -> str:
    """Numbers in ascending order, where three or more whole numbers in a row are a range: `1-16, 20, 24`."""
    parts: list[list[float]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    texts = []
    for run in parts:
        texts += [f"{run[0]:g}-{run[-1]:g}"] if len(run) > 2 else [f"{one:g}" for one in run]  # noqa: PLR2004 - see above
    return ", ".join(texts)
