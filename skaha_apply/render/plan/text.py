"""A plan as text: the actions with their reasons, grouped by session, then the counts."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.spec import SessionSpec, headless_only
from skaha_apply.planning.summary.core_hours import planned_cost
from skaha_apply.render import action_labels
from skaha_apply.render.color import plain
from skaha_apply.render.cost import cost_text
from skaha_apply.render.plan.groups import entry_name, grouped, totals
from skaha_apply.render.printable import differing_values, one_line
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action, Change, Plan
    from skaha_apply.render.color import Paint
    from skaha_apply.render.plan.groups import ActionGroup

NOTHING = "No changes. All sessions of the manifest are live or done."
RETIRED = ActionKind.RETIRED
GROUPS = 200  # lines of one plan; -o json lists all actions
CHANGES = 20  # changed fields of one line
_NOT_SENT = headless_only(SessionSpec) | {
    "needs"
}  # the server ignores them for interactive kinds [PostAction.getHeadlessImageBundle]


def render(plans: Sequence[Plan], paint: Paint, **_: bool) -> str:
    """The text of the format `text`."""
    return "\n".join(plan_text(plan, paint) for plan in plans)


def plan_text(plan: Plan, paint: Paint = plain, nothing: str = NOTHING) -> str:
    """The whole plan, with a newline at its end; `nothing` is printed if there is nothing to do."""
    return "\n".join([*head(plan, paint), *body(plan, paint), *foot(plan, paint, nothing)]) + "\n"


def head(plan: Plan, paint: Paint = plain) -> list[str]:
    """The project, the server, whether the plan creates the state, and the notes."""
    first = f"{one_line(plan.project)} on {one_line(plan.server)}"
    if plan.new_state:
        first += ": no state yet; this plan creates one"
    return [paint(first, "bold"), *(f"note: {one_line(reason_text(note))}" for note in plan.notes)]


def body(plan: Plan, paint: Paint = plain) -> list[str]:
    """One line for each group, with its changed fields below; at most `GROUPS` groups."""
    numbers = totals(plan.actions) + Counter(plan.archived)
    groups = grouped((action for action in plan.actions if not action.kind.is_quiet), numbers)
    if not groups:
        return []
    shown = groups[:GROUPS]
    width = max(len(group.kind.value) for group in shown)
    lines = [""]
    for group in shown:
        lines += _group(group, width, paint)
    if len(groups) > GROUPS:
        rest = sum(len(group.actions) for group in groups[GROUPS:])
        lines.append(f"… and {counted(rest, 'action')} more; -o json lists all of them")
    return lines


def foot(plan: Plan, paint: Paint = plain, nothing: str = NOTHING) -> list[str]:
    """The counts, the lost work, the next steps, and the refusal."""
    summary = plan.summary
    # The sessions that `destroy` leaves are still in the manifest, so "no longer in the manifest" would be wrong.
    other = action_labels.other_counts(
        {kind: count for kind, count in summary.items() if kind != RETIRED or not plan.destroys}
    )
    lines = [
        "",
        paint(f"Plan: {action_labels.change_counts(summary)}.", "bold")
        if plan.has_changes
        else _no_changes(plan, paint, nothing),
    ]
    if other:
        lines.append(f"Also: {other}." if plan.has_changes else f"Replicas: {other}.")
    lines += _losses(plan)
    lines += filter(None, [cost_text(planned_cost(plan.actions))])
    lines += _next_steps(plan)
    if plan.refused:
        lines.append(paint(f"Refused: {one_line(reason_text(plan.refused))}.", "bold red"))
    return lines


def _no_changes(plan: Plan, paint: Paint, nothing: str) -> str:
    counts = plan.summary
    has_open = any(counts[kind] for kind in counts if not ActionKind(kind).is_quiet)
    if has_open:
        return paint("No changes are possible now; the list above shows what is left.", "bold")
    return paint(nothing, "bold green")


def _next_steps(plan: Plan) -> Iterable[str]:
    """The commands for replicas that no plan resolves: failed ones, and ones whose end is unknown.

    Each command stands alone on its line, so that it can be copied whole.
    """
    for kind, verbs in ((ActionKind.FAILED, ("rerun",)), (ActionKind.UNKNOWN, ("complete", "rerun"))):
        names = dict.fromkeys(entry_name(action) for action in plan.actions if action.kind is kind)
        if names:
            shown = " ".join(quote(one_line(name)) for name in list(names)[:3])
            yield f"To resolve {kind.value} replicas:"
            yield from (f"  skaha-apply mark {verb} {shown} --phase {kind.value}" for verb in verbs)


def _losses(plan: Plan) -> Iterable[str]:
    if plan.recomputed:
        again = counted(plan.recomputed, "finished replica")
        yield f"{again} would be computed again{_resized(plan.actions)}."
    if plan.core_hours_lost:
        most = "at most " if plan.lost_is_bound else ""
        yield f"Core-hours lost by deleting, replacing and rerunning: {most}{plan.core_hours_lost:g}."


def _resized(actions: Iterable[Action]) -> str:
    resized = any(
        change.path == "replicas"
        for action in actions
        if action.kind is ActionKind.REPLACE
        for change in action.changes
    )
    return ", because another number of replicas changes every share" if resized else ""


def _group(group: ActionGroup, width: int, paint: Paint) -> list[str]:
    label = action_labels.LABELS[group.kind]
    mark = paint(f"{label.symbol:<{action_labels.SYMBOL_WIDTH}} {group.kind.value:<{width}}", label.style)
    lines = [f"{mark}  {group.label}  {one_line(group.reason)}".rstrip()]
    lines += [_change(change, group.actions[0], paint) for change in group.changes[:CHANGES]]
    if len(group.changes) > CHANGES:
        lines.append(f"      … and {len(group.changes) - CHANGES} more fields")
    return lines


def _change(change: Change, action: Action, paint: Paint) -> str:
    before, after = differing_values(change.before, change.after)
    text = f"      {one_line(change.path)}: {before} -> {after}"
    return text + paint("  # forces replacement", "red") if _forces_replacement(change, action) else text


def _forces_replacement(change: Change, action: Action) -> bool:
    if action.kind is not ActionKind.REPLACE and not action.create_later:
        return False
    interactive = action.desired is not None and action.desired.spec.kind.interactive
    return not (interactive and change.path.partition("[")[0].partition(".")[0] in _NOT_SENT)
