"""What one call is about, as the command line or a script gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MAX_CONCURRENCY = 256


@dataclass(frozen=True)
class Setting:
    """Where manifests, server and state are found, and how hard the server is worked.

    Times are seconds. `server` is a name or URL, `state` a path or URL; None takes the defaults. `cwd` is the folder of
    the call: paths are relative to it, and its git checkout is the root of the state.
    """

    paths: tuple[str, ...] = ()
    server: str | None = None
    sandbox: bool = False
    state: str | None = None
    project: str | None = None
    concurrency: int = 32
    settle: float = 5.0
    lock_timeout: float = 0.0
    keep_logs: bool = True
    cwd: Path = field(default_factory=Path.cwd)

    @property
    def sources(self) -> tuple[str, ...]:
        """The manifests to load: `manifests/` if it exists, else the folder itself, when nothing is named."""
        if self.paths:
            return self.paths
        return ("manifests",) if (self.cwd / "manifests").is_dir() else (".",)
