"""The preview of `split` as text: a table of both strategies, the shares, and the recommended strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted, noun_for
from skaha_apply.model.shares import LoadUnit
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.shares import ReplicaShare, SplitPreview
    from skaha_apply.render.color import Paint


LISTED = 20  # replicas that are listed one by one; loads of more replicas are counted in bins
BINS = 8
BAR = 30  # characters of the longest bar


def render(preview: SplitPreview, paint: Paint) -> str:
    """The text of the format `text`."""
    return split_text(preview, paint)


def split_text(preview: SplitPreview, paint: Paint = plain) -> str:
    """A table of both strategies, the shares, and the recommended strategy with the reason."""
    blocks = [
        _head(preview, paint),
        _summary(preview, paint),
        _each(preview, paint) if preview.replicas <= LISTED else _bins(preview, paint),
        [paint(f"Take {preview.recommended}:", "bold green") + f" {preview.reason}."],
    ]
    text = "\n\n".join("\n".join(block) for block in blocks) + "\n"
    return text + "".join(f"note: {one_line(note)}\n" for note in preview.notes)


def _head(preview: SplitPreview, paint: Paint) -> list[str]:
    listing = preview.listing
    total = f", {load_text(preview.strategies[0].total, listing.unit)}" if listing.unit is LoadUnit.BYTES else ""
    over = f" over {counted(preview.replicas, 'replica')}"
    return [
        paint(f"{one_line(listing.source)}{total}{over}", "bold"),
        f"{listing.order[:1].upper()}{listing.order[1:]}, shared as {preview.helper.module} does.",
    ]


def _summary(preview: SplitPreview, paint: Paint) -> list[str]:
    unit = preview.listing.unit
    what = {LoadUnit.BYTES: "SIZE", LoadUnit.ITEMS: "ITEMS", LoadUnit.WEIGHT: "WEIGHT"}[unit]
    rows = [("", "ITEMS EACH", "EMPTY", f"SMALLEST {what}", "MEAN", "LARGEST", "IMBALANCE")]
    rows += [
        (
            split.strategy,
            _range([part.items for part in split.shares]),
            str(split.empty),
            load_text(split.smallest.load, unit, named=False),
            load_text(split.mean, unit, named=False),
            f"{load_text(split.largest.load, unit, named=False)} (replica {split.largest.replica})",
            f"{split.imbalance:.2f}",
        )
        for split in preview.strategies
    ]
    return _columns(rows, paint)


def _each(preview: SplitPreview, paint: Paint) -> list[str]:
    unit = preview.listing.unit
    most = max(split.largest.load for split in preview.strategies)
    heads = [split.strategy.upper() for split in preview.strategies]
    rows = [("REPLICA", *(word for head in heads for word in (head, *([""] * (unit is not LoadUnit.ITEMS)), "")))]
    for parts in zip(*(split.shares for split in preview.strategies), strict=True):
        cells = [cell for part in parts for cell in _cells(part, unit, most)]
        rows.append((str(parts[0].replica), *cells))
    return _columns(rows, paint)


def _cells(part: ReplicaShare, unit: LoadUnit, most: float) -> tuple[str, ...]:
    bar = "#" * round(BAR * part.load / most / 2) if part.items else "(empty)"
    items = counted(part.items, "item")
    return (items, bar) if unit is LoadUnit.ITEMS else (items, load_text(part.load, unit), bar)


def _bins(preview: SplitPreview, paint: Paint) -> list[str]:
    """A histogram of the loads: the number of replicas in each range."""
    unit = preview.listing.unit
    low = min(split.smallest.load for split in preview.strategies)
    high = max(split.largest.load for split in preview.strategies)
    whole = unit is LoadUnit.ITEMS
    count = min(BINS, int(high - low) + 1) if whole else BINS if high > low else 1
    # Bins of whole numbers include both of their ends.
    width = -(-(int(high - low) + 1) // count) if whole else (high - low) / count
    tallies = [[0] * count for _ in preview.strategies]
    for tally, split in zip(tallies, preview.strategies, strict=True):
        for part in split.shares:
            tally[min(count - 1, int((part.load - low) / width) if width else 0)] += 1
    most = max(max(tally) for tally in tallies)
    rows = [("LOAD EACH", *(f"REPLICAS BY {split.strategy.upper()}" for split in preview.strategies))]
    for index in range(count):
        start = low + index * width
        label = _load_range(start, min(high, start + width - 1) if whole else start + width, unit)
        rows.append((label, *(_bar(tally[index], most) for tally in tallies)))
    return _columns(rows, paint)


def _bar(tally: int, most: int) -> str:
    # A single replica can decide when the run ends, so its bar is always visible.
    bar = "#" * max(round(BAR * tally / most), 1) if tally else ""
    return f"{tally:>{len(str(most))}} {bar}"


def _load_range(start: float, end: float, unit: LoadUnit) -> str:
    if start == end:
        return load_text(start, unit)
    if unit is LoadUnit.ITEMS:
        return f"{number(start)}-{load_text(end, unit)}"
    return f"{load_text(start, unit)} - {load_text(end, unit)}"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low}-{high}"


def _columns(rows: Sequence[tuple[str, ...]], paint: Paint) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [paint(lines[0], "bold"), *lines[1:]]


_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_STEP = 1000


def load_text(load: float, unit: LoadUnit, *, named: bool = True) -> str:
    """A load in a few digits with its unit: `17.5 MB`, `12 items`, `3.25`; `named` adds the word `items`."""
    if unit is LoadUnit.BYTES:
        factor, name = scale(load, unit)
        return f"{number(load / factor, 3)} {name}"
    if unit is LoadUnit.ITEMS and named:
        return f"{number(load)} {noun_for(load, 'item')}"
    return number(load)


def scale(largest: float, unit: LoadUnit) -> tuple[float, str]:
    """The divisor for loads up to `largest`, and the name of the resulting unit."""
    if unit is not LoadUnit.BYTES:
        return 1, "items" if unit is LoadUnit.ITEMS else "weight"
    power = 0
    # 999.95 would be shown as 1000.
    while largest >= 0.9995 * _STEP ** (power + 1) and power < len(_PREFIXES) - 1:
        power += 1
    return _STEP**power, f"{_PREFIXES[power]}B"


def number(value: float, digits: int = 4) -> str:
    """The value in up to `digits` digits, or all digits of its whole part."""
    whole = value == int(value) or value >= 10 ** (digits - 1)
    return f"{value:.0f}" if whole else f"{value:.{digits}g}"
