"""The checks of POST /session in the server's order, with its texts [PostAction]."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox import catalog, containers
from skaha_apply.sandbox.answers import bad_request, unexpected
from skaha_apply.sandbox.quantities import java_double, java_int, java_int_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.sandbox.parameters import Parameters

REGISTRY_AUTH = "x-skaha-registry-auth"
_MAX_LABEL = 63
_TEMPLATE_CORES = {"desktop": 0.25, "firefly": 0.1}
_TEMPLATE_RAM_GIB = {"desktop": 1.0, "firefly": 4.0}


@dataclass(frozen=True)
class Offer:
    """What the checks compare with: the public images, and the user's place among the interactive sessions."""

    images: Mapping[str, tuple[str, ...]]
    userid: str
    interactive: int
    max_interactive: int


@dataclass(frozen=True)
class Wish:
    """A create that passed all checks; `cores` and `ram` (GiB) are requested, and listed only if `fixed`."""

    image: str
    kind: str
    name: str
    cores: float
    ram: float
    fixed: bool
    container: containers.Container


def read_create(parameters: Parameters, headers: Mapping[str, str], offer: Offer) -> Wish:
    """Check one create; raises Refusal with the first complaint of the server."""
    image = _image(parameters, offer)
    kind = _kind(parameters)
    cores = _resource(parameters, "cores", catalog.CORES)
    ram = _resource(parameters, "ram", catalog.RAM_GIB)
    name = _name(parameters)
    if kind != "headless" and offer.interactive >= offer.max_interactive:
        limit = offer.max_interactive
        raise bad_request(f"User {offer.userid} has reached the maximum of {limit} active sessions.")
    _check_gpus(parameters)
    if image not in offer.images:
        _check_registry_auth(headers.get(REGISTRY_AUTH))
    if kind == "desktop-app":
        raise unexpected("java.nio.file.NoSuchFileException", "launch-desktop_app.yaml")
    label = _label(name)
    container = containers.EMPTY
    if kind == "headless":
        container = containers.bundle(image, parameters.first("cmd"), parameters.first("args"), parameters.every("env"))
    containers.check_hostname(name)
    return Wish(
        image=image,
        kind=kind,
        name=label,
        cores=_TEMPLATE_CORES.get(kind, cores if cores is not None else 1.0),
        ram=_TEMPLATE_RAM_GIB.get(kind, ram if ram is not None else 4.0),
        fixed=ram is not None,
        container=container,
    )


def _image(parameters: Parameters, offer: Offer) -> str:
    image = parameters.first("image")
    if image is None:
        raise bad_request("Missing parameter 'image'")
    if not image.strip():
        raise bad_request("image is required")
    hosts = catalog.hosts(offer.images)
    if not image.startswith(tuple(hosts)):
        raise bad_request(f"session image '{image}' must come from one of [{', '.join(hosts)}]")
    return image


def _kind(parameters: Parameters) -> str:
    sent = parameters.first("type")
    kind = (sent or "").strip().lower() or "headless"
    if kind not in catalog.TYPES:
        raise bad_request(f"Invalid session type: {sent}")
    return kind


def _resource(parameters: Parameters, name: str, options: tuple[int, ...]) -> float | None:
    """Read `cores` or `ram`: only the integer part must be among the options, yet the full value is requested."""
    sent = parameters.first(name)
    if sent is None:
        return None
    try:
        number = java_double(sent)
    except ValueError:
        number = -1.0
    if java_int_part(number) not in options:
        raise bad_request(f"Invalid value for '{name}': {sent}")
    return number


def _name(parameters: Parameters) -> str:
    name = parameters.first("name")
    if name is None:
        raise bad_request("Missing parameter 'name'")
    if not re.fullmatch(r"[a-zA-Z0-9-]+", name):
        raise bad_request("name can only contain alpha-numeric chars and '-'")
    return name.lower()


def _check_gpus(parameters: Parameters) -> None:
    sent = parameters.first("gpus")
    if sent is None:
        return
    try:
        number = java_int(sent)
    except ValueError:
        number = 0
    if number not in catalog.GPUS:
        raise bad_request(f"Invalid value for 'gpus': {sent}")


def _check_registry_auth(header: str | None) -> None:
    """Refuse an unknown image without `base64(user:secret)`, the secret without a `:` [ImageRepositoryAuth]."""
    if not header:
        raise bad_request(
            "No authentication provided for unknown or private image. "
            f"Use {REGISTRY_AUTH} request header with base64Encode(username:secret)."
        )
    try:
        parts = base64.b64decode(header.strip(), validate=True).decode().split(":")
    except (binascii.Error, UnicodeDecodeError):
        parts = []
    if len(parts) != len(("user", "secret")) or not all(parts):
        raise bad_request(f"{REGISTRY_AUTH} must be base64Encode(username:secret)")


def _label(name: str) -> str:
    """Give the name as it is listed: cut at 63 characters, then at the last alphanumeric [SessionLabels]."""
    label = name[:_MAX_LABEL].rstrip("-")
    if not label or label.startswith("-"):
        raise bad_request("canfar.net/name label value cannot be blank")
    return label
