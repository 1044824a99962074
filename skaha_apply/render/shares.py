"""A preview of shares as people and as scripts read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.shares import Unit
from skaha_apply.render.action_labels import many
from skaha_apply.render.color import plain
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.shares import Dealt, Part, Preview
    from skaha_apply.render.color import Ink


SPLIT_FORMAT = "1.0"
LISTED = 20  # replicas that are listed one by one; of more, loads are counted in bins
BINS = 8
BAR = 30  # characters of the longest bar


def split_text(preview: Preview, ink: Ink = plain) -> str:
    """The preview with a table of both strategies, the shares, what to take and why; a newline at its end."""
    blocks = [
        _head(preview, ink),
        _summary(preview, ink),
        _each(preview, ink) if preview.replicas <= LISTED else _bins(preview, ink),
        [ink(f"Take {preview.take}:", "bold green") + f" {preview.reason}."],
    ]
    text = "\n\n".join("\n".join(block) for block in blocks) + "\n"
    return text + "".join(f"note: {line(note)}\n" for note in preview.notes)


def split_document(preview: Preview) -> dict[str, Any]:
    """The preview as a JSON value; loads are in `load.unit`."""
    listing = preview.listing
    return {
        "format_version": SPLIT_FORMAT,
        "helper": preview.helper.value,
        "module": preview.helper.module,
        "source": listing.source,
        "order": listing.order,
        "items": len(listing.items),
        "replicas": preview.replicas,
        "load": {
            "unit": listing.unit.value,
            "total": preview.dealt[0].total,
            "mean": preview.dealt[0].mean,
            "largest_item": max(listing.weights),
        },
        "take": preview.take,
        "reason": preview.reason,
        "notes": list(preview.notes),
        "strategies": [_strategy(dealt) for dealt in preview.dealt],
    }


def _strategy(dealt: Dealt) -> dict[str, Any]:
    return {
        "strategy": dealt.strategy,
        "empty": dealt.empty,
        "smallest": {"replica": dealt.smallest.replica, "load": dealt.smallest.load},
        "largest": {"replica": dealt.largest.replica, "load": dealt.largest.load},
        "imbalance": dealt.imbalance,
        "shares": [
            {
                "replica": part.replica,
                "items": part.items,
                "load": part.load,
                "first": part.first,
                "last": part.last,
            }
            for part in dealt.parts
        ],
    }


def _head(preview: Preview, ink: Ink) -> list[str]:
    listing = preview.listing
    total = f", {load_text(preview.dealt[0].total, listing.unit)}" if listing.unit is Unit.BYTES else ""
    over = f" over {many(preview.replicas, 'replica')}"
    return [
        ink(f"{line(listing.source)}{total}{over}", "bold"),
        f"{listing.order[:1].upper()}{listing.order[1:]}, shared as {preview.helper.module} does.",
    ]


def _summary(preview: Preview, ink: Ink) -> list[str]:
    unit = preview.listing.unit
    what = {Unit.BYTES: "SIZE", Unit.ITEMS: "ITEMS", Unit.WEIGHT: "WEIGHT"}[unit]
    rows = [("", "ITEMS EACH", "EMPTY", f"SMALLEST {what}", "MEAN", "LARGEST", "IMBALANCE")]
    rows += [
        (
            dealt.strategy,
            _range([part.items for part in dealt.parts]),
            str(dealt.empty),
            load_text(dealt.smallest.load, unit, named=False),
            load_text(dealt.mean, unit, named=False),
            f"{load_text(dealt.largest.load, unit, named=False)} (replica {dealt.largest.replica})",
            f"{dealt.imbalance:.2f}",
        )
        for dealt in preview.dealt
    ]
    return _columns(rows, ink)


def _each(preview: Preview, ink: Ink) -> list[str]:
    unit = preview.listing.unit
    most = max(dealt.largest.load for dealt in preview.dealt)
    heads = [dealt.strategy.upper() for dealt in preview.dealt]
    rows = [("REPLICA", *(word for head in heads for word in (head, *([""] * (unit is not Unit.ITEMS)), "")))]
    for parts in zip(*(dealt.parts for dealt in preview.dealt), strict=True):
        cells = [cell for part in parts for cell in _cells(part, unit, most)]
        rows.append((str(parts[0].replica), *cells))
    return _columns(rows, ink)


def _cells(part: Part, unit: Unit, most: float) -> tuple[str, ...]:
    bar = "#" * round(BAR * part.load / most / 2) if part.items else "(empty)"
    items = many(part.items, "item")
    return (items, bar) if unit is Unit.ITEMS else (items, load_text(part.load, unit), bar)


def _bins(preview: Preview, ink: Ink) -> list[str]:
    """How many replicas have how much to do."""
    unit = preview.listing.unit
    low = min(dealt.smallest.load for dealt in preview.dealt)
    high = max(dealt.largest.load for dealt in preview.dealt)
    whole = unit is Unit.ITEMS
    count = min(BINS, int(high - low) + 1) if whole else BINS if high > low else 1
    # Whole numbers have bins of whole numbers, each with both its ends.
    width = -(-(int(high - low) + 1) // count) if whole else (high - low) / count
    tallies = [[0] * count for _ in preview.dealt]
    for tally, dealt in zip(tallies, preview.dealt, strict=True):
        for part in dealt.parts:
            tally[min(count - 1, int((part.load - low) / width) if width else 0)] += 1
    most = max(max(tally) for tally in tallies)
    rows = [("LOAD EACH", *(f"REPLICAS BY {dealt.strategy.upper()}" for dealt in preview.dealt))]
    for place in range(count):
        start = low + place * width
        label = _span(start, min(high, start + width - 1) if whole else start + width, unit)
        rows.append((label, *(_bar(tally[place], most) for tally in tallies)))
    return _columns(rows, ink)


def _bar(tally: int, most: int) -> str:
    # One replica of a thousand is what matters most: it is seen.
    bar = "#" * max(round(BAR * tally / most), 1) if tally else ""
    return f"{tally:>{len(str(most))}} {bar}"


def _span(start: float, end: float, unit: Unit) -> str:
    if start == end:
        return load_text(start, unit)
    if unit is Unit.ITEMS:
        return f"{number(start)}-{load_text(end, unit)}"
    return f"{load_text(start, unit)} - {load_text(end, unit)}"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low}-{high}"


def _columns(rows: Sequence[tuple[str, ...]], ink: Ink) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [ink(lines[0], "bold"), *lines[1:]]


_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_STEP = 1000


def load_text(load: float, unit: Unit, *, named: bool = True) -> str:
    """A load to a few digits with its unit: `17.5 MB`, `12 items`, `3.25`; `named` gives items their word."""
    if unit is Unit.BYTES:
        factor, name = scale(load, unit)
        return f"{number(load / factor, 3)} {name}"
    if unit is Unit.ITEMS and named:
        return f"{number(load)} item{'s' * (load != 1)}"
    return number(load)


def scale(largest: float, unit: Unit) -> tuple[float, str]:
    """What to divide loads up to `largest` by, and the name of that unit."""
    if unit is not Unit.BYTES:
        return 1, "items" if unit is Unit.ITEMS else "weight"
    power = 0
    # 999.95 would be shown as 1000.
    while largest >= 0.9995 * _STEP ** (power + 1) and power < len(_PREFIXES) - 1:
        power += 1
    return _STEP**power, f"{_PREFIXES[power]}B"


def number(value: float, digits: int = 4) -> str:
    """Up to `digits` digits, or all of the whole part."""
    whole = value == int(value) or value >= 10 ** (digits - 1)
    return f"{value:.0f}" if whole else f"{value:.{digits}g}"
