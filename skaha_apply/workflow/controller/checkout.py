"""The git checkouts that contain the manifests, which a controller brings to the newest commit of their branch."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.render.printable import one_line
from skaha_apply.state.git.program import GitProgram
from skaha_apply.state.paths import find_checkout

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 120.0  # seconds for one pull
_USER = re.compile(r"//[^/@\s]*@")  # a user in a URL, which can be a token


def find_checkouts(sources: Iterable[str]) -> tuple[Path, ...]:
    """The checkouts that contain the manifests; raises `UsageError` if a path is in none."""
    found: dict[Path, None] = {}
    for source in sources or (".",):
        path = Path(source).absolute()
        checkout = None if source == "-" else find_checkout(path if path.is_dir() else path.parent)
        if checkout is None:
            raise UsageError(f"{source} is not in a git checkout", hint="Remove --pull, or give paths in a checkout.")
        found[checkout] = None
    return tuple(found)


async def pull(checkout: Path) -> None:
    """Bring a checkout to the newest commit of the branch that its own branch follows.

    No hook is run, nothing is asked, and nothing but a fast-forward is done.

    Raises:
        SkahaApplyError: the remote cannot be used, or the checkout has changes or commits of its own.
    """
    git = GitProgram(os.environ, limit=LIMIT)
    await git.prepare(uses_ssh=True)
    done = await git.run("-C", str(checkout), "pull", "--quiet", "--ff-only", "--no-rebase")
    if done.code != 0:
        reason = next((line for line in done.err.splitlines() if line.strip()), "no reason was given")
        reason = _USER.sub("//", reason)
        raise SkahaApplyError(
            f"cannot pull {checkout}: {one_line(reason)}",
            hint=f"Run this command, and repair what it reports:\ngit -C {checkout} pull --ff-only",
        )
