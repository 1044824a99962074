"""Before something running is deleted to be replaced: would the server take what replaces it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.request import Offer
    from skaha_apply.model.spec import SessionSpec


def objection(spec: SessionSpec, offer: Offer, *, private: bool) -> str | None:
    """Why the server would refuse this spec, as far as /context, /image and /repository tell; None when it would not.

    Parts that the server does not tell in a known form are not judged. Of cores and ram the integer part must be among
    the options [PostAction]; `private` says that a registry credential for the image will be sent, so that it need not
    be in the public list.
    """
    if offer.registries is not None and not spec.image.startswith(tuple(offer.registries)):
        return f"image {spec.image} must come from one of {', '.join(offer.registries)}"
    if offer.images is not None and not private and spec.image not in offer.images:
        why = "a new one takes up to 30 min to appear there, a private one needs a registry login"
        return f"image {spec.image} is not in the server's list ({why})"
    for name, value, options in (
        ("cores", spec.cores, offer.cores),
        ("ram", spec.ram, offer.ram),
        ("gpus", spec.gpus, offer.gpus),
    ):
        if value is not None and options is not None and int(value) not in options:
            offered = ", ".join(f"{option:g}" for option in sorted(options))
            return f"{name}: {value:g} is not offered by the server ({offered})"
    return None
