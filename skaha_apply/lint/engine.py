"""Runs the rules over all projects of an invocation. Pure: no files, no output, no server."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.lint.inputs import lint_contexts
from skaha_apply.lint.rule import shown
from skaha_apply.lint.rules import RULES, clear_secret, unused_ignore
from skaha_apply.model.counts import noun_for
from skaha_apply.model.diagnostics import Diagnostic, Location, RuleText, snippet
from skaha_apply.model.masking.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from skaha_apply.lint.inputs import LintContext
    from skaha_apply.lint.rule import Online, Rule, RuleDiagnostic
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


WITH_SNIPPET = 1_000  # diagnostics with a snippet; nobody reads more
LINE_BREAK = re.compile(r"\r\n|\r|\n")
INDEX = re.compile(r"sessions\[([0-9]+)\]")
VALUE_WIDTH = 30  # characters of a value of a matrix that a message shows
MAX_AXES = 3  # axes or columns that a message names


def check(
    projects: Sequence[Project],
    *,
    select: Collection[str] | None = None,
    ignore: Collection[str] = (),
    online: Online | None = None,
) -> tuple[Diagnostic, ...]:
    """The diagnostics of all rules, sorted by location. Equal ones of several combinations are merged into the first.

    Sensitive values are checked as any other, and never shown. Values that depend on a variable without a value are
    not checked.

    Args:
        projects: all projects of the invocation, because names are unique over all of them.
        select: ids of the rules to run, all by default.
        ignore: ids of rules to leave out.
        online: what the server offers; without it, the defaults of the server are assumed.
    """
    run = [rule for rule in RULES if rule.id not in ignore and (select is None or rule.id in select)]
    judged = lint_contexts(projects)
    collector = _Collector(
        judged, {(one.location.file, one.line, one.rule) for project in projects for one in project.ignores}
    )
    for rule in sorted(
        run, key=lambda rule: rule is not clear_secret.RULE
    ):  # first: later snippets must not show what it masks
        given = [one.written if rule.as_written else one.filled for one in judged]
        found = rule.online(given, online) if online is not None and rule.online else rule.check(given)
        collector.note(rule, found)
    if unused_ignore.RULE in run:
        # Rules with `online` can differ between servers: a comment without effect here can have one elsewhere.
        decided = {rule.id for rule in run if not (online and rule.online)} | unused_ignore.unknown(projects)
        kept = collector.used | {
            (file, line, rule) for one in judged for file, line in one.lines_with_unknown_values() for rule in decided
        }
        collector.note(unused_ignore.RULE, unused_ignore.unused(projects, decided, kept))
    return tuple(sorted(collector.diagnostics(), key=lambda item: (item.location, item.rule)))


@dataclass
class _Merged:
    """A diagnostic that stands for several combinations of an entry.

    `others` counts the further combinations; `alike`: the texts of all are equal.
    """

    diagnostic: Diagnostic
    combination: str = ""
    entry: tuple[int, str] = (0, "")
    others: int = 0
    alike: bool = True

    @property
    def identity(self) -> tuple[str, Location, str]:
        """Equal for diagnostics that differ in their combination only."""
        return self.diagnostic.rule, self.diagnostic.location, self.diagnostic.summary


@dataclass
class _Collector:
    """Collects diagnostics, each once, and the comments that suppressed one (`used`)."""

    judged: Sequence[LintContext]
    ignores: set[tuple[str, int, str]]
    used: set[tuple[str, int, str]] = field(default_factory=set)
    found: dict[tuple[object, ...], _Merged] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def note(self, rule: Rule, diagnostics: Iterable[RuleDiagnostic]) -> None:
        by_project = {id(one.filled): one for one in self.judged} | {id(one.written): one for one in self.judged}
        before: tuple[str, int] = ("", 0)
        for diagnostic in diagnostics:
            context = by_project[id(diagnostic.project)]
            if context.depends_on_unknown_value(diagnostic):
                continue
            location = diagnostic.location or diagnostic.project.location(diagnostic.path) or Location("")
            if ignored := [line for line in _lines(rule, diagnostic, location) if line in self.ignores]:
                self.used.update(ignored)
                continue
            before = (diagnostic.path, before[1] + 1 if before[0] == diagnostic.path else 0)
            self._keep(rule, context.without_secrets(diagnostic, rule), location, before[1])

    def _keep(self, rule: Rule, diagnostic: RuleDiagnostic, location: Location, nth: int) -> None:
        """Keep one diagnostic; `nth` counts those of one rule about one field."""
        spec = _spec(diagnostic)
        if spec is None or not spec.values or diagnostic.whole:
            key: tuple[object, ...] = (rule.id, location, diagnostic.summary)
            if key not in self.found:
                self.found[key] = _Merged(self._diagnostic(rule, diagnostic, location))
            return
        entry = (id(diagnostic.project), spec.entry_key)
        key = (rule.id, location, entry, INDEX.sub("", diagnostic.path, count=1), nth)
        kept = self.found.get(key)
        if kept is None:
            self.found[key] = _Merged(
                self._diagnostic(rule, diagnostic, location), _combination(diagnostic, spec), entry
            )
            return
        kept.others += 1
        kept.alike = kept.alike and kept.diagnostic.summary == diagnostic.summary

    def diagnostics(self) -> Iterator[Diagnostic]:
        """All diagnostics. Names a combination unless all combinations of its entry have the same diagnostic.

        Equal texts about one location, for example a default of several entries, appear once.
        """
        sizes: Counter[tuple[int, str]] = Counter()
        if any(kept.combination for kept in self.found.values()):
            for one in self.judged:
                sizes.update((id(project), spec.entry_key) for project in one.distinct for spec in project.sessions)
        known: set[tuple[str, Location, str]] = set()
        partial: list[_Merged] = []
        for kept in self.found.values():
            if kept.combination and not (kept.alike and kept.others + 1 == sizes[kept.entry] > 1):
                partial.append(kept)
            elif kept.identity not in known:
                known.add(kept.identity)
                yield kept.diagnostic
        for kept in partial:
            if not (kept.alike and kept.identity in known):
                summary = f"{kept.diagnostic.summary} ({kept.combination}{_more(kept.others)})"
                yield replace(kept.diagnostic, summary=summary)

    def _diagnostic(self, rule: Rule, diagnostic: RuleDiagnostic, location: Location) -> Diagnostic:
        path, session = _within_file(diagnostic)
        shown = self._snippet(diagnostic, location) if diagnostic.masked or len(self.found) < WITH_SNIPPET else ""
        severity = diagnostic.severity or rule.severity
        return Diagnostic(rule.id, severity, diagnostic.summary, diagnostic.detail, location, shown, path, session)

    def _snippet(self, diagnostic: RuleDiagnostic, location: Location) -> str:
        if location.file not in self.lines:
            self.lines[location.file] = LINE_BREAK.split(diagnostic.project.texts.get(location.file, ""))
        lines = self.lines[location.file]
        if diagnostic.masked:
            _mask(lines, location)
        line = lines[location.line - 1] if location.line <= len(lines) else ""
        return masked(snippet(line, location), diagnostic.project.secrets) if line.strip() else ""


def _lines(rule: Rule, diagnostic: RuleDiagnostic, location: Location) -> Iterator[tuple[str, int, str]]:
    """Lines on which a comment can suppress a diagnostic: its location, and the other fields that it is about."""
    others = (diagnostic.project.location(path) for path in diagnostic.also)
    for one in (location, *others):
        if one is not None:
            yield one.file, one.line, rule.id


def _spec(diagnostic: RuleDiagnostic) -> SessionSpec | None:
    index = INDEX.match(diagnostic.path)
    return diagnostic.project.sessions[int(index[1])] if index else None


def _combination(diagnostic: RuleDiagnostic, spec: SessionSpec) -> str:
    """The values of a combination, each with its line: `with tile = ... (tiles.txt:3)`."""
    named = []
    for axis, value in list(spec.values.items())[:MAX_AXES]:
        location = diagnostic.project.locations.get(f"{_session(diagnostic.path)}.values.{axis}")
        where = f" ({location.file}:{location.line})" if location else ""
        named.append(f"{axis} = {shown(value, VALUE_WIDTH)}{where}")
    return "with " + ", ".join(named + ["…"] * (len(spec.values) > MAX_AXES))


def _session(path: str) -> str:
    return path[: path.index("]") + 1]


def _more(others: int) -> str:
    return f" and {others:,} more {noun_for(others, 'combination')}" if others else ""


def _mask(lines: list[str], location: Location) -> None:
    for number in range(location.line, min(location.end_line, len(lines)) + 1):
        line = lines[number - 1]
        start = location.column - 1 if number == location.line else 0
        end = location.end_column - 1 if number == location.end_line else len(line)
        lines[number - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]


def _within_file(diagnostic: RuleDiagnostic) -> tuple[str, str]:
    """The path with the index in the list of its own file, and the name of the session as written."""
    index = INDEX.match(diagnostic.path)
    if index is None:
        return diagnostic.path, ""
    number, project = int(index[1]), diagnostic.project
    entry = project.entries[number] if number < len(project.entries) else number
    return f"sessions[{entry}]{diagnostic.path[index.end() :]}", project.sessions[number].group or project.sessions[
        number
    ].name


def catalog() -> tuple[RuleText, ...]:
    """Title, reason and page of every rule, in the order of their ids."""
    return tuple(RuleText(rule.id, rule.severity, rule.title, rule.why, f"rules/{rule.id}.md") for rule in RULES)
