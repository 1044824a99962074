"""Options of other tools, and the options or commands of skaha-apply to use instead.

The table is read only after a mistake, and only for an option that the command does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "PATH"  # the value is the path of a manifest
NAME = "NAME"  # the value is the name of a session
PATH_OR_PROJECT = "PATH_OR_PROJECT"  # `-n`: a project before a value (kubectl), else a rehearsal (make)


@dataclass(frozen=True)
class Instead:
    """One way to write an option of another tool.

    Args:
        words: the option to write, `--option=` if it takes the value; a command; `PATH` or `NAME` for the value alone;
            "" to leave the option out.
        why: what the words do, for the hint.
        commands: the commands for which the way is right; empty for all that have the option.
    """

    words: str
    why: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptionWord:
    """An option of another tool; the first way that the command offers is suggested."""

    ways: tuple[Instead, ...]
    has_value: bool = False


_YES = OptionWord(
    (Instead("--yes", "`--yes` carries out without asking for approval"), Instead("", "the command asks no question"))
)
_REHEARSAL = OptionWord(
    (
        Instead("--check", "`--check` writes nothing", ("fmt",)),
        Instead("plan", "`plan` shows what `apply` would change, and changes nothing", ("apply", "refresh")),
        Instead("", "the command shows what it would change, and asks for approval", ("destroy", "mark")),
        Instead("", "the command changes no session"),
    )
)
_FILE = OptionWord(
    (
        Instead("--manifest=", "`--manifest` names the manifests"),
        Instead(PATH, "the manifests are arguments, without an option"),
    ),
    has_value=True,
)
_FOLLOW = OptionWord(
    (
        Instead("--watch", "`--watch` refreshes until Ctrl-C"),
        Instead("--wait=complete", "`--wait complete` follows the work until its end"),
        Instead("", "the command prints what exists now; `status --watch` follows the work"),
    )
)
_LOG_FOLLOW = OptionWord((Instead("", "the command prints the log up to now; repeat it for more"),))
_PROJECT = OptionWord(
    (Instead("--project=", "`--project` selects one project of the manifests"), Instead("", "there are no namespaces")),
    has_value=True,
)
_JSON = OptionWord(
    (
        Instead("--output=json", "`-o json` prints JSON", ("plan", "apply", "status", "lint", "split", "doctor", "ps")),
        Instead("--output=json", "`-o json` prints JSON"),
        Instead("", "the command has no JSON"),
    )
)
_FORMAT = OptionWord((Instead("--output=", "`-o` sets the format"), Instead("", "the command has one format")), True)
_VARIABLE = OptionWord(
    (
        Instead("--var=", "`--var NAME=VALUE` sets a variable of the manifests"),
        Instead("", "the command reads no values of variables"),
    ),
    has_value=True,
)
_NO_VALUES = "the command reads no values of variables"
_SERVER = OptionWord(
    (Instead("--server=", "`--server` names the server"), Instead("", "the command sends no request")), has_value=True
)
_PARALLEL = OptionWord(
    (
        Instead("--concurrency=", "`--concurrency` is the number of requests in flight"),
        Instead("", "`parallelism` and `max_active` in the manifest limit active sessions"),
    ),
    has_value=True,
)
_SELECTOR = OptionWord(
    (
        Instead("--target=", "`--target` selects replicas"),
        Instead(NAME, "names are arguments, without an option"),
        Instead("", "the command works on whole projects"),
    ),
    has_value=True,
)
_QUIET = OptionWord((Instead("", "progress and messages go to standard error: add 2>/dev/null"),))
_CREDENTIAL = OptionWord(
    (Instead("", "no option takes a credential: set SKAHA_TOKEN, or use --credential-command"),), has_value=True
)
_DETACH = OptionWord((Instead("", "without `--wait`, `apply` ends when the requests are sent"),))
_RECURSIVE = OptionWord((Instead("", "folders are read with their subfolders"),))
_TAIL = OptionWord((Instead("", "the command prints the whole log"),), has_value=True)

# An option of another tool, with two dashes if it has more than one letter: Terraform's `-auto-approve` is found too.
OPTION_WORDS: Mapping[str, OptionWord] = {
    "--dry-run": _REHEARSAL,
    "--check": _REHEARSAL,
    "--diff": _REHEARSAL,
    "--simulate": _REHEARSAL,
    "--just-print": _REHEARSAL,
    "--plan-only": _REHEARSAL,
    "-n": OptionWord((Instead(PATH_OR_PROJECT, ""),)),
    "--auto-approve": _YES,
    "--assume-yes": _YES,
    "--approve": _YES,
    "--no-input": _YES,
    "--non-interactive": _YES,
    "--yes": _YES,
    "-y": _YES,
    "--force": OptionWord((Instead("", "the command has no safety rule to lift"),)),
    "-f": _FILE,
    "--file": _FILE,
    "--filename": _FILE,
    "--manifest": _FILE,
    "--chdir": _FILE,
    "-C": _FILE,
    "--directory": _FILE,
    "--project-directory": _FILE,
    "--namespace": _PROJECT,
    "--project-name": _PROJECT,
    "-p": _PROJECT,
    "--workspace": _PROJECT,
    "--json": _JSON,
    "--format": _FORMAT,
    "--var": _VARIABLE,
    "--set": _VARIABLE,
    "--env": _VARIABLE,
    "-e": _VARIABLE,
    "--var-file": OptionWord((Instead("", _NO_VALUES),), has_value=True),
    "--values": OptionWord(
        (Instead("--var-file=", "`--var-file` reads values of variables"), Instead("", _NO_VALUES)), has_value=True
    ),
    "--watch": _FOLLOW,
    "-w": _FOLLOW,
    "--follow": _FOLLOW,
    "--tail": _TAIL,
    "--since": _TAIL,
    "--lines": _TAIL,
    "--context": _SERVER,
    "--host": _SERVER,
    "--url": _SERVER,
    "--parallelism": _PARALLEL,
    "--parallel": _PARALLEL,
    "--jobs": _PARALLEL,
    "-j": _PARALLEL,
    "--selector": _SELECTOR,
    "-l": _SELECTOR,
    "--name": _SELECTOR,
    "--only": _SELECTOR,
    "--quiet": _QUIET,
    "-q": _QUIET,
    "--silent": _QUIET,
    "-s": _QUIET,
    "--token": _CREDENTIAL,
    "--password": _CREDENTIAL,
    "--cert": _CREDENTIAL,
    "--detach": _DETACH,
    "-d": _DETACH,
    "--no-wait": _DETACH,
    "--recursive": _RECURSIVE,
    "-R": _RECURSIVE,
    "-r": _RECURSIVE,
    "--all-namespaces": OptionWord((Instead("", "all projects of the manifests are selected"),)),
    "-A": OptionWord((Instead("", "all projects of the manifests are selected"),)),
    "--destroy": OptionWord((Instead("destroy", "`destroy` shows the sessions, and asks before it deletes them"),)),
    "--refresh-only": OptionWord((Instead("refresh", "`refresh` updates the state from the server"),)),
    "--replace": OptionWord((Instead("mark rerun", "`mark rerun` runs replicas again"),), has_value=True),
    "--debug": OptionWord((Instead("--verbose", "`-v` prints requests and retries"),)),
    "--plain": OptionWord((Instead("--no-color", "`--no-color` prints without colors"),)),
    "--interval": OptionWord(
        (Instead("--poll=", "`--poll` is the interval"), Instead("", "the command runs once")), has_value=True
    ),
    "--detailed-exitcode": OptionWord(
        (
            Instead("--exit-code", "`--exit-code` sets the exit code"),
            Instead("", "the exit code has no details; see --help"),
        )
    ),
    "--exit-code": OptionWord(
        (
            Instead("--detailed-exitcode", "`--detailed-exitcode` sets the exit code"),
            Instead("", "the exit code has no details; see --help"),
        )
    ),
}

# Options that mean something else in one command.
BY_COMMAND: Mapping[tuple[str, str], OptionWord] = {
    ("logs", "-f"): _LOG_FOLLOW,
    ("logs", "--follow"): _LOG_FOLLOW,
    ("events", "-f"): _LOG_FOLLOW,
    ("events", "--follow"): _LOG_FOLLOW,
    ("state forget", "--force"): OptionWord((Instead("", "the command deletes no session"),)),
}
NAMESPACE, REHEARSAL = _PROJECT, _REHEARSAL
