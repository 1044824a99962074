"""Values of fields as the server writes them: texts, times, and numbers with or without units."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from skaha_apply.skaha.transport.clock import LAST_MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.model.session import Number

GIB_IN_GB = 1.073741824
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]*)")
UNITS_OF_RAM = {
    **dict.fromkeys(("", "g", "gi", "gb", "gib"), 1.0),
    **dict.fromkeys(("m", "mi", "mb", "mib"), 1 / 1024),
    **dict.fromkeys(("t", "ti", "tb", "tib"), 1024.0),
}
UNITS_OF_CORES = {"": 1.0, "m": 1 / 1000}
_REPEATED = 200  # characters of a text that several sessions can share
_ABSURD = 1e12  # more cores or GiB than any session has


def read_shared(reader: Callable[[object], Any], value: object) -> Any:
    """The value as a function reads it. Sessions of a listing share most texts, so each is read and kept once."""
    return _read_shared_text(reader, value) if isinstance(value, str) and len(value) <= _REPEATED else reader(value)


@lru_cache(maxsize=10_000)
def _read_shared_text(reader: Callable[[object], Any], text: str) -> Any:
    return reader(text)


def read_text(value: object) -> str:
    """A text without spaces around it; "" for others."""
    # Older servers wrote `<none>` for an absent value, which current servers leave out.
    text = value.strip() if isinstance(value, str) else ""
    return "" if text == "<none>" else text


def read_word(value: object) -> str:
    """A text in lower case."""
    return read_text(value).lower()


def read_quantity(value: object, units: Mapping[str, float]) -> float | None:
    """A number, or a text with a number and one of the units, in the first unit; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _usable(value)
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    factor = units.get(found[2].lower()) if found else None
    return _usable(float(found[1]) * factor) if found and factor is not None else None


def _usable(value: float) -> float | None:
    """A number as a float; None for an impossible one: infinite, negative, or too large to compute with."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < _ABSURD else None


def _tidy(value: float) -> Number:
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def read_cores(value: object) -> Number | None:
    """A number of cores: "2", "0.100", "2.500" [ResourceQuantityFormatter], "500m" or a number; None for others."""
    cores = read_quantity(value, UNITS_OF_CORES)
    return _tidy(cores) if cores else None


def read_ram(value: object) -> Number | None:
    """GiB as requested: the server reports decimal GB, 4 GiB as "4.29" [SessionBuilder]; older servers "8G".

    The result is the multiple of half a GiB that the server reports with these digits. A number with a unit is GiB
    already, and so is a whole number that the server reports for no multiple.
    """
    amount = read_quantity(value, UNITS_OF_RAM)
    if not amount:
        return None
    if isinstance(value, str) and value.strip()[-1].isalpha():
        return _tidy(amount)
    halves = round(amount / GIB_IN_GB * 2)
    if abs(halves / 2 * GIB_IN_GB - amount) < 0.0051:  # noqa: PLR2004 - half a unit of the second digit
        return _tidy(halves / 2)
    return _tidy(amount) if amount == int(amount) else _tidy(round(amount / GIB_IN_GB, 2))


def read_ram_used(value: object) -> float | None:
    """GiB in use: the server reports decimal GB, only with metrics; a number with a unit is GiB."""
    amount = read_quantity(value, UNITS_OF_RAM)
    has_unit = isinstance(value, str) and value.strip()[-1:].isalpha()
    return amount if amount is None or has_unit else amount / GIB_IN_GB


def amount_of_cores(value: object) -> float | None:
    """Cores as the server writes them; None for an impossible value."""
    return read_quantity(value, UNITS_OF_CORES)


def amount_of_ram(value: object) -> float | None:
    """Memory as the server writes it, in GB; None for an impossible value."""
    return read_quantity(value, UNITS_OF_RAM)


def read_gpus(value: object) -> int | None:
    """A number of GPUs; None for none, and for what is not a number."""
    count = read_quantity(value, {"": 1.0})
    return int(count) if count else None


def read_time(value: object) -> float | None:
    """Unix seconds of `2026-01-02T03:04Z`, with or without seconds, fractions and offset [CommonUtils]; else None."""
    text = read_text(value)
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LAST_MOMENT else None
