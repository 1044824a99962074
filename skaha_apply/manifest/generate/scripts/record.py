"""What was read from a script: the sessions that it creates, the lists that it reads, and what stays unknown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.traced_text import plain, without_private
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.manifest.generate.command_line import CreateCommand

MOST_STEPS = 500_000
MOST_CALLS = 20_000


@dataclass(frozen=True)
class RecordedCall:
    """One session that the script creates: its command with marks of loops, and its line.

    `stage` is how often the script waited for sessions before, `gaps` how often it waited for something else.
    """

    line: int
    command: CreateCommand
    stage: int = 0
    gaps: int = 0


@dataclass
class ScriptReading:
    """The result of reading a script.

    Attributes:
        read_list: gives the text of a file that the script reads; None if there is none.
        calls: the sessions, in the order of their creation.
        remarks: pairs of a line and what is not known there.
        lists: the text of each file that the script reads, by its path in the script.
        missing: the path of each list that was not found, by the axis of its loop.
        stages: the line of each wait for the sessions before it.
        gaps: the line of each wait that may be one for the sessions before it.
        limits: the number of active sessions below which the script continues, by the line where it waits for that.
        loops: how many loops that create sessions the reader is in.
        waiting: how many loops that wait the reader is in.
    """

    read_list: Callable[[str], str | None]
    calls: list[RecordedCall] = field(default_factory=list)
    remarks: dict[tuple[int, str], None] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    stages: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    limits: dict[int, int] = field(default_factory=dict)
    loops: int = 0
    waiting: int = 0
    steps: int = 0

    def step(self) -> None:
        """Count one step of the script. Raises `UsageError` for a script that takes too many."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            hint = "Put the values of its loop into a list, and loop over the lines of the list."
            raise UsageError(f"the script takes more than {MOST_STEPS:,} steps", hint=hint)

    def remark(self, line: int, text: str) -> None:
        """Keep a remark about a line, once."""
        self.remarks[line, text] = None

    def record(self, call: RecordedCall) -> None:
        """Keep a session. Raises `UsageError` for more than 20,000."""
        if len(self.calls) >= MOST_CALLS:
            raise UsageError(f"the script creates more than {MOST_CALLS:,} sessions")
        self.calls.append(replace(call, stage=len(self.stages), gaps=len(self.gaps)))

    def keep_gap(self, line: int) -> None:
        """Keep that the script waits at a line, perhaps for the sessions before it."""
        if self.calls and not self.waiting:
            self.gaps.append(line)

    def wait(self, line: int) -> None:
        """Keep that the script waits at a line for the sessions before it. Within a loop that creates, it may not."""
        if self.loops:
            self.pause(line)
        elif self.calls and not self.waiting:
            self.stages.append(line)

    def pause(self, line: int) -> None:
        """Keep that the script waits at a line, perhaps until fewer sessions are active."""
        if self.loops and not self.waiting:
            self.remark(line, "the script waits between its sessions; `max_active: N` limits how many are active")
        self.keep_gap(line)

    def limit(self, line: int, most: int | None) -> None:
        """Keep that the script waits at a line until fewer sessions are active; `most` is None if it is not known.

        With a limit of 0 it waits for all sessions before it.
        """
        if most is not None and most < 1:
            self.wait(line)
        elif not self.loops:
            self.keep_gap(line)
        elif most is None:
            self.pause(line)
        else:
            self.limits[line] = most

    @contextmanager
    def loop(self, *, creates: bool, waits: bool = False) -> Iterator[None]:
        """Keep that the reader is in a loop."""
        self.loops += creates
        self.waiting += waits
        try:
            yield
        finally:
            self.loops -= creates
            self.waiting -= waits

    def file(self, path: str) -> str | None:
        """The text of a file that the script reads; None if it cannot be read here."""
        if path not in self.lists:
            text = self.read_list(path)
            if text is None:
                return None
            self.lists[path] = without_private(text)
        return self.lists[path]


def with_texts(command: CreateCommand, change: Callable[[str], str]) -> CreateCommand:
    """The command with each text changed."""
    changed: dict[str, Any] = {}
    for one in fields(command):
        value = getattr(command, one.name)
        if value is not None:
            changed[one.name] = tuple(map(change, value)) if isinstance(value, tuple) else change(value)
    return replace(command, **changed)


def plain_command(command: CreateCommand) -> CreateCommand:
    """The command without marks of loops."""
    return with_texts(command, plain)
