"""Commands of other tools, and the commands of skaha-apply to use instead.

The table is read only after a mistake. A row suggests only commands that exist (`overview.COMMANDS`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSIONS = ("ps", "status")
RERUN = ("mark rerun",)

# A command of another tool, to the words to write instead. A command with two words is one of a group.
COMMAND_WORDS: Mapping[str, tuple[str, ...]] = {
    # Terraform
    "import": ("plan --adopt", "export"),
    "validate": ("lint",),
    "taint": RERUN,
    "untaint": ("mark complete",),
    "output": ("status -o json",),
    "force-unlock": ("state unlock",),
    "state list": ("status",),
    "state ls": ("status",),
    "state rm": ("state forget",),
    "state remove": ("state forget",),
    "state move": ("state mv",),
    "state rename": ("state mv",),
    # kubectl
    "get": SESSIONS,
    "list": SESSIONS,
    "describe": ("show", "status"),
    "info": ("show", "status"),
    "delete": ("destroy",),
    "create": ("apply", "convert -- skaha create"),
    "explain": ("schema manifest",),
    "top": ("status",),
    "wait": ("apply --wait complete",),
    "exec": ("open", "logs"),
    "attach": ("open", "logs"),
    "scale": ("apply",),
    "rollout": ("apply",),
    # docker compose
    "up": ("apply",),
    "down": ("destroy",),
    "start": ("apply",),
    "stop": ("destroy",),
    "restart": RERUN,
    "kill": ("destroy",),
    "rm": ("destroy",),
    "remove": ("destroy",),
    "prune": ("destroy",),
    "pause": ("mark hold",),
    "unpause": RERUN,
    "ls": SESSIONS,
    "config": ("lint",),
    "images": ("limits", "lint --online"),
    "stats": ("limits", "status"),
    # make, git, gh
    "all": ("apply",),
    "build": ("apply",),
    "clean": ("destroy",),
    "check": ("lint",),
    "test": ("lint",),
    "diff": ("plan",),
    "log": ("logs",),
    "watch": ("status --watch", "ui"),
    "format": ("fmt",),
    "dag": ("graph",),
    "view": ("show", "status"),
    "rerun": RERUN,
    "retry": ("mark rerun --phase failed",),
    "resume": ("apply",),
    "continue": ("apply",),
    "help": ("--help",),
    "version": ("--version",),
    # Slurm and other batch systems
    "cancel": ("destroy",),
    "scancel": ("destroy",),
    "qdel": ("destroy",),
    "submit": ("apply",),
    "sbatch": ("apply",),
    "qsub": ("apply",),
    "queue": SESSIONS,
    "squeue": SESSIONS,
    "qstat": SESSIONS,
    # commands of skaha-apply in other words
    "adopt": ("plan --adopt",),
    "preview": ("plan",),
    "deploy": ("apply",),
    "verify": ("lint",),
    "hold": ("mark hold",),
    "complete": ("mark complete",),
    "unlock": ("state unlock",),
    "forget": ("state forget",),
    "rename": ("state mv",),
    "mv": ("state mv",),
    "serve": ("sandbox serve",),
    "sync": ("refresh",),
    "sandbox start": ("sandbox serve",),
    "sandbox run": ("sandbox serve",),
    "sandbox up": ("sandbox serve",),
    "sandbox down": ("sandbox stop",),
    "sandbox kill": ("sandbox stop",),
    "sandbox ps": ("sandbox status",),
    "dashboard": ("ui", "status --watch"),
}

# What words to write instead do, where the summary of their command does not state it.
PURPOSES: Mapping[str, str] = {
    "plan --adopt": "see which running sessions match the manifests",
    "status -o json": "print the phase of each replica as JSON",
    "status --watch": "follow the phase of each replica",
    "apply --wait complete": "apply, and wait until all work has ended",
    "convert -- skaha create": "print the manifest for this command line",
    "schema manifest": "print the JSON Schema of a manifest",
    "lint --online": "check images and resources against those of the server",
    "mark rerun": "run replicas again",
    "mark rerun --phase failed": "run failed replicas again",
    "mark complete": "mark replicas as complete",
    "mark hold": "keep replicas from running until they are marked `rerun`",
    "state unlock": "remove a lock that no running command owns",
    "state forget": "remove records from the state; sessions stay",
    "state mv": "rename a session, an entry or a project in the state",
    "sandbox serve": "run a local test server",
    "sandbox stop": "stop the test server and its sessions",
    "sandbox status": "show whether the test server runs",
    "--help": "list the commands",
    "--version": "print the version",
}

# Kinds of things that kubectl names before a name: `get pods reduce`.
RESOURCES = frozenset(
    f"{word}{plural}" for word in ("session", "job", "pod", "replica", "deployment") for plural in ("", "s")
) | {"all", "po"}
