"""`fmt`: manifests in canonical form. Each file is written completely or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply import manifest
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.state.local import durable

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.diagnostics import Formatted
    from skaha_apply.workflow.setup.settings import Settings


def format_all(setting: Settings, stdin: Callable[[], bytes] | None = None) -> tuple[Formatted, ...]:
    """The manifests of an invocation, formatted; nothing is written."""
    return manifest.format_all(setting.sources, stdin=stdin)


def write(setting: Settings, one: Formatted) -> None:
    """Replace the file by the formatted text in one step. A link stays a link, and the file keeps its permissions.

    Raises:
        SkahaApplyError: the file was changed meanwhile, or cannot be written. The file is unchanged then.
    """
    path = Path(setting.cwd, one.file)
    try:
        path = path.resolve()
        if path.read_bytes() != one.before:
            raise SkahaApplyError(f"{one.file} was changed meanwhile and is left as it is", hint="repeat the command")
        durable.replace(path, one.after)
    except OSError as error:
        raise SkahaApplyError(f"cannot write {one.file}: {error.strerror or error}") from error
