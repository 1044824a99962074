"""Loads with their units: bytes in powers of a thousand, as tools that list files do."""

from __future__ import annotations

from skaha_apply.model.shares import Unit

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
