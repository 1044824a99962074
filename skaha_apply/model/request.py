"""What is sent to the server, and the three ways in which it may end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from skaha_apply.model.session import Kind
    from skaha_apply.model.spec import SessionSpec


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """One `POST /session`: a session spec as it is sent for one replica.

    The name of the spec is the name on the server. Its texts hold the replica ID and sensitive values, and its `env`
    includes the variables of the tool, so it is never stored or printed.
    """

    spec: SessionSpec

    @property
    def image(self) -> str:
        """The image, by which the login of its registry is chosen."""
        return self.spec.image

    @property
    def kind(self) -> Kind:
        """The kind of session."""
        return self.spec.kind


@dataclass(frozen=True, slots=True)
class Accepted:
    """2xx. `id` is the ID of the new session, "" if the request creates none."""

    id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request had no effect on the server. `status` is 0 if no request was sent.

    `stopped`: it was not sent because of an interrupt or a timeout. `auth`: the server refuses the credential, so it
    would refuse every other request too. `hint` states what to do next.
    """

    status: int
    text: str
    stopped: bool = False
    auth: bool = False
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """No usable response: the request might have had an effect."""

    text: str


Outcome = Accepted | Refused | Unconfirmed


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server offers: options of /context, images of /image, hosts of /repository; None where unknown.

    `default_cores` and `default_ram` (GiB) are the defaultRequest of flexible sessions.
    """

    cores: frozenset[float] | None = None
    ram: frozenset[float] | None = None
    gpus: frozenset[float] | None = None
    images: frozenset[str] | None = None
    registries: tuple[str, ...] | None = None
    default_cores: float = 1.0
    default_ram: float = 4.0
    max_interactive: int | None = None
