"""Values that one of the server's two YAML libraries reads as a boolean or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions, shown, texts
from skaha_apply.lint.yaml_words import is_refused
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.spec import REPLICA_ID, fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

LONGEST = 100  # characters of a text in which a reference may stand that makes it a word
BOOLEANS = {"y": "yes", "Y": "yes", "n": "no", "N": "no"}
WITH_NEW_DIGIT = 8  # the first replica whose number has a digit that no octal number has


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Whole values only, as they are sent for any replica [SessionJobBuilder, Yaml.dump, kubectl create]."""
    for project in projects:
        if any("${" in text or is_refused(text) for text in project.sent_texts):
            yield from _of_project(project)


def _of_project(project: Project) -> Iterable[RuleDiagnostic]:
    for _, path, spec in sessions([project]):
        if not any(_word(project, spec, text) for text in (spec.cmd or "", *spec.args, *spec.env.values())):
            continue
        for part, what, written in texts(spec):
            word = _word(project, spec, written)
            if word:
                detail = "The server responds with 500 at each attempt, because Kubernetes requires text here. "
                detail += f"{_instead(word, reference='${' in written)}"
                yield RuleDiagnostic(project, f"{path}.{part}", _summary(what, part, word), detail)


def _word(project: Project, spec: SessionSpec, written: str) -> str:
    """The first text of a replica that is refused, "" without any."""
    if "${" not in written:
        return written if len(written) <= LONGEST and is_refused(written) else ""
    several = REPLICA_ID in written and spec.replicas >= WITH_NEW_DIGIT
    sent = (fill(written, replica, project.secrets) for replica in ((1, WITH_NEW_DIGIT) if several else (1,)))
    return next((text for text in sent if len(text) <= LONGEST and is_refused(text)), "")


def _summary(what: str, part: str, word: str) -> str:
    kind = "a boolean" if word in BOOLEANS else "a number"
    named = f"{what} has the value {shown(word)}" if part.startswith("env") else f"{what} is {shown(word)}"
    return f"{named}, which kubectl reads as {kind}"


def _instead(word: str, *, reference: bool) -> str:
    """What to write; a text with a reference cannot be replaced by one value."""
    near = next((text for text in _near(word) if not is_refused(text)), "")
    if reference or not near:
        return "Send the value together with other text, for example --option=VALUE, or in a file."
    return f"Write {near} if your program accepts it, or send the value together with other text: --option={word}."


def _near(word: str) -> Iterable[str]:
    if word in BOOLEANS:
        yield BOOLEANS[word]
        return
    sign, digits = (word[0], word[1:]) if word[0] in "+-" else ("", word)
    plain = digits.replace("_", "")
    if plain[:2] in ("0o", "0O"):
        yield f"{sign}0{plain[2:]}"
    if sign and len(plain) == len("0800") and plain.isdigit():
        yield f"{sign}{plain[:2]}:{plain[2:]}"
    yield f"{sign}{plain.lower()}"
    yield f"{sign}{plain.lstrip('0')}"


RULE = Rule(
    id="yaml-word",
    severity=Severity.ERROR,
    title="A whole value such as `y`, `-08`, `+0800` or `0o17`, which kubectl reads as a boolean or a number.",
    why="The server writes `cmd`, `args` and `env` into a YAML text that kubectl reads with other rules. Kubernetes "
    "refuses a boolean or a number in their place, so the server responds with 500 at each attempt. Such values are "
    "`y Y n N`, octal numbers with a letter (`0o17`), `0X` and `0B`, a sign before a 0 that an 8 or 9 follows (`-08`, "
    "`+0800`), and numbers with `_` in unusual positions. Values such as `yes`, `no`, `null`, `08`, `+0530` and `1e3` "
    "arrive as written.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py, --zone, "+0800"]
  env: {OVERWRITE: y}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py, "--zone=+0800"]
  env: {OVERWRITE: yes}
""",
    check=check,
    as_written=True,
)
