"""What a server offers to an account: options, images and the load of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from skaha_apply.model.request import Offer


@dataclass(frozen=True, slots=True)
class Image:
    """A public image, and the kinds of session that it is for."""

    name: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Load:
    """Totals of the cluster; RAM in the GB that the server reports, None for an amount that it does not report."""

    cores_requested: float | None = None
    cores_available: float | None = None
    ram_requested: float | None = None
    ram_available: float | None = None


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The options, the interactive sessions in use, the images, and the load; None where the server reports nothing."""

    server: str
    offer: Offer
    interactive: int
    images: tuple[Image, ...] | None
    load: Load | None
