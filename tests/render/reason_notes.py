"""Reasons for tests that are about their place in the output, not about their text."""

from __future__ import annotations

from skaha_apply.model.reasons import Reason, ReasonCode


def note(text):
    """A reason that is a note of the state, given as `text`; a reason is returned as it is."""
    return Reason(ReasonCode.DUE, note=text) if isinstance(text, str) else text
