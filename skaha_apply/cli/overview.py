"""What the tool prints without a parser: its version, and the list of commands.

The parser takes longer to import than these texts to print. `app.py` gives it the same texts, and a test compares the
list of commands with the one that the parser prints.
"""

from __future__ import annotations

import sys

from skaha_apply.cli.output.outlet import outlet_of
from skaha_apply.model import __version__
from skaha_apply.model.errors import ExitCode

TYPE_CHECKING = False  # `--version` spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SUMMARY = "Manage sessions on CANFAR's Skaha API with manifests"
PARAGRAPH = (
    "Manifests are YAML files that describe the sessions that you want. `plan` compares them with running sessions. "
    "`apply` creates, replaces and deletes sessions until both agree. A state file records what was created."
)
EXAMPLES = (
    "skaha-apply plan --sandbox         # show what apply would change",
    "skaha-apply apply --sandbox        # show the plan, ask, and carry it out",
    "skaha-apply status --sandbox       # show the phase of each replica",
    "skaha-apply COMMAND --help         # explain one command",
)
VERSION_HELP = "Print the version and exit"
MAX_WIDTH = 110  # columns
MIN_WIDTH = 80  # columns; the parser shortens the summaries if a terminal has fewer

# The commands in the order of the help. The module `commands/X.py` registers the command X when it is imported; its
# help begins with the same summary.
COMMANDS: Mapping[str, str] = {
    "plan": "Show what apply would change, and why",
    "apply": "Create, replace and delete sessions as manifests describe",
    "destroy": "Delete the live sessions of the project",
    "refresh": "Update the state from the server, and save logs",
    "run": "Apply manifests again and again, as a controller",
    "status": "Show the phase of each replica, and what is left to do",
    "ui": "Show the page of a project live, in the browser",
    "show": "Show the history of a replica: attempts, cause, log",
    "ps": "List all sessions of the account, and their projects",
    "limits": "Show resources, limits and images that the server offers",
    "open": "Open an interactive session in the browser",
    "logs": "Print the logs of replicas",
    "events": "Print the events of replicas",
    "mark": "Mark replicas as complete, to be rerun, or on hold",
    "doctor": "Check server, credential, limits, manifests, state and lock",
    "lint": "Check manifests for mistakes before anything is sent",
    "graph": "Print the entries of manifests and what each waits for",
    "fmt": "Format manifests in canonical key order and layout",
    "export": "Print live sessions as a manifest, for `plan --adopt`",
    "init": "Write the first manifest of a project",
    "convert": "Print the manifest for a script or a command line",
    "schema": "Print a JSON Schema",
    "completion": "Print a script that completes words in a shell",
    "split": "Preview how a list is split across replicas",
    "state": "Show or change the state of a project",
    "sandbox": "Run a local Skaha server that starts local processes",
}


def show_overview(words: Sequence[str]) -> ExitCode | None:
    """Print the version, the list of commands or names for a shell, and return the exit code.

    Returns None for words that the parser has to read. Without words, the list of commands is the message of a usage
    error.
    """
    if words == ["--version"]:
        outlet_of(sys.stdout).write_own(f"skaha-apply {__version__}\n")
        return ExitCode.OK
    if words[:2] == ["completion", "--words"]:
        return _show_names(words[2:])
    if words not in ([], ["-h"], ["--help"]) or (page := _commands_page()) is None:
        return None
    outlet_of(sys.stdout if words else sys.stderr).write_own(page)
    return ExitCode.OK if words else ExitCode.USAGE


def examples_text(examples: Iterable[str]) -> str:
    """The examples at the end of a help text."""
    return "\n".join(["Examples:", *(f"  {example}" for example in examples)])


def _show_names(words: Sequence[str]) -> ExitCode:
    """Print the names that begin with the first word, for the script of `completion`."""
    from skaha_apply.cli.completion.names import names  # noqa: PLC0415 - only for a shell

    outlet_of(sys.stdout).write_own("".join(f"{name}\n" for name in names(words[0] if words else "", words[1:])))
    return ExitCode.OK


def _commands_page() -> str | None:
    """The help of the tool; None for a narrow terminal."""
    import textwrap  # noqa: PLC0415 - `--version` has no list
    from shutil import get_terminal_size  # noqa: PLC0415 - as above

    columns = get_terminal_size().columns
    if columns < MIN_WIDTH:
        return None
    width = min(columns, MAX_WIDTH) - 2
    parts = (
        "Usage: skaha-apply [OPTIONS] COMMAND [ARGS]...",
        f"  {SUMMARY}",
        textwrap.fill(PARAGRAPH, width, initial_indent="  ", subsequent_indent="  "),
        _section("Options", {"--version": VERSION_HELP, "-h, --help": "Show this message and exit."}),
        _section("Commands", COMMANDS),
        examples_text(EXAMPLES),
    )
    return "\n\n".join(parts) + "\n"


def _section(heading: str, rows: Mapping[str, str]) -> str:
    first = max(map(len, rows))
    return "\n".join([f"{heading}:", *(f"  {name:<{first}}  {text}" for name, text in rows.items())])
