"""The errors of git, by what its messages mean. Git has exit codes for few of them; its messages are in English."""

from __future__ import annotations

import re
from typing import NamedTuple

from skaha_apply.model.errors import StateError


class Named(NamedTuple):
    """A cause that a message of git shows, in words of this tool, and what to do."""

    pattern: re.Pattern[str]
    cause: str
    hint: str


def _named(pattern: str, cause: str, hint: str) -> Named:
    return Named(re.compile(pattern, re.IGNORECASE), cause, hint)


# The first match counts: a specific cause comes before a general one.
_CAUSES = (
    _named(
        r"dubious ownership",
        "git refuses the repository, because another user owns it (dubious ownership)",
        "If you trust it, run `git config --global --add safe.directory PATH`, or use a repository of your own.",
    ),
    _named(
        r"Host key verification failed",
        "the host key of the server is not known or has changed",
        "Check the key, then connect once by ssh, or add it to known_hosts.",
    ),
    _named(
        r"could not read (Username|Password)|terminal prompts disabled|Authentication failed|Permission denied \("
        r"|invalid (username|credential)|HTTP Basic|could not read from remote.*askpass|error: 401",
        "the remote requires a login, and git has no valid one",
        "Set SKAHA_GIT_PASSWORD to a token (https), configure a credential helper, or add a key to the ssh agent.",
    ),
    _named(
        r"protected branch|GH006|hook declined|GH013|push declined",
        "the remote refuses a push to this branch (protected branch, or a hook of the remote)",
        "Allow pushes, forced pushes and deletes for the branches skaha-state/* and skaha-lock/*, or select another "
        "branch with #BRANCH.",
    ),
    _named(
        r"remote rejected\] .*(non-fast-forward|deletion prohibited|denying|deny)",
        "the remote refuses to replace or delete a branch (receive.denyNonFastForwards or receive.denyDeletes)",
        "Allow forced pushes and deletes for the branches skaha-state/* and skaha-lock/*.",
    ),
    _named(
        r"does not support --atomic|atomic.*not support",
        "the remote has no atomic pushes, which a state in git requires",
        "Use another server, or store the state elsewhere with --state.",
    ),
    _named(
        r"error: 403|not allowed to (push|upload)|denied to |write access|insufficient permission|read-only"
        r"|service not enabled|unable to create temporary|Permission denied",
        "the account has no write permission in the repository",
        "Give the account or token permission to write (at GitHub `contents: write`).",
    ),
    _named(
        r"access denied or repository not exported",  # what git daemon prints about each of the three
        "there is no such repository, or the account cannot see it or write in it",
        "Check the address, and whether the server accepts pushes (git daemon: --enable=receive-pack).",
    ),
    _named(
        r"does not appear to be a git repository|repository .*not found|no such repository|No such file|error: 404"
        r"|could not be found|is not a repository",
        "there is no such repository, or the account cannot see it",
        "Check the address. A path names a bare repository; make one with `git init --bare PATH`.",
    ),
    _named(
        r"transport .* not allowed|protocol .* not supported|is not a git command",
        "git refuses the form of the address",
        "Use https://, ssh://, USER@HOST:PATH, or a path.",
    ),
    _named(
        r"mismatched algorithms|unsupported object format",
        "the repository uses another hash than sha1",
        "Use a repository with the object format sha1.",
    ),
)

_UNSENT = re.compile(
    r"could(n't| not) resolve|failed to connect|couldn't connect|unable to connect|connect to host"
    r"|connection refused|network is unreachable|no route to host",
    re.IGNORECASE,
)


def is_unsent(text: str) -> bool:
    """Whether a message of git shows that it had no connection to the remote."""
    return _UNSENT.search(text) is not None


def cause(text: str) -> Named | None:
    """The cause that a message of git shows; None for an unknown one, such as a broken connection."""
    return next((named for named in _CAUSES if named.pattern.search(text)), None)


def refused(action: str, shown: str, text: str) -> StateError:
    """The error of a failed `action`, a verb such as `write`; `text` is what git printed, without secrets."""
    found = cause(text)
    last = last_line(text)
    if found is None:
        return StateError(
            f"cannot {action} the state {shown}: {last or 'git failed without a message'}",
            hint="Check the network and the address, then repeat the command.",
        )
    shown_text = f" ({last})" if last else ""
    return StateError(f"cannot {action} the state {shown}: {found.cause}{shown_text}", hint=found.hint)


def last_line(text: str) -> str:
    """The line of a message that states the cause: the first fatal or rejecting one, at most 200 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"(fatal|remote: error|error|!)", line)]
    chosen = (named or lines or [""])[0]
    return "".join(char if char.isprintable() else " " for char in chosen)[:200]
