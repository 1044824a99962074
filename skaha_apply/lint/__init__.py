"""Rules that find, before anything is sent, what the server refuses, drops or changes."""

from skaha_apply.lint.catalog import catalog
from skaha_apply.lint.checking import check
from skaha_apply.lint.rule import Online

__all__ = ["Online", "catalog", "check"]
