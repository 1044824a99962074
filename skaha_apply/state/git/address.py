"""The addresses of states in git: `REMOTE#REF`, and which of them are refused because git would act on them.

Git runs programs for some addresses (`ext::`), and reads a leading `-` as an option. So only the forms that are listed
here pass.
"""

from __future__ import annotations

import os
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.state.paths import file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "git:"
FORM = "git:REMOTE[#BRANCH], a branch of a git repository"
LOCKS = "skaha-lock"  # the folder of the branches that are locks
USER, PASSWORD = "SKAHA_GIT_USERNAME", "SKAHA_GIT_PASSWORD"
HISTORY = "SKAHA_APPLY_STATE_HISTORY"
MOST_HISTORY = 1000

_SCHEMES = ("https", "http", "ssh", "git", "file")
_WITH_USER = ("https", "http")
_SCP = re.compile(r"[A-Za-z0-9._-]+@(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(?!:).+")
_NO_FORM = "this is not a path, not a URL, and not USER@HOST:PATH; before a path with a colon, write ./"
_WORD = re.compile(r"[^/.~][^/]*?:")


@dataclass(frozen=True)
class GitRemote:
    """A repository and the branch of a state in it; `url` has no password.

    `history` is the number of commits that the branch keeps.
    """

    url: str
    branch: str
    history: int = 1
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def state_ref(self) -> str:
        """The full name of the branch with the state."""
        return f"refs/heads/{self.branch}"

    @property
    def lock_ref(self) -> str:
        """The full name of the branch that is the lock."""
        return f"refs/heads/{LOCKS}/{self.branch}"

    @property
    def shown(self) -> str:
        """The address for messages and commands."""
        return f"{PREFIX}{self.url}#{self.branch}"

    @property
    def credential(self) -> tuple[str, str, str] | None:
        """The server, user and password for git; None without a password."""
        parts = urlsplit(self.url)
        return (f"{parts.scheme}://{parts.netloc}", self.username, self.password) if self.password else None

    @property
    def sends_password_unencrypted(self) -> bool:
        """Whether git would send the password unencrypted to another machine."""
        parts = urlsplit(self.url)
        return bool(self.password) and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1")

    def mask(self, text: str) -> str:
        """A text of git without the password and without control characters."""
        if self.password:
            text = text.replace(self.password, "(sensitive)")
        return "".join(char if char.isprintable() else " " for char in text).strip()


def split_address(text: str) -> tuple[str, str]:
    """The remote and the branch ("" if it is absent) of an address without its prefix."""
    remote, mark, branch = text.rpartition("#")
    return (remote, branch) if mark else (branch, "")


def default_branch(project: str) -> str:
    """The branch of a project without `#REF`; different projects have different branches."""
    name = file_name(project)
    return f"skaha-state/{name.replace('.', '%2e') if '..' in name or name.endswith(('.', '.lock')) else name}"


def check_address(text: str) -> str | None:
    """What is wrong with an address, without its prefix; None if git can use it and cannot act on it."""
    remote, branch = split_address(text)
    scheme, mark, _ = remote.partition("://")
    is_url = bool(mark) and "/" not in scheme
    problems = (
        (not all(char.isprintable() for char in text), "the address contains a control character"),
        (not remote, "the repository is missing"),
        (remote.startswith("-") or branch.startswith("-"), "a repository and a branch do not begin with '-'"),
        (branch.split("/")[0] == LOCKS, f"the branches in {LOCKS}/ are the locks of states"),
        ("#" in text and not branch, "the branch after '#' is missing"),
        (re.match(r"[A-Za-z0-9+.-]*::", remote), "an address of the form word::address can run a program"),
        (remote.startswith("//"), "the address of a git server is written git:git://HOST/PATH"),
        (not is_url and _WORD.match(remote) and not _SCP.fullmatch(remote), _NO_FORM),
    )
    found = next((text for is_wrong, text in problems if is_wrong), None)
    return _check_url(remote, scheme.lower()) if is_url and found is None else found


def _check_url(remote: str, scheme: str) -> str | None:
    try:
        parts = urlsplit(remote)
        host, password = parts.hostname or "", parts.password
    except ValueError:
        return "the address is not a URL"
    if scheme not in _SCHEMES:
        return f"the scheme {scheme}:// is not one of {', '.join(_SCHEMES)}"
    if host.startswith("-") or not (host or scheme == "file"):
        return "the host is missing or not valid"
    return f"a password has no effect with {scheme}://" if password and scheme not in _WITH_USER else None


def located(text: str, folder: Path, project: str) -> str:
    """The address `text`, with its prefix; its path starts at `folder`, and its branch is that of the project."""
    remote, branch = split_address(text.removeprefix(PREFIX))
    return f"{PREFIX}{_absolute(remote, folder)}#{branch or default_branch(project)}"


def _absolute(remote: str, folder: Path) -> str:
    if "://" in remote or _SCP.fullmatch(remote):
        return remote
    return os.path.normpath(folder.absolute() / Path(remote).expanduser())


def git_remote(text: str, env: Mapping[str, str]) -> GitRemote:
    """The remote of an address, with its prefix, that has a branch; the variables give credential and history.

    Raises `UsageError` for a variable that is not a number.
    """
    remote, branch = split_address(text.removeprefix(PREFIX))
    parts = urlsplit(remote) if "://" in remote else None
    if parts is None or parts.scheme.lower() not in _WITH_USER:
        return GitRemote(remote, branch, _history(env))
    plain = urlunsplit((parts.scheme.lower(), parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    password = env.get(PASSWORD) or unquote(parts.password or "")
    username = env.get(USER) or unquote(parts.username or "") or ("x-access-token" if password else "")
    return GitRemote(plain, branch, _history(env), username, password)


def _history(env: Mapping[str, str]) -> int:
    given = env.get(HISTORY) or "1"
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MOST_HISTORY):
        raise UsageError(
            f"{HISTORY} is not a number of commits: {given!r}", hint=f"Give a number from 1 to {MOST_HISTORY}."
        )
    return int(given)
