"""Rules that report what the server would refuse, drop or change, before anything is sent."""

from skaha_apply.lint.engine import catalog, check
from skaha_apply.lint.rule import Online

__all__ = ["Online", "catalog", "check"]
