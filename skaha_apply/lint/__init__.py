"""Rules that find, before anything is sent, what the server refuses, drops or changes."""

from skaha_apply.lint.engine import catalog, check
from skaha_apply.lint.rule import Online

__all__ = ["Online", "catalog", "check"]
