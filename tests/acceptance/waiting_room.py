"""A process that has imported the libraries and waits; each command is a fork of it, which saves most of its start.

Read as a script: `waiting_room.py IN OUT`, two descriptors. A line of JSON comes in for each command (words, cwd, env,
stdin, out, err), and its process id, then its exit code go out. Only libraries and plain values are imported before
the fork; what the command itself imports, and how it ends, is as in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

LIBRARIES = (
    "asyncio",
    "httpx",
    "pydantic",
    "rich.console",
    "ruamel.yaml",
    "sniffio",
    "typer",
    "skaha_apply.model.state",
)


def serve(requests, replies):
    """Fork for each request, until there are no more; returns the request in the child, None at the end."""
    for line in requests:
        pid = os.fork()
        if pid == 0:
            return json.loads(line)
        replies.write(f"{pid}\n")
        replies.flush()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        replies.write(f"{code}\n")
        replies.flush()
    return None


def become(request):
    """Be the command: its streams, folder, environment and words."""
    for number, (path, flags) in enumerate(
        [(request["stdin"], os.O_RDONLY), (request["out"], os.O_WRONLY), (request["err"], os.O_WRONLY)]
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    if not request["env"].get("PYTHONWARNINGS"):
        warnings.simplefilter("ignore")
    sys.argv = ["skaha-apply", *request["words"]]
    from skaha_apply.cli import main  # noqa: PLC0415 - the command's own, after the fork

    sys.exit(main())


if __name__ == "__main__":
    sys.path.pop(0)
    for library in LIBRARIES:
        __import__(library)
    with os.fdopen(int(sys.argv[1])) as incoming, os.fdopen(int(sys.argv[2]), "w") as outgoing:
        wanted = serve(incoming, outgoing)
    if wanted is not None:
        become(wanted)
