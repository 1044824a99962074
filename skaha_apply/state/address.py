"""The address of a state, as a value: a path, or the address of a remote store.

An address of an unknown form must never be read as a path, because it would silently start a second state.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from skaha_apply.lazy_dataclass import dataclass

# The text before the first colon, if no folder and no `./` or `~` comes before it.
_PREFIX = re.compile(r"([^/\\.~][^/\\:]*|):")
_USER = re.compile(r"(?<=//)[^/?#]*@")
_SSH = re.compile(r"ssh://([^/?#:@]*)(:[^/?#]*)?@", re.IGNORECASE)
_QUERY = re.compile(r"\?[^#]*")
GIT = "git:"
PROJECT = "{project}"  # in an http address: the name of the project
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class StateAddress:
    """Where a state is stored.

    `prefix` selects the store (`stores.STORES`). It is the beginning of the address of a remote store, and "" for a
    path. Use `stores.parse_address` to make an address from a text of a user.
    """

    text: str
    prefix: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether this is the address of a remote store, and not a path."""
        return bool(self.prefix)

    @property
    def shown(self) -> str:
        """The address for messages: without user, password and query."""
        if not self.is_remote:
            return self.text
        if "://" not in self.text:  # a path or `user@host:path` in a repository address has neither
            return self.text
        # The user of ssh is public, and a command in a hint contains it.
        is_ssh = _SSH.search(self.text)
        text = _QUERY.sub("", _SSH.sub(r"ssh://\1@", self.text) if is_ssh else _USER.sub("", self.text))
        # A URL of a store has no fragment; in a form such as `git:REMOTE#REF` the fragment names the state.
        return text.partition("#")[0] if self.prefix.endswith("//") else text

    def same_as(self, other: StateAddress) -> bool:
        """Whether both mean one place: a link and its target do, and so do URLs that differ in user and query."""
        return self.is_remote == other.is_remote and self._normal == other._normal

    @property
    def _normal(self) -> str:
        """One spelling: a real path, or a URL without user, query, default port and last slash."""
        if not self.is_remote:
            return os.path.realpath(self.text)
        shown, mark, branch = self.shown.partition("#")
        scheme, colon, rest = _USER.sub("", shown.rstrip("/")).partition("://")
        if not colon:
            path = shown.removeprefix(self.prefix)
            shown = f"{self.prefix}{os.path.realpath(path)}" if path.startswith("/") else shown
            return f"{shown}{mark}{branch}"
        host, slash, path = rest.partition("/")
        scheme = scheme.lower()
        host = host.lower().removesuffix(_PORTS.get(scheme.removeprefix(GIT), ""))
        return f"{scheme}://{host}{slash}{path}{mark}{branch}"

    def in_folder(self, folder: Path, file_name: str, project: str) -> StateAddress:
        """This address with a path that starts at `folder`.

        A path of a folder stands for `file_name` in it. A repository without a branch stands for the branch of the
        project, and `{project}` in an http address for its name.
        """
        if self.prefix == GIT:
            from skaha_apply.state.git.address import located  # noqa: PLC0415 - most states are files

            return replace(self, text=located(self.text, folder, project))
        if self.is_remote:
            return replace(self, text=with_project(self.text, project))
        path = folder / Path(self.text).expanduser()
        names_folder = path.is_dir() or self.text.endswith("/")
        return replace(self, text=str(path / file_name if names_folder else path))


def with_project(text: str, project: str) -> str:
    """An http address with the name of the project for each `{project}`."""
    return text.replace(PROJECT, quote(project, safe=""))


def prefix_of(text: str) -> str | None:
    """What a text has before its first colon, without control characters; None if the text can only be a path."""
    found = _PREFIX.match(text)
    return None if found is None else "".join(char if char.isprintable() else "?" for char in found[1])[:40]
