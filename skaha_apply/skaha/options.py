"""The options of the client."""

from __future__ import annotations

import random
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.auth.credential import renew_nothing
from skaha_apply.skaha.transport.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event
    from skaha_apply.skaha.auth.credential import Renew
    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.transport.connections import MakeTransport

MOST_CONCURRENCY = 256


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The server, the credential, and the limits of the client.

    Args:
        server: base URL.
        login: reads the credential.
        renew: runs a program that renews the credential; called before `login`.
        concurrency: the largest number of requests in flight, 1 to 256.
        patience: seconds for which a request that was refused for a moment is repeated.
        response: seconds for a response.
        connect: seconds for a connection.
        observe: receives a note when an outage is long, and when the server is back.
        identify: receives the ID and the connect URL of each interactive session.
        transport: makes the transport in tests.
        clock: replaced in tests.
        draw: returns a random number from [0, 1); replaced in tests.
    """

    server: str
    login: Callable[[], Login]
    renew: Renew = renew_nothing
    concurrency: int = 32
    patience: float = 10.0
    response: float = 120.0
    connect: float = 10.0
    observe: Callable[[Event], None] = lambda _: None
    identify: Callable[[str, str], None] = lambda _id, _url: None
    transport: MakeTransport | None = None
    clock: Clock = field(default_factory=SystemClock)
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= MOST_CONCURRENCY:
            raise UsageError(
                f"concurrency must be from 1 to {MOST_CONCURRENCY}, not {self.concurrency}",
                hint=f"give a number from 1 to {MOST_CONCURRENCY} in --concurrency",
            )
