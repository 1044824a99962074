"""The result of a command as a JUnit report: a suite for each project with a test case for each entry.

An entry fails if one of its replicas is failed, unknown, blocked or in conflict. Two more suites have the diagnostics
of the manifests and the errors of the command.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.masking.inert_text import inert_xml
from skaha_apply.model.plan import ActionKind
from skaha_apply.render.lint.text import diagnostic_text
from skaha_apply.render.printable import one_line, printable_lines
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.results.numbers import project_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.report import CommandResult, ProjectResult

SHOWN = 20  # replicas that a failed test case names
_STUCK = frozenset({ActionKind.FAILED, ActionKind.UNKNOWN, ActionKind.BLOCKED, ActionKind.CONFLICT})
_Case: TypeAlias = "tuple[str, Sequence[str]]"  # the name of a test case, and why it fails


def render(result: CommandResult, **_: bool) -> str:
    """The report as XML."""
    suites = [_suite(one.project, _cases(one, result), _properties(one)) for one in result.projects]
    suites.append(_suite("manifests", _manifest_cases(result)))
    command: _Case = (f"{result.command} ends with exit code {int(result.exit_code)}", result.errors)
    suites.append(_suite("command", [command]))
    tests, failures = sum(suite[0] for suite in suites), sum(suite[1] for suite in suites)
    head = f'<testsuites name="skaha-apply {result.command}" tests="{tests}" failures="{failures}" errors="0">'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head, *(suite[2] for suite in suites), "</testsuites>\n"]
    return inert_xml("\n".join(lines))


def _cases(one: ProjectResult, result: CommandResult) -> list[_Case]:
    """The entries of a project, in the order of the plan, with the replicas that do not continue without a person."""
    stuck: dict[str, list[str]] = defaultdict(list)
    plan = one.plan
    entries = _entries(plan)
    if one.report is None or result.command == "plan":
        for action in plan.actions if plan else ():
            if action.kind in _STUCK:
                name = entries[action.session.casefold()]
                stuck[name].append(f"{action.name}: {action.kind.value}: {reason_text(action.reason)}")
    else:
        for replica in one.report.sessions:
            if replica.phase in _STUCK:
                name = entries.get(replica.session.casefold(), replica.session)
                stuck[name].append(f"{replica.name}: {replica.phase}" + (f": {replica.cause}" if replica.cause else ""))
        for failure in one.report.failed:
            stuck["actions"].append(f"{failure.action} {failure.name}: {failure.error}")
    return [(name, stuck.get(name, ())) for name in dict.fromkeys([*entries.values(), *stuck])]


def _entries(plan: Plan | None) -> dict[str, str]:
    """The name of the entry of each session."""
    actions = plan.actions if plan else ()
    return {action.session.casefold(): action.group or action.session for action in actions}


def _manifest_cases(result: CommandResult) -> Iterable[_Case]:
    """A test case for each diagnostic; one that passes if there is none. A warning does not fail."""
    if not result.diagnostics:
        yield "no problems found", ()
    for one in result.diagnostics:
        failed = one.severity is Severity.ERROR
        yield f"{one.location} {one.rule}: {one.summary}", (diagnostic_text(one),) if failed else ()


def _properties(one: ProjectResult) -> str:
    rows = "".join(f'<property name="{name}" value="{number}"/>' for name, number in project_numbers(one).items())
    return f"    <properties>{rows}</properties>\n"


def _suite(name: str, cases: Iterable[_Case], properties: str = "") -> tuple[int, int, str]:
    """The number of test cases and of failures, and the XML."""
    given = list(cases)
    failures = sum(bool(why) for _, why in given)
    head = f'  <testsuite name={_attribute(name)} tests="{len(given)}" failures="{failures}" errors="0">\n'
    body = "".join(_case(case, why, name) for case, why in given)
    return len(given), failures, f"{head}{properties}{body}  </testsuite>"


def _case(case: str, why: Sequence[str], suite: str) -> str:
    head = f"    <testcase name={_attribute(case)} classname={_attribute(suite)}"
    if not why:
        return f"{head}/>\n"
    left = [f"… and {len(why) - SHOWN} more"] if len(why) > SHOWN else []
    text = escape(printable_lines("\n".join([*why[:SHOWN], *left])))
    return f"{head}>\n      <failure message={_attribute(why[0])}>{text}</failure>\n    </testcase>\n"


def _attribute(text: str) -> str:
    return quoteattr(one_line(text))
