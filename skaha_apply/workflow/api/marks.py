"""The method `mark`: the options in Python's form, and the marks as its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode, SkahaApplyError, UsageError
from skaha_apply.model.report import ActionEnded
from skaha_apply.model.session import Phase
from skaha_apply.workflow.api.choices import words
from skaha_apply.workflow.mark import AxisMissing, Mark, MarkOptions, Verb, mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.workflow.setup.context import Context

_PHASES = (Phase.FAILED.value, Phase.UNKNOWN.value, Phase.DONE.value)


def mark_options(
    verb: str, names: tuple[str, ...], phase: str | Iterable[str], axis: str | None, *, force: bool
) -> MarkOptions:
    """The options of `mark`; raises `UsageError` if they select nothing or have no meaning."""
    phases = words(phase)
    if verb not in set(Verb):
        raise UsageError(f"{verb!r} is not a mark", hint=f"Write one of {', '.join(Verb)}.")
    if wrong := [one for one in phases if one not in _PHASES]:
        raise UsageError(f"phase={wrong[0]!r} cannot be selected", hint=f"Write one of {', '.join(_PHASES)}.")
    if not names and (axis is not None or not phases):
        raise UsageError("no replicas selected", hint="Give names of replicas, or phase='failed'.")
    return MarkOptions(
        verb=Verb(verb),
        patterns=names if axis is None else (),
        axis=axis,
        values=names if axis is not None else (),
        phases=tuple(map(Phase, phases)),
        force=force,
    )


async def mark_replicas(context: Context, project: Project, options: MarkOptions) -> tuple[Mark, ...]:
    """Mark replicas; returns the marks, empty if all replicas have this mark already. Raises what `mark` raises."""
    marked: list[Mark] = []
    errors: list[str] = []

    async def approve(marks: tuple[Mark, ...]) -> bool:
        marked.extend(marks)
        return True

    def observe(event: Event) -> None:
        if isinstance(event, ActionEnded) and event.error is not None:
            errors.append(f"{event.action.name}: {event.error}")
        context.location.setting.observe(event)

    try:
        code = await mark(context, project, options, approve, observe)
    except AxisMissing as error:
        hint = f"Add axis={error.axis!r}: the names are values of this axis."
        raise UsageError(error.message, hint=hint) from error
    if code is ExitCode.PARTIAL:
        raise SkahaApplyError(
            f"not marked, because the deletes of {counted(len(errors), 'session')} failed: {errors[0]}",
            hint="The other replicas are marked. Call mark again.",
        )
    return tuple(marked)
