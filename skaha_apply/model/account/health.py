"""The result of a check of `doctor`: what was checked, whether it is in order, and what to do if it is not."""

from __future__ import annotations

from enum import StrEnum

from skaha_apply.lazy_dataclass import dataclass


class Health(StrEnum):
    """How a check ended. Only `FAILED` gives exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `name` is what was checked: server, credential, account, clock, limits, registry, manifests, state, lock. `project`
    is "" for a check that concerns no project. `text` states what was found. `hint` states what to do next, with the
    command that does it in backquotes; it is "" if nothing is to do.
    """

    name: str
    health: Health
    text: str
    hint: str = ""
    project: str = ""


def passed(name: str, text: str, *, project: str = "") -> Check:
    """A check that found everything in order."""
    return Check(name, Health.OK, text, project=project)


def not_checked(name: str, why: str, *, project: str = "") -> Check:
    """A check that could not be made; it is neither good nor bad."""
    return Check(name, Health.NOT_CHECKED, why, project=project)


def failed(name: str, error: Exception, command: str, *, project: str = "") -> Check:
    """A check that an error ended. `command` fixes it, unless the hint of the error has a command of its own."""
    hint = str(getattr(error, "hint", None) or "").replace("\n", "; ")
    if "`" not in hint:
        hint = f"{hint.rstrip('.')}; run `{command}`" if hint else f"run `{command}`"
    return Check(name, Health.FAILED, getattr(error, "located_message", "") or str(error), hint, project)
