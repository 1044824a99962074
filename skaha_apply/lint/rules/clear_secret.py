"""Secrets in clear text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, all_text, sessions, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.spec import LATER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


NAME = re.compile(
    r"(?:^|[_.-])(?:token|password|passwd|passphrase|secret|api_?key|access_?key|private_?key|credentials?)(?:$|[_.-])",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(
    r"[_.-](?:file|path|dir|url|name|id|ttl|type|header)$", re.IGNORECASE
)  # names a location, not a secret
PLACE = re.compile(r"[~./]|[a-z]{1,10}://[^:@/]*(?:/|$)")
WORDS = ("token", "pass", "secret", "key", "credential")
# Without any of these in lower case there is nothing to be found, and the expressions above are slow.
MARKS = (*WORDS, "://", "begin", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "akia", "eyj")
SEARCHED = 10_000  # characters of a value
OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]*)(?:=(.+))?", re.DOTALL)
KNOWN = re.compile(
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{30}|\bglpat-[A-Za-z0-9_-]{20}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10}|\b[a-z]{1,10}://[^:@/\s]{1,100}:[^@/\s]{1,100}@"
)


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """By the name of a variable or option, or by the form of well-known tokens. The value is never shown."""
    for project in projects:
        yield from _defaults(project)
    for project in projects:
        if _has_mark("".join(project.sent_texts)) or any(suspects([project], _has_suspect_name, "env")):
            yield from _of_project(project)


def _of_project(project: Project) -> Iterable[RuleDiagnostic]:
    for _, path, spec in sessions([project]):
        if not (_has_mark(all_text(spec)) or _has_suspect_name(spec)):
            continue
        for name, value in spec.env.items():
            if _is_secret(name, value):
                yield _diagnostic(project, f"{path}.env.{name}", f"the variable {name}")
        yield from _arguments(project, path, spec)


def _has_mark(text: str) -> bool:
    lower = text.lower()
    return any(mark in lower for mark in MARKS)


def _has_suspect_name(spec: SessionSpec) -> bool:
    names = " ".join(spec.env).lower()
    return any(word in names for word in WORDS)


def _arguments(project: Project, path: str, spec: SessionSpec) -> Iterable[RuleDiagnostic]:
    before = ""
    for index, text in enumerate(spec.args):
        option = OPTION.fullmatch(text[:SEARCHED])
        if option and option[2] and _is_secret(option[1].replace("-", "_"), option[2]):
            yield _diagnostic(project, f"{path}.args[{index}]", f"the option --{option[1]}")
        elif _is_known(text) or (before and not option and _is_secret(before, text)):
            yield _diagnostic(project, f"{path}.args[{index}]", "the argument")
        before = option[1].replace("-", "_") if option and not option[2] else ""


def _defaults(project: Project) -> Iterable[RuleDiagnostic]:
    for name in project.secrets:
        where = f"variables.{name}.default"
        if where in project.locations:
            detail = "A default is in git, where everyone with access to the repository can read it. Remove it, and "
            detail += f"give the value with --var-file or SKAHA_VAR_{name}. Then change the secret, because the "
            detail += "history of git keeps the old one."
            yield RuleDiagnostic(
                project, where, f"the sensitive variable {shown(name)} has a default in clear text", detail
            )


def _is_known(text: str) -> bool:
    """Whether the text has the form of a token; the value of a sensitive variable is not part of the text."""
    return KNOWN.search(LATER.sub("", text[:SEARCHED])) is not None


def _is_secret(name: str, value: str) -> bool:
    if _is_known(value):
        return True
    if not value or LATER.search(value):  # a sensitive variable is the right way
        return False
    return bool(NAME.search(name) and not ELSEWHERE.search(name) and not PLACE.match(value))


def _diagnostic(project: Project, path: str, what: str) -> RuleDiagnostic:
    detail = (
        "Everyone who can read the repository, the state or the server's pod description can read the secret. Write "
    )
    detail += "it to a file on the server's storage that only you can read, and pass the path. Or use a variable with "
    detail += "sensitive: true and no default. Then change the secret, because the history of git keeps the old one."
    return RuleDiagnostic(project, path, f"{what} looks like a secret in clear text", detail, masked=True)


RULE = Rule(
    id="clear-secret",
    severity=Severity.WARNING,
    title="A secret in clear text.",
    why="Git, the state and the server store the texts of a manifest, so other people can read a secret in them. The "
    "rule reports three kinds of values: the value of an environment variable or option whose name contains `token`, "
    "`password`, `secret` or `key`; a text in the form of a well-known token; and the default of a sensitive variable. "
    "To give a program a secret, declare a variable with `sensitive: true` in the manifest, and give its value in each "
    "invocation. Or write the secret to a file that only you can read, and pass the path.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {ARCHIVE_TOKEN: 5f1c0a7e9b}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {ARCHIVE_TOKEN_FILE: /arc/home/me/.archive-token}
""",
    check=check,
    as_written=True,
)
