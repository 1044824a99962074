"""The two branches of a state at the remote: read them, fetch them, and move both at once or not at all.

Each push names the objects that the branches must have (`--force-with-lease=REF:OBJECT`), so that it never replaces
what this process has not seen. `--force` and `+refspec` would cancel this check without a message.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError, UsageError
from skaha_apply.state.git.errors import cause, is_unsent, refused

if TYPE_CHECKING:
    from skaha_apply.state.git.address import GitRemote
    from skaha_apply.state.git.objects import CommitMaker
    from skaha_apply.state.git.program import GitProgram

_FETCHES = 3  # a branch can move between its listing and its fetch


class Patience(NamedTuple):
    """The seconds for one command of git, and those before each try of a push whose outcome is not known."""

    limit: float = 60.0
    delays: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)


USUAL = Patience()


class Heads(NamedTuple):
    """The commits of the branch of the state and of that of the lock; "" if there is no such branch."""

    state: str = ""
    lock: str = ""


class PushResult(Enum):
    """How a push ended.

    A push that raced met branches that another push had moved, so it had no effect. An unconfirmed one might have moved
    the branches, or still move them. One that was not sent had no connection, so it very probably had no effect.
    """

    STORED = "stored"
    RACED = "raced"
    UNCONFIRMED = "unconfirmed"
    UNSENT = "unsent"


class RemoteBranches:
    """The branches of one state at its remote."""

    def __init__(self, remote: GitRemote, program: GitProgram, objects: CommitMaker, delays: tuple[float, ...]) -> None:
        self.delays = delays
        self.last_problem = ""  # what git printed about the last push without effect
        self._remote = remote
        self._program = program
        self._objects = objects
        self._is_prepared = False

    async def prepare(self) -> None:
        """Check git and the name of the branch, and make the private repository; done once.

        Raises:
            UsageError: git does not accept the name of the branch.
            StateError: git cannot be used.
        """
        if self._is_prepared:
            return
        url = self._remote.url
        await self._program.prepare(uses_ssh=url.startswith("ssh://") or ("@" in url and "://" not in url))
        for ref in (self._remote.state_ref, self._remote.lock_ref):
            if (await self._program.run("check-ref-format", ref)).code != 0:
                raise UsageError(
                    f"git does not accept the name of the branch {self._remote.branch!r}",
                    hint="Give another branch in git:REMOTE#BRANCH.",
                )
        await self._objects.open()
        self._is_prepared = True

    async def heads(self, action: str) -> Heads:
        """The present commits of both branches. Raises `StateError`; `action` is the verb of its message."""
        await self.prepare()
        refs = (self._remote.state_ref, self._remote.lock_ref)
        done = await self._program.run(
            "ls-remote", "--quiet", "--refs", "--", self._remote.url, *refs, folder=self._objects.folder
        )
        if done.code != 0:
            raise self.refusal(action, done.err)
        lines = (line.partition("\t") for line in done.out.decode("utf-8", "replace").splitlines())
        found = {ref: commit for commit, _, ref in lines}
        return Heads(*(found.get(ref, "") for ref in refs))

    async def fetch(self, heads: Heads, action: str) -> Heads:
        """Fetch the commits of both branches; returns what was fetched, because a branch can move meanwhile.

        Raises `StateError`.
        """
        for _ in range(_FETCHES):
            refs = [
                ref
                for ref, commit in zip((self._remote.state_ref, self._remote.lock_ref), heads, strict=True)
                if commit and not await self._objects.has(commit)
            ]
            if not refs:
                return heads
            done = await self._program.run(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={self._remote.history}"),
                *("--no-recurse-submodules", "--", self._remote.url, *refs),
                folder=self._objects.folder,
            )
            if done.code != 0 and "couldn't find remote ref" not in done.err:
                raise self.refusal(action, done.err)
            if all([await self._objects.has(commit) for commit in heads if commit]):
                return heads
            heads = await self.heads(action)
        raise StateError(
            f"cannot {action} the state {self._remote.shown}: its branches change all the time",
            hint="Repeat the command later.",
        )

    async def push(self, known: Heads, wanted: Heads) -> PushResult:
        """Move both branches from `known` to `wanted` at once, if the remote still has `known`.

        Raises `StateError` if the remote refuses for another reason; then it has changed nothing.
        """
        leases, specs = [], []
        for ref, before, after in zip((self._remote.state_ref, self._remote.lock_ref), known, wanted, strict=True):
            if before != after:
                leases.append(f"--force-with-lease={ref}:{before}")
                specs.append(f"{after}:{ref}")
        done = await self._program.run(
            *("push", "--porcelain", "--atomic", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"),
            *("--no-signed", "--no-thin", *leases, "--", self._remote.url, *specs),
            folder=self._objects.folder,
        )
        if done.code == 0:
            return PushResult.STORED
        text = f"{done.err}\n{done.out.decode('utf-8', 'replace')}"
        if cause(text) is not None:
            raise self.refusal("write", text)
        self.last_problem = text
        # `[remote failure]` means that the remote did not report the outcome.
        is_refused = re.search(r"^!\t", text, re.MULTILINE) and "[remote failure]" not in text
        if is_refused:
            return PushResult.RACED
        return PushResult.UNSENT if is_unsent(text) else PushResult.UNCONFIRMED

    def refusal(self, action: str, text: str) -> StateError:
        """The error of a failed action, without the password."""
        masked = "\n".join(self._remote.mask(line) for line in text.splitlines())
        return refused(action, self._remote.shown, masked)
