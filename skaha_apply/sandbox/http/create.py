"""The checks of POST /session, in the server's order and with its messages.

Source: [PostAction, ImageRepositoryAuth, launch-*.yaml].
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import bad_request, unexpected
from skaha_apply.sandbox.platform import catalog
from skaha_apply.sandbox.text import placeholders
from skaha_apply.sandbox.text.containers import Container, ContainerParameters, check_job, read_bundle, read_image
from skaha_apply.sandbox.text.java_text import split
from skaha_apply.sandbox.text.labels import listed_name
from skaha_apply.sandbox.text.quantities import java_int, java_int_part, java_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from skaha_apply.sandbox.http.parameters import RequestParameters

REGISTRY_AUTH = "x-skaha-registry-auth"
_TEMPLATES = {"desktop": (0.25, 1.0), "firefly": (0.1, 4.0)}
_PAIR = 2


@dataclass(frozen=True)
class CreateLimits:
    """What the server allows: the public images, and the user's number of interactive sessions with its limit."""

    images: Mapping[str, tuple[str, ...]]
    interactive: int
    max_interactive: int


@dataclass(frozen=True)
class SessionIdentity:
    """The ID and the user of a new session, the data folder, and the seconds until it expires."""

    session_id: str
    userid: str
    data: Path
    expiry: float


@dataclass(frozen=True)
class RequestedResources:
    """Requested cores and RAM (GiB), and their limits. They are listed only if `fixed`, which `ram` alone decides."""

    cores: float
    ram: float
    limit_cores: float
    limit_ram: float
    fixed: bool


@dataclass(frozen=True)
class AcceptedCreate:
    """A create that passed all checks."""

    kind: str
    name: str
    resources: RequestedResources
    container: Container


def read_create(
    parameters: RequestParameters, headers: Mapping[str, str], limits: CreateLimits, identity: SessionIdentity
) -> AcceptedCreate:
    """Check one create; raises Refusal with the first error that the server reports."""
    image = _image(parameters, limits)
    kind = _kind(parameters)
    resources = read_resources(parameters)
    name = _name(parameters)
    if kind != "headless" and limits.interactive >= limits.max_interactive:
        limit = limits.max_interactive
        raise bad_request(f"User {identity.userid} has reached the maximum of {limit} active sessions.")
    _check_gpus(parameters)
    if image not in limits.images:
        _check_registry_auth(headers.get(REGISTRY_AUTH))
    if kind == "desktop-app":
        raise unexpected("java.nio.file.NoSuchFileException", "/config/launch-desktop_app.yaml")
    container = Container(read_image(image))
    if kind == "headless":
        known = placeholders.placeholder_values(
            _job_fields(image, kind, name, resources, identity), identity.data, os.getuid(), identity.expiry
        )
        container = read_bundle(_container_parameters(image, parameters), lambda text: placeholders.fill(text, known))
    label = listed_name(name)
    check_job(container, name)
    return AcceptedCreate(kind, label, _templated(kind, resources), container)


def _container_parameters(image: str, parameters: RequestParameters) -> ContainerParameters:
    return ContainerParameters(image, parameters.first("cmd"), parameters.first("args"), tuple(parameters.every("env")))


def _job_fields(
    image: str, kind: str, name: str, resources: RequestedResources, identity: SessionIdentity
) -> placeholders.JobFields:
    cores = (resources.cores, resources.limit_cores)
    ram = (resources.ram, resources.limit_ram)
    return placeholders.JobFields(identity.session_id, identity.userid, name, kind, image, cores, ram)


def _image(parameters: RequestParameters, limits: CreateLimits) -> str:
    image = parameters.first("image")
    if image is None:
        raise bad_request("Missing parameter 'image'")
    if not image.strip():
        raise bad_request("image is required")
    hosts = catalog.hosts(limits.images)
    if not image.startswith(tuple(hosts)):
        raise bad_request(f"session image '{image}' must come from one of [{', '.join(hosts)}]")
    return image


def _kind(parameters: RequestParameters) -> str:
    sent = parameters.text("type")
    kind = (sent or "headless").strip().lower()
    if kind not in catalog.TYPES:
        raise bad_request(f"Invalid session type: {sent}")
    return kind


def read_resources(parameters: RequestParameters) -> RequestedResources:
    """Read `cores`, then `ram`; raises Refusal with 400."""
    cores = _amount(parameters, "cores", catalog.CORES)
    ram = _amount(parameters, "ram", catalog.RAM_GIB)
    return RequestedResources(
        cores=catalog.DEFAULT_CORES[0] if cores is None else cores,
        ram=catalog.DEFAULT_RAM_GIB[0] if ram is None else ram,
        limit_cores=catalog.DEFAULT_CORES[1] if cores is None else cores,
        limit_ram=catalog.DEFAULT_RAM_GIB[1] if ram is None else ram,
        fixed=ram is not None,
    )


def _amount(parameters: RequestParameters, name: str, options: tuple[int, ...]) -> float | None:
    """Read `cores` or `ram`: only the integer part must be an option, but the full value is requested."""
    sent = parameters.text(name)
    if sent is None:
        return None
    try:
        number = java_number(sent)
    except ValueError:
        number = -1.0
    if java_int_part(number) not in options:
        raise bad_request(f"Invalid value for '{name}': {sent}")
    return number


def _templated(kind: str, resources: RequestedResources) -> RequestedResources:
    """Return what the template of a kind requests: desktop and firefly ignore the parameters [launch-*.yaml]."""
    if kind not in _TEMPLATES:
        return resources
    cores, ram = _TEMPLATES[kind]
    return RequestedResources(cores, ram, resources.limit_cores, resources.limit_ram, resources.fixed)


def _name(parameters: RequestParameters) -> str:
    name = parameters.text("name")
    if name is None:
        raise bad_request("Missing parameter 'name'")
    if not re.fullmatch(r"[a-zA-Z0-9-]+", name):
        raise bad_request("name can only contain alpha-numeric chars and '-'")
    return name.lower()


def _check_gpus(parameters: RequestParameters) -> None:
    sent = parameters.text("gpus")
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
    if not header or not header.strip():
        raise bad_request(
            "No authentication provided for unknown or private image.  "
            f"Use {REGISTRY_AUTH} request header with base64Encode(username:secret)."
        )
    try:
        decoded = base64.b64decode(header.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        decoded = ""
    parts = split(decoded, ":")
    if len(parts) != _PAIR:
        raise bad_request("Invalid input.  Must be in form of username:secret")
    if not parts[0].strip():
        raise bad_request("username is required.")
    if not parts[1].strip():
        raise bad_request("secret value cannot be empty.")
