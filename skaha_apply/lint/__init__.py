"""Rules that find, before anything is sent, what the server refuses, drops or changes."""

from skaha_apply.lint.checking import check

__all__ = ["check"]
