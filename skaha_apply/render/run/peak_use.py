"""The most that a session used, as text and as JSON: `used at most 5 of 64 GB and 1.5 of 8 cores`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skaha_apply.model.session import Number
    from skaha_apply.model.status import PeakUse


def used_text(used: PeakUse | None) -> str:
    """What a session used at most, next to what it requested; "" if the server measured nothing."""
    if used is None:
        return ""
    amounts = [(used.ram, used.requested_ram, "GB"), (used.cores, used.requested_cores, "cores")]
    texts = [_amount(most, requested, unit) for most, requested, unit in amounts if most is not None]
    return f"used at most {' and '.join(texts)}"


def used_document(used: PeakUse | None) -> dict[str, Any] | None:
    """The same as a JSON value: RAM in GiB, and cores."""
    return None if used is None else {"ram": used.ram, "cores": used.cores}


def _amount(most: float, requested: Number | None, unit: str) -> str:
    return f"{_number(most)}{'' if requested is None else f' of {requested:g}'} {unit}"


def _number(amount: float) -> str:
    """Two or three digits: `63`, `5.2`, `0.25`."""
    return f"{amount:.0f}" if amount >= 10 else f"{amount:.2g}"  # noqa: PLR2004 - two digits
