"""What a pass works with, and what it has done so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.apply.lister import Lister
    from skaha_apply.apply.log_saver import LogSaver
    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.plan import Action, AttemptKey
    from skaha_apply.model.ports import Server
    from skaha_apply.model.report import Event, Failure


@dataclass(frozen=True)
class ExecutionContext:
    """What a pass works with.

    `settle` is in seconds, `concurrency` in requests in flight, `secrets` are values by variable. `checks_account` is
    false in the sandbox, which has one account.
    """

    server: Server
    ledger: Ledger
    lister: Lister
    log_saver: LogSaver
    observe: Callable[[Event], None]
    project: str
    settle: float
    concurrency: int
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    checks_account: bool = True

    @property
    def identity(self) -> str | None:
        """The digest of the credential as it is now; None if there is nothing to check."""
        return self.server.identity if self.checks_account else None


@dataclass
class Outcomes:
    """What a pass did.

    `accepted` and `deleted` are IDs. `unconfirmed` counts requests without a clear response. `already_ended` counts
    deletes that were not sent because the session had ended. `tried` are actions that failed and are not tried again;
    `done` are those that were carried out. `stopped` is the reason why the run ends early. `notes` are for the report.
    """

    applied: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unconfirmed: int = 0
    already_ended: int = 0
    tried: set[AttemptKey] = field(default_factory=set)
    done: list[Action] = field(default_factory=list)
    stopped: SkahaApplyError | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def only_creates(self) -> bool:
        """Whether all that was done are creates with a clear outcome, at least one of them accepted."""
        return bool(self.accepted) and not (self.deleted or self.unconfirmed or self.already_ended)
