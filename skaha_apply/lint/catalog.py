"""The rules as values that others can show."""

from __future__ import annotations

from skaha_apply.lint.rules import RULES
from skaha_apply.model.place import RuleText


def catalog() -> tuple[RuleText, ...]:
    """What there is to say about every rule, in the order of their ids."""
    return tuple(RuleText(rule.id, rule.severity, rule.title, rule.why, f"rules/{rule.id}.md") for rule in RULES)
