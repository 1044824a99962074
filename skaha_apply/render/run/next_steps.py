"""What an ended `apply` leaves: what continues, what waits for another invocation, and the commands to type.

Each command stands alone on its line, so that it can be copied whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.model.session import Phase, phase_of
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skaha_apply.model.plan import Action
    from skaha_apply.model.report import Report

_FINAL = (ExitCode.UNFINISHED, ExitCode.PARTIAL)  # a failed replica has no retry left


@dataclass(frozen=True)
class NextCommands:
    """The commands that an ending can suggest.

    `repeat` is this invocation, `rerun` marks its failed replicas, `with_option` returns this invocation with another
    option.
    """

    repeat: str
    rerun: str
    with_option: Callable[[str], str]


def next_steps_text(report: Report, commands: NextCommands) -> str:
    """What continues, what waits for another invocation, and what to type; "" if no work is left."""
    steps = []
    if report.resume:
        first = f"{one_line(report.project)}: {one_line(report.resume)}. Running sessions continue on the server."
        steps += [first, "To continue:", f"  {one_line(commands.repeat)}"]
    failed = sum(one.phase == Phase.FAILED.value for one in report.sessions)
    if failed and report.exit_code in _FINAL:
        which = f"{counted(failed, 'failed replica')} of {one_line(report.project)}"
        steps += [f"To run {which} again at the next apply:", f"  {one_line(commands.rerun)}"]
    steps += conflict_steps(report.plan.actions if report.plan else (), commands.with_option)
    return "\n".join([*steps, ""])


def conflict_steps(actions: Iterable[Action], with_option: Callable[[str], str]) -> list[str]:
    """The commands that resolve conflicts with unmanaged sessions: to record them, and to replace them."""
    statuses = [
        str(dict(action.reason.arguments).get("status", ""))
        for action in actions
        if action.kind is ActionKind.CONFLICT and action.reason.code is ReasonCode.UNMANAGED_SESSION
    ]
    if not statuses:
        return []
    ended = any(phase_of(status) is Phase.DONE for status in statuses)
    which = counted(len(statuses), "unmanaged session")
    them, match = ("them", "they match") if len(statuses) > 1 else ("it", "it matches")
    return [
        f"To record {which} in the state, if {match}:",
        f"  {one_line(with_option('--adopt=ended' if ended else '--adopt'))}",
        f"To delete and replace {them}:",
        f"  {one_line(with_option('--take-over'))}",
    ]
