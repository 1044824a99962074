"""What the replicas of an entry request, against the most that listings showed in use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from skaha_apply.render.page.series import quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.status import ReplicaStatus

SHARE = 99  # percent of the replicas for which a smaller request would do
_ENOUGH = 20  # measured replicas, from which a smaller request is stated


def resources(rows: Sequence[ReplicaStatus], specs: Iterable[SessionSpec | None]) -> dict[str, Any]:
    """`cores` and `ram` (GiB): the least and the most that is requested, and what was seen.

    `seen` is the highest value that was seen, `n` the number of measured replicas. `would_do` is the least whole
    number that is enough for 99 % of them; it is None if it is not less than the request, or if few were measured.
    """
    known = [spec for spec in specs if spec is not None]
    used = [row.used for row in rows if row.used is not None]
    ram = [row.ram for row in rows if row.ram is not None]
    return {
        "cores": _resource([spec.cores for spec in known], [one.cores for one in used]),
        "ram": _resource([*(spec.ram for spec in known), *ram], [one.ram for one in used]),
    }


def _resource(requested: Iterable[Number | None], seen: Iterable[float | None]) -> dict[str, Any]:
    asked = [one for one in requested if one is not None]
    measured = sorted(one for one in seen if one is not None)
    least, most = min(asked, default=None), max(asked, default=None)
    enough = math.ceil(quantile(measured, SHARE)) if len(measured) >= _ENOUGH else None
    return {
        "least": least,
        "most": most,
        "seen": round(measured[-1], 2) if measured else None,
        "n": len(measured),
        "would_do": max(enough, 1) if enough is not None and most is not None and max(enough, 1) < most else None,
    }
