"""What an apply tells while it works: a bar and a line of counts in a terminal, elsewhere one plain line a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.report import ActionEnded, Note, PhaseChanged, Started, Waiting
from skaha_apply.model.session import Phase
from skaha_apply.render import words
from skaha_apply.render.groups import skeleton
from skaha_apply.render.printable import cut, line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from rich.progress import Progress, TaskID

    from skaha_apply.model.report import Event

_ENDED = (Phase.DONE.value, Phase.FAILED.value)
_REASON_WIDTH = 100


class Narrator(Protocol):
    """An observer that is closed at the end, so that nothing of it is left moving in a terminal."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Stop drawing; more events may come and start it again."""
        ...


def event_line(event: Event) -> str | None:
    """One event as one line; None for what is no change (a pass of a wait that ended)."""
    match event:
        case Started(project=project, total=total):
            return f"{line(project)}: {words.many(total, 'action')}" if total else None
        case ActionEnded(action=action, error=str(error)):
            return f"not {words.LOOKS[action.kind].past} {line(action.name)}: {line(error)}"
        case ActionEnded(action=action, id=session):
            known = f" {line(session)}" if session else ""
            return f"{words.LOOKS[action.kind].past} {line(action.name)}{known}"
        case PhaseChanged(name=name, id=session, before=before, after=after):
            known = f" {line(session)}" if session else ""
            return f"{line(name)}{known}: {line(before)} -> {line(after)}"
        case Waiting():
            return None
        case Note(text=text):
            return line(text)


def counts_line(counts: Mapping[str, int], reasons: tuple[str, ...] = ()) -> str:
    """`37 running, 63 done (needs reduce)`; the phases that are not zero in the order of their life."""
    order = [phase.value for phase in Phase]
    known = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    text = ", ".join(f"{counts[name]} {words.standing(line(name))}" for name in known if counts[name])
    text = text or "nothing in scope"
    return f"{text} ({cut(line('; '.join(reasons)), _REASON_WIDTH)})" if reasons else text


class Lines:
    """Plain lines, one a change; a wait is told when it begins to wait for something else, never at each poll."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._reasons: dict[str, tuple[str, ...]] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Waiting):
            reasons = tuple(dict.fromkeys(skeleton(reason) for reason in event.reasons))
            if self._reasons.get(event.project, ()) != reasons:
                self._reasons[event.project] = reasons
                self._say(f"{line(event.project)}: {counts_line(event.counts, event.reasons)}")
        elif text := event_line(event):
            self._say(text)

    def close(self) -> None:
        """Nothing moves here."""


class Bar:
    """A progress bar and, in a wait, a line of counts; what went wrong scrolls by above them."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it

        self._console = Console(file=stream, no_color=not colour, highlight=False, markup=False, emoji=False)
        self._bar: Progress | None = None
        self._actions: TaskID | None = None
        self._waits: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case Started(project=project, total=total):
                if total:
                    self._begin(f"{line(project)}: applying", total)
            case ActionEnded():
                self._count(event)
            case Waiting():
                self._wait(event)
            case PhaseChanged(after=Phase.FAILED.value):
                self._print(event_line(event), "red")
            case Note():
                self._print(event_line(event), "")
            case _:
                pass

    def close(self) -> None:
        """Leave the bar as it stands and give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._actions, self._waits = None, None, {}

    def _drawn(self) -> Progress:
        if self._bar is None:
            self._bar = _columns(self._console)
            self._bar.start()
        return self._bar

    def _begin(self, text: str, total: int) -> None:
        bar = self._drawn()
        if self._actions is not None:
            bar.remove_task(self._actions)
        self._actions = bar.add_task(text, total=total)

    def _count(self, event: ActionEnded) -> None:
        if event.error is not None:
            self._print(event_line(event), "red")
        if self._actions is not None:
            self._drawn().advance(self._actions)

    def _wait(self, event: Waiting) -> None:
        bar = self._drawn()
        ended = sum(event.counts.get(phase, 0) for phase in _ENDED)
        text = f"{line(event.project)}: {counts_line(event.counts, event.reasons)}"
        if event.project not in self._waits:
            self._waits[event.project] = bar.add_task(text, total=max(sum(event.counts.values()), 1))
        total = max(sum(event.counts.values()), 1)
        bar.update(self._waits[event.project], description=text, completed=ended, total=total)

    def _print(self, text: str | None, style: str) -> None:
        if text:
            self._console.print(text, style=style or None, soft_wrap=True)


def _columns(console: object) -> Progress:
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text  # noqa: PLC0415 - as above

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.0f}/s" if speed and speed >= 1 else "")

    assert isinstance(console, Console)  # noqa: S101 - the annotation would import rich for everybody
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), MofNCompleteColumn(), Rate(), TimeElapsedColumn(), console=console)
