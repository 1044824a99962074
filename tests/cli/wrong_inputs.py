"""Runs command lines that come as lines of JSON, one after the other in one process, and writes how each ended."""

from __future__ import annotations

import json
import os
import sys

from skaha_apply.cli import main


def run(words):
    """The exit code of one command line, and all that it printed."""
    with open("printed", "w+b") as printed:  # noqa: PTH123 - a descriptor is needed
        for number in (1, 2):
            os.dup2(printed.fileno(), number)
        sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        try:
            code = main(words)
        except SystemExit as error:
            code = error.code
        sys.stdout.flush()
        sys.stderr.flush()
        printed.seek(0)
        return code, printed.read().decode(errors="replace")


if __name__ == "__main__":
    given, results = os.fdopen(os.dup(0), "r", encoding="ascii"), os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the standard input of the commands is empty
    for line in given:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        try:
            found = run(json.loads(line))
        except BaseException as error:  # noqa: BLE001 - the test shows it
            found = repr(error), "Traceback"
        results.write(json.dumps(found) + "\n")
        results.flush()
