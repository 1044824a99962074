"""The diagnostics of `lint`: syntax errors, violations of rules, and with a server also what it does not offer."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply import lint, manifest
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Diagnostic, LintReport, Location, RuleText, Severity
from skaha_apply.model.errors import Interrupted, SkahaApplyError, UsageError
from skaha_apply.model.project import MissingValues
from skaha_apply.model.session import Kind, Phase
from skaha_apply.state.paths import find_homes, find_root
from skaha_apply.workflow.setup.variables import check_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from skaha_apply.model.project import Loaded, Project
    from skaha_apply.model.session import Listing
    from skaha_apply.workflow.setup.settings import Settings

UNREACHED = RuleText(
    "server-unreached",
    Severity.WARNING,
    "A server that could not be used (only with `--online`).",
    "With --online the rules use what the server offers. If the server cannot be used, they use default options.",
)
MOST_NAMES = 10_000  # of replicas of one interactive session; more can never be


@dataclass(frozen=True)
class RuleSelection:
    """Which rules are run, all except syntax errors, and whether warnings fail."""

    select: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    strict: bool = False


def catalog() -> tuple[RuleText, ...]:
    """Every rule and every syntax error, by ID."""
    severities = dict.fromkeys(manifest.SYNTAX_WARNINGS, Severity.WARNING)
    forms = (
        RuleText(name, severities.get(name, Severity.ERROR), why, why) for name, why in manifest.SYNTAX_RULES.items()
    )
    return tuple(sorted((*lint.catalog(), *forms, UNREACHED), key=lambda rule: rule.id))


def rule_selection(select: Sequence[str], ignore: Sequence[str], *, strict: bool) -> RuleSelection:
    """The selection that the options describe. Each value of an option can have several IDs, separated by commas.

    Raises:
        UsageError: an unknown rule, or one that cannot be ignored.
    """
    named = frozenset(_ids(select)) if select else None
    return RuleSelection(named, frozenset(_ids(ignore)), strict)


def _ids(values: Sequence[str]) -> Iterable[str]:
    known = {rule.id for rule in lint.catalog()}
    for value in values:
        for name in filter(None, map(str.strip, value.split(","))):
            if name in manifest.SYNTAX_RULES:
                raise UsageError(f"{name} is a syntax error, which can neither be selected nor ignored")
            if name not in known:
                near = get_close_matches(name, sorted(known), n=1)
                hint = f"did you mean {near[0]}?" if near else f"the rules are: {', '.join(sorted(known))}"
                raise UsageError(f"{name!r} is not a rule", hint=hint)
            yield name


def load(setting: Settings, stdin: Callable[[], bytes] | None = None) -> Loaded:
    """The manifests of an invocation, with their syntax errors; variables can be without a value."""
    given = replace(setting.given, missing=MissingValues.ANY)
    loaded = manifest.load(setting.sources, root=find_homes, stdin=stdin, given=given)
    for warning in (*loaded.notes, *check_declared(given, loaded.declared)):
        setting.note(warning)
    return replace(loaded, projects=manifest.with_items(loaded.projects, setting.sources))


def report(
    setting: Settings,
    loaded: Loaded,
    selection: RuleSelection,
    online: lint.Online | Diagnostic | None = None,
) -> LintReport:
    """All diagnostics of loaded manifests. `online` is the result of `ask`."""
    asked = None if isinstance(online, Diagnostic) else online
    found = [*loaded.diagnostics]
    found += lint.check(loaded.projects, select=selection.select, ignore=selection.ignore, online=asked)
    found += [online] if isinstance(online, Diagnostic) else []
    found.sort(key=lambda one: (one.severity is not Severity.ERROR, one.location, one.rule))
    files = {file for project in loaded.projects for file in project.texts} | {one.location.file for one in found}
    return LintReport(
        found=tuple(found),
        rules=tuple(rule for rule in catalog() if _is_run(rule.id, selection)),
        files=tuple(sorted(files)),
        strict=selection.strict,
        paths={file: _in_repository(file, setting.cwd) for file in files},
    )


def _is_run(rule: str, selection: RuleSelection) -> bool:
    if rule in manifest.SYNTAX_RULES or rule == UNREACHED.id:
        return True
    return rule not in selection.ignore and (selection.select is None or rule in selection.select)


def _in_repository(file: str, cwd: Path) -> str:
    """The path of a file relative to the root of the checkout. A file outside the checkout has its absolute path."""
    if file == "-":
        return file
    path, root = os.path.abspath(cwd / file), find_root(cwd)  # noqa: PTH100 - resolve() would follow links
    for start in (str(root), os.path.realpath(root)):
        if path.startswith(start.rstrip(os.sep) + os.sep):
            return path[len(start.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
    return file


async def ask(setting: Settings, projects: Sequence[Project]) -> lint.Online | Diagnostic:
    """What the server reports for the rules; one warning if it cannot be used.

    Raises:
        UsageError: the address of the server is wrong.
    """
    from skaha_apply.workflow.setup.context import open_context  # noqa: PLC0415 - h11, for those who ask

    try:
        async with open_context(setting) as context:
            listing = await context.client.sessions()
            offer = await context.client.offer()
            images = {spec.image for project in projects for spec in project.sessions}
            private = frozenset(image for image in images if context.client.private(image))
    except (UsageError, Interrupted):
        raise
    except SkahaApplyError as error:
        summary = f"the server could not be used: {error.message}"
        detail = f"The rules assume the default options of a server. {error.hint or ''}".rstrip()
        location = Location(setting.sources[0])
        return Diagnostic(UNREACHED.id, Severity.WARNING, " ".join(summary.split()), detail, location)
    return lint.Online(offer, private, _taken(listing, projects))


def _taken(listing: Listing, projects: Sequence[Project]) -> int:
    """Interactive sessions that count against the limit [PostAction] and have no name of these manifests."""
    declared = {
        spec.live_name(replica)
        for project in projects
        for spec in project.sessions
        if spec.kind.interactive
        for replica in range(1, min(spec.replicas, MOST_NAMES) + 1)
    }
    kinds = {str(kind) for kind in Kind if kind.interactive}
    counted = (Phase.PENDING, Phase.RUNNING)
    return sum(
        one.kind.lower() in kinds and one.phase in counted and one.name not in declared for one in listing.sessions
    )
