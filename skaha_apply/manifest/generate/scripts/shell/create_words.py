"""Recognizes the words of a command that creates a session, also behind `nohup` or `xargs`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.command_line import PROGRAMS, VERBS
from skaha_apply.manifest.generate.scripts.traced_text import plain, template

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

WRAPPERS = frozenset({"nohup", "time", "command", "exec", "uvx", "env", "sudo", "nice"})
RUNS_WORDS = frozenset({"parallel", "xargs", "find", "timeout", "flock", "trap", "coproc", "watch"})
QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\{[^}]*\}|\$\(.*\)|`[^`]*`|\$[@*?#]", re.DOTALL)
PATTERN = re.compile(r"[*?]|\[[^\]]+\]")
SOURCES = frozenset({".", "source"})
SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "python", "python3"})
SCRIPT = re.compile(r".*\.(?:sh|bash|py)")
SET_UP = re.compile(r"(?:.*/)?(?:activate|\.?bashrc|\.?bash_profile|\.?profile|conda\.sh|\.?env)")  # starts no session
TEXT_ONLY = frozenset({"echo", "printf", "grep", "cat", "awk", "sed", "logger"})
CREATE = re.compile(rf"(?:^|[\s/'\"=;(])(?:{'|'.join(PROGRAMS)})(?:\.cli)?(?:\s+-\S+)*\s+(?:{'|'.join(VERBS)})\b")
POST = re.compile(r"\s(?:-X\s*POST|--request[ =]POST|-d|-F|--data\S*|--form|--post-\S+|POST)[\s=]")
WAITS = re.compile(r"(?<![a-z])(?:wait|poll)", re.IGNORECASE)
SHORTEST_WAIT = 60  # seconds; a shorter `sleep` spares the server
LONGEST = 100  # characters of a command that a remark repeats
WITH_VALUE = frozenset({"-n", "-P", "-L", "-s", "-d", "-a", "-E", "-I"})  # options of xargs


def xargs_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """What stands for a line in the command of `xargs`, "" if the line is the last argument; and that command."""
    placeholder, at = "", 1
    while at < len(words) and plain(words[at]).startswith("-"):
        option = plain(words[at])
        if option.startswith("-I"):
            placeholder = option[2:] or (plain(words[at + 1]) if at + 1 < len(words) else "{}")
        at += 2 if option in WITH_VALUE else 1
    return placeholder, list(words[at:])


def step_name(words: Sequence[str]) -> str:
    """A name for what a program does with the values of a loop, the same in each round."""
    return " ".join(template(word, str) for word in words)


def is_create(words: Sequence[str]) -> bool:
    """Whether a command runs `skaha create` or `canfar create`, perhaps through another program."""
    names = [plain(word).rpartition("/")[2] for word in words[:4]]
    for index, name in enumerate(names[:-1]):
        if name in PROGRAMS:
            return names[index + 1] in VERBS
        if name not in WRAPPERS:
            return False
    return False


def has_file_pattern(raw: str) -> bool:
    """Whether bash replaces a word of a script by names of files: it has `*`, `?` or `[ ]` outside quotes."""
    return PATTERN.search(QUOTED.sub("", raw)) is not None


def hidden_creates(words: Sequence[str], functions: Collection[str]) -> str:
    """Why a program that is not followed can create sessions; "" if nothing suggests that it does.

    Args:
        words: the program and its arguments, for people.
        functions: the names of the script's functions.
    """
    program, text = words[0].rpartition("/")[2], " ".join(" ".join(words).split())
    named = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if program in TEXT_ONLY:
        return ""
    if program in ("curl", "wget", "http") and "/session" in text and POST.search(f"{text} "):
        return f"sessions are left out, because `{program}` sends a request"  # its headers can hold a credential
    if CREATE.search(text):
        return f"sessions are left out, because `{program}` creates them: {named}"
    if program in RUNS_WORDS and (name := next((word for word in words[1:] if word in functions), "")):
        return f"`{program}` runs the function {name}; sessions that it creates are left out"
    script = next((word for word in words[1:] if not word.startswith("-")), "") if program in SHELLS else words[0]
    if program in SOURCES and len(words) > 1:
        script = words[1]
        return "" if SET_UP.fullmatch(script) else f"{script} is not read; sessions that it creates are left out"
    return f"{script} is not read; sessions that it creates are left out" if SCRIPT.fullmatch(script) else ""


def may_wait(words: Sequence[str]) -> bool:
    """Whether a program waits: `sleep` for a minute or more, or a program with `wait` in its name."""
    if words[0] == "sleep":
        seconds = re.fullmatch(r"([0-9.]+)s?", words[1]) if len(words) == 2 else None  # noqa: PLR2004 - sleep, time
        return seconds is None or not seconds[1].replace(".", "", 1).isdigit() or float(seconds[1]) >= SHORTEST_WAIT
    if words[0] == "wait" or words[0] in TEXT_ONLY:
        return False
    script = words[1] if len(words) > 1 and words[0].rpartition("/")[2] in SHELLS else words[0]
    return WAITS.search(script.rpartition("/")[2]) is not None
