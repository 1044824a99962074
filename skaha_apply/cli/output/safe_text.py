"""Text as it can be written: masked, and inert in terminals and CI jobs.

Sensitive values and IDs of interactive sessions are masked. Control characters become escapes. Lines that the runner of
a CI job would execute are changed.
"""

from __future__ import annotations

import os

from skaha_apply.cli.output.masking import mask
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.model.masking.inert_text import CommandFilter, inert_json, is_automated, without_controls


class SafeText:
    """The texts that are written to one stream, one after the other: a command can be split across two of them.

    Args:
        terminal: whether the stream is a terminal, where colors and the IDs of interactive sessions are allowed.
    """

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self._commands = CommandFilter()

    @property
    def is_for_a_job(self) -> bool:
        """Whether the runner of a CI job reads the stream."""
        return is_automated(os.environ)

    def shown(self, text: str) -> str:
        """A text for people."""
        return self._without_ci_commands(without_controls(self._with_masks(text), styled=self._terminal))

    def drawn(self, text: str) -> str:
        """A text with codes that move the cursor."""
        return self._without_ci_commands(self._with_masks(text))

    def commands(self, text: str) -> str:
        """Commands of this tool for the runner of a CI job."""
        return self._commands(without_controls(self._with_masks(text)), own_commands=True)

    def document(self, text: str) -> str:
        """A document for programs."""
        return self._without_ci_commands(without_controls(self._with_masks(text)))

    def stored_json(self, data: bytes) -> bytes:
        """Stored JSON, byte by byte except for what has to be masked or changed."""
        hidden = self._with_masks(data.decode("utf-8", "surrogateescape"))
        if self.is_for_a_job and (harmless := self._commands(hidden)) != hidden:
            hidden = inert_json(hidden) if _is_text(hidden) else harmless
        return hidden.encode("utf-8", "surrogateescape")

    def _with_masks(self, text: str) -> str:
        return mask_ids(mask(text), terminal=self._terminal)

    def _without_ci_commands(self, text: str) -> str:
        return self._commands(text) if self.is_for_a_job else text


def _is_text(text: str) -> bool:
    """Whether the text was decoded from valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
