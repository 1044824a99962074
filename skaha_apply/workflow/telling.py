"""Calls whose changes of phase go to a file as well (`--events`)."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.workflow.events import EventFile, Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.model.report import Event
    from skaha_apply.model.spec import Project
    from skaha_apply.workflow.world import World


@contextmanager
def closing_events(path: str | None, public: Callable[[str], str]) -> Iterator[EventFile | None]:
    """The file of events of a call, None without one; raises `SkahaApplyError` as `EventFile` and its `close` do.

    `public` gives a text as it may be written there.
    """
    if path is None:
        yield None
        return
    with closing(EventFile(Path(path), public)) as events:
        yield events


def told_to(
    events: EventFile | None,
    world: World,
    project: Project,
    observe: Callable[[Event], None],
) -> tuple[World, Callable[[Event], None]]:
    """The world and the observer of a call whose changes of phase go to a file as well; None changes neither."""
    if events is None:
        return world, observe
    journal = Journal(events, project.name, world.client.now, observe)

    def both(event: Event) -> None:
        journal.seen(event)
        observe(event)

    return replace(world, journal=journal), both
