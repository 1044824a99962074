"""The manifests in a git repository that nobody has cloned: a private clone of the controller follows a branch.

The clone is in the folder for temporary files and ends with the process. So no two processes share one, and a killed
one leaves no lock file for the next. State and saved logs are where they are for manifests on standard input.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.render.printable import one_line
from skaha_apply.state.git.address import PASSWORD, PREFIX, USER, check_address, git_remote, located, split_address
from skaha_apply.state.git.errors import cause, last_line
from skaha_apply.state.git.program import GitProgram
from skaha_apply.state.paths import find_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.state.git.address import GitRemote
    from skaha_apply.workflow.setup.settings import Settings

LIMIT = 120.0  # seconds for one command of git
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[-./@]$|^[-./]|[./]$")


class Clone:
    """A new folder for temporary files with a clone, which ends with the process or by `remove`.

    `here` are the words that name it to git. Without them, git would take a checkout around a clone that a cleaner of
    temporary files has emptied. Raises `SkahaApplyError`: the folder cannot be made.
    """

    def __init__(self) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="skaha-apply-manifests-"))
        except OSError as error:
            raise SkahaApplyError(
                f"cannot make a folder for the clone in {error.filename or tempfile.gettempdir()}: {error.strerror}",
                hint="Give a folder for temporary files with TMPDIR.",
            ) from error
        self.here = (f"--git-dir={self.folder / '.git'}", f"--work-tree={self.folder}")
        self.remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


class ManifestRepository:
    """A branch of a repository with manifests, and its private clone.

    Args:
        remote: the repository, with its credential.
        branch: the branch without `refs/heads/`; "" for the one that the repository names as its own (HEAD).
    """

    def __init__(self, remote: GitRemote, branch: str) -> None:
        self._remote = remote
        self._ref = f"refs/heads/{branch}" if branch else "HEAD"
        self._shown = f"{one_line(remote.url)}, branch {branch}" if branch else one_line(remote.url)
        self._program = GitProgram(os.environ, credential=remote.credential, limit=LIMIT)
        self._clone: Clone | None = None

    async def pull(self) -> None:
        """Bring the clone to the newest commit of the branch, whatever it was before; no hook is run, nothing asked.

        A clone with an error is removed, and made again, once: a git that was killed leaves lock files in it, and a
        cleaner of temporary files can remove a part of it. A clone is kept while the remote does not show the branch.
        Raises `SkahaApplyError`: the remote cannot be used.
        """
        if self._clone is not None:
            try:
                await self._update(self._clone)
            except SkahaApplyError:
                if not await self._has_branch():
                    raise
                self._forget_clone()
            else:
                return
        url = self._remote.url
        await self._program.prepare(uses_ssh=url.startswith("ssh://") or ("@" in url and "://" not in url))
        self._clone = Clone()
        try:
            await self._git("init", "--quiet", "--template=", str(self._clone.folder))
            await self._update(self._clone)
        except SkahaApplyError:
            self._forget_clone()
            raise

    async def _update(self, clone: Clone) -> None:
        options = ("--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules")
        await self._git(*clone.here, "fetch", *options, "--", self._remote.url, self._ref)
        await self._git(
            *clone.here, "checkout", "--quiet", "--force", "--detach", "--no-recurse-submodules", "FETCH_HEAD"
        )

    async def _has_branch(self) -> bool:
        """Whether the remote shows the branch, without a clone; raises `SkahaApplyError` if it does not respond."""
        shown = await self._git("ls-remote", "--quiet", "--", self._remote.url, self._ref)
        return bool(shown.strip())

    def _forget_clone(self) -> None:
        if self._clone is not None:
            self._clone.remove()
        self._clone = None

    def load(self, setting: Settings, load: Callable[[Settings], tuple[Project, ...]]) -> tuple[Project, ...]:
        """The projects of the clone; `load` reads them as if the command was invoked at its root.

        Their states are in the folder of the invocation. Raises what `load` raises.
        """
        folder = str(self._clone.folder) if self._clone is not None else ""
        with contextlib.chdir(folder):
            projects = load(replace(setting, cwd=Path(folder)))
        home = str(find_root(setting.cwd))
        return tuple(replace(one, homes=(home,), around=(), base=folder) for one in projects)

    async def _git(self, *words: str) -> bytes:
        """What a command of git printed; raises `SkahaApplyError` if it failed."""
        done = await self._program.run(*words)
        if done.code == 0:
            return done.out
        text = "\n".join(self._remote.mask(line) for line in done.err.splitlines())
        named, last = cause(text), one_line(last_line(text)) or "git failed without a message"
        raise SkahaApplyError(
            f"cannot pull {self._shown}: {f'{named.cause} ({last})' if named else last}",
            hint=named.hint if named else "Check the network, the address and the branch.",
        )


def open_repository(address: str, branch: str, setting: Settings, env: Mapping[str, str]) -> ManifestRepository:
    """The repository at an address, a URL or a path that starts at the working directory.

    Raises `UsageError`: git could act on the address, the branch is none, or a path of a manifest leaves the clone.
    """
    if problem := check_address(f"{address}#{branch or 'main'}"):
        raise UsageError(f"--repository: {problem}", hint="Give a URL, USER@HOST:PATH, or the path of a repository.")
    if branch and _NO_BRANCH.search(branch):
        raise UsageError(f"--branch: {branch!r} is not the name of a branch", hint="Give a name without refs/heads/.")
    _check_paths(setting.paths)
    text = located(f"{PREFIX}{address}#{branch or 'main'}", setting.cwd, "")
    remote = git_remote(text, _variables(split_address(text.removeprefix(PREFIX))[0], setting.state or "", env))
    if remote.sends_password_unencrypted:
        raise UsageError(
            f"--repository: the password for {one_line(remote.url)} would be sent unencrypted",
            hint="Use an https address.",
        )
    return ManifestRepository(remote, branch)


def _check_paths(paths: Sequence[str]) -> None:
    for path in paths:
        if path == "-" or PurePath(path).is_absolute() or ".." in PurePath(path).parts:
            raise UsageError(
                f"{path} is not a path in the repository", hint="Give paths that start at the root of the repository."
            )


def _variables(url: str, state: str, env: Mapping[str, str]) -> Mapping[str, str]:
    """The variables; without the password for git, if a state in git is on another server: it belongs there."""
    of_state = state.removeprefix(PREFIX) if state.startswith(PREFIX) else ""
    if not of_state or urlsplit(of_state).hostname == urlsplit(url).hostname:
        return env
    return {name: value for name, value in env.items() if name not in (USER, PASSWORD)}
