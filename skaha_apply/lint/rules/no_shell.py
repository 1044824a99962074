"""Shell syntax that no shell reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, all_text, double_quoted, sessions, shown
from skaha_apply.lint.shell import PATTERN_PROGRAMS, expansion_of_value, has_shell, syntax, syntax_of_command
from skaha_apply.lint.source import written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

LONGEST = 1_000  # characters of a text that is checked
MOST = 300  # characters of a script that a message shows
# What Kubernetes can fill in, in addition to the variables of the session itself [launch-headless.yaml].
PLATFORM = frozenset(
    {
        "HOME",
        "PWD",
        "OMP_NUM_THREADS",
        "skaha_hostname",
        "skaha_username",
        "skaha_sessionid",
        "REPLICA_ID",
        "REPLICA_COUNT",
    }
)
SIGN = re.compile(r"[*?~|&;<>`{(=]")  # one of them is in each syntax of an argument or a variable


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The server starts the program itself, so nothing expands or splits its arguments."""
    for project in projects:
        starts_with_syntax = suspects([project], lambda spec: syntax_of_command(spec.cmd or ""), "cmd")
        if SIGN.search("".join(project.sent_texts)) or any(starts_with_syntax):
            yield from _of_project(project)


def _of_project(project: Project) -> Iterator[RuleDiagnostic]:
    for _, path, spec in sessions([project]):
        if spec.kind.interactive or spec.cmd is None:
            continue
        signs = SIGN.search(all_text(spec)) is not None
        if not (signs or syntax_of_command(spec.cmd)) or has_shell((spec.cmd, *spec.args)):
            continue
        for part, what in _found(spec):
            text = _text(spec, part)
            summary = f"{'cmd' if part == 'cmd' else 'the argument'} {shown(text)} has {what} in it, but no shell "
            summary += "runs the command"
            yield RuleDiagnostic(
                project,
                f"{path}.{part}",
                summary,
                f"The program receives the text unchanged. {_way_out(project, path, spec)}",
            )
        yield from _environment(project, path, spec)


def _found(spec: SessionSpec) -> Iterator[tuple[str, str]]:
    """The parts of a command with shell syntax, and which."""
    known = PLATFORM | spec.env.keys()
    program = (spec.cmd or "").rpartition("/")[2]
    if " " not in (spec.cmd or "") and (what := syntax_of_command(spec.cmd or "")):
        yield "cmd", what
    if program in PATTERN_PROGRAMS:
        return
    before = ""
    for index, text in enumerate(spec.args):
        if len(text) <= LONGEST and SIGN.search(text) and (what := syntax(text, before, known)):
            yield f"args[{index}]", what
        before = text


def _environment(project: Project, path: str, spec: SessionSpec) -> Iterator[RuleDiagnostic]:
    known = PLATFORM | spec.env.keys()
    for name, value in spec.env.items():
        if len(value) <= LONGEST and (what := expansion_of_value(value, known)):
            summary = f"the variable {name} has {what} in its value {shown(value)}, but no shell expands it"
            detail = "The program receives the text unchanged. Write the whole path, or compute the value in a script."
            yield RuleDiagnostic(project, f"{path}.env.{name}", summary, detail)


def _text(spec: SessionSpec, part: str) -> str:
    return (spec.cmd or "") if part == "cmd" else spec.args[int(part[len("args[") : -1])]


def _way_out(project: Project, path: str, spec: SessionSpec) -> str:
    """The command line as the script of a shell, with tabs, because the server splits at spaces."""
    words = [written(project, f"{path}.cmd", spec.cmd or "")]
    words += [written(project, f"{path}.args[{index}]", text) for index, text in enumerate(spec.args)]
    script = double_quoted("\t".join(words))
    if len(script) > MOST or not all(word.isprintable() for word in words):
        return "Write the command line to a script file, and run it with cmd: [bash, FILE]."
    return f"Write cmd: bash and args: [-c, {script}], or run a script file: cmd: [bash, FILE]."


RULE = Rule(
    id="no-shell",
    severity=Severity.WARNING,
    title="Shell syntax, such as `*`, `~`, `|`, `&&` or `>`, in a command that no shell runs.",
    why="The server starts the program without a shell. Nothing expands patterns and `~`, or acts on `|`, `&&`, `;`, "
    "`>`, `<` or `$(...)`. The program receives these texts as arguments.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [x.py, "*.fits", "~/data", "|", tee, log]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: [-c, "python\\tx.py\\t*.fits\\t~/data\\t|\\ttee\\tlog"]
""",
    check=check,
)
