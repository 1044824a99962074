"""Every command of the published client that a hint or a page names exists in that client."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUOTED = re.compile(r"`((?:canfar|cadc-get-cert)(?![\w.-])[^`\n]*)`")
WORD = re.compile(r"[a-z][a-z-]*")

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


def named_commands():
    """The commands, each as a program and its subcommands, without arguments and options."""
    paths = [*ROOT.glob("skaha_apply/**/*.py"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    quoted = {text for path in paths for text in QUOTED.findall(path.read_text(encoding="utf-8"))}
    found = set()
    for text in quoted:
        words = text.split()
        end = next((index for index, word in enumerate(words) if not WORD.fullmatch(word)), len(words))
        found.add(tuple(words[:end]))
    return sorted(found)


def test_each_named_command_exists(client):
    commands = named_commands()
    assert ("canfar", "login") in commands
    canfar = client("canfar")
    for program, *subcommands in commands:
        assert (canfar.bin / program).exists(), f"{program} is not installed with the client"
        canfar.run([program, *subcommands, "--help"])
