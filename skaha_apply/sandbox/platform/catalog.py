"""What the platform offers: session types, images and resource options, with the stock values of the Helm chart.

Source: [k8s-resources.json].
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.options import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable

REGISTRY = "images.canfar.net"
TYPES = ("carta", "contributed", "desktop", "notebook", "headless", "firefly", "desktop-app")

CORES = tuple(range(1, 17))
RAM_GIB = (
    1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32,
    36, 40, 44, 48, 56, 64, 80, 92, 112, 128, 140, 170, 192,
)  # fmt: skip
GPUS = tuple(range(1, 29))
# Request and limit of a session without the parameter.
DEFAULT_CORES = (1.0, 8.0)
DEFAULT_RAM_GIB = (4.0, 32.0)

_BUILT_IN: dict[str, tuple[str, ...]] = {
    "skaha/astroml:24.03": ("headless", "notebook"),
    "skaha/astroml:24.07": ("headless", "notebook"),
    "skaha/astroml:latest": ("headless", "notebook"),
    "skaha/astroml-cuda:24.07": ("headless", "notebook"),
    "skaha/astroml-notebook:24.03": ("notebook",),
    "skaha/base-notebook:latest": ("notebook",),
    "skaha/carta:4.0": ("carta",),
    "skaha/carta:4.1": ("carta",),
    "skaha/carta:5.0": ("carta",),
    "skaha/casa:6.5-notebook": ("headless", "notebook"),
    "skaha/desktop:1.1.1": ("desktop",),
    "skaha/desktop:1.1.2": ("desktop",),
    "skaha/firefly:2024.3": ("firefly",),
    "skaha/firefly:2025.2": ("firefly",),
    "skaha/improc-notebook:latest": ("headless", "notebook"),
    "skaha/lsst:w_2024_10": ("headless", "notebook"),
    "skaha/marimo:latest": ("contributed",),
    "skaha/terminal:1.1.1": ("desktop-app", "headless"),
    "skaha/terminal:1.1.2": ("desktop-app", "headless"),
    "skaha/vscode:latest": ("contributed",),
    "casa-6/casa:6.6.3": ("desktop-app", "headless"),
    "lsst/stack:latest": ("headless",),
    "unions/shapepipe:latest": ("headless",),
}


def images(additional: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the types of each public image: the built-in images, and `HOST/NAME:TAG[=type]` (default headless)."""
    known = {f"{REGISTRY}/{name}": types for name, types in _BUILT_IN.items()}
    for entry in additional:
        image, _, kind = entry.partition("=")
        kind = kind or "headless"
        if kind not in TYPES or "/" not in image or not image.strip():
            raise SandboxError(f"{entry} is not an image", f"write HOST/NAME:TAG or HOST/NAME:TAG=TYPE; types: {TYPES}")
        known[image] = tuple(sorted({*known.get(image, ()), kind}))
    return known


def hosts(known: Iterable[str]) -> list[str]:
    """Return the trusted registries; the registry of the platform is the first."""
    return list(dict.fromkeys([REGISTRY, *sorted(image.partition("/")[0] for image in known)]))


def image_list(known: dict[str, tuple[str, ...]], kind: str | None) -> str:
    """Return the body of GET /image: objects of id, types and digest; `kind` selects the images of one type."""
    entries = [
        {"id": image, "types": list(types), "digest": f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"}
        for image, types in sorted(known.items())
        if kind is None or kind in types
    ]
    return json.dumps(entries, indent=2)


def context(max_interactive: int) -> str:
    """Return the body of GET /context in its file form: compact, the limit as a string [k8s-resources.json]."""
    document = {
        "cores": {"default": 2, **_defaults(DEFAULT_CORES), "options": CORES},
        "memoryGB": {"default": 8, **_defaults(DEFAULT_RAM_GIB), "options": RAM_GIB},
        "gpus": {"options": GPUS},
        "maxInteractiveSessions": str(max_interactive),
    }
    return json.dumps(document, separators=(",", ":"))


def _defaults(amounts: tuple[float, float]) -> dict[str, int]:
    return {"defaultRequest": int(amounts[0]), "defaultLimit": int(amounts[1])}
