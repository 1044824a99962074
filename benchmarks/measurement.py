"""Runs whole processes and measures them: two commands in turn, so that a slow minute of the machine hits both."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_BYTES_PER_KIB = 1024
_SHOWN = 2000


class Usage(NamedTuple):
    """What one process took: seconds of time and of CPU, and its peak memory in bytes."""

    seconds: float
    cpu: float
    peak: float


class CommandFailedError(Exception):
    """A measured command ended with another exit code than expected."""

    def __init__(self, words: Sequence[str | Path], code: int, output: str) -> None:
        super().__init__(f"{' '.join(map(str, words))}: exit code {code}\n{output}")
        errors = [line for line in output.splitlines() if "error:" in line]
        self.summary = errors[0].partition("error:")[2].strip() if errors else f"exit code {code}"


@dataclass(frozen=True)
class Command:
    """A command line with the folder and the environment variables in which it runs."""

    words: Sequence[str | Path]
    folder: Path | None = None
    variables: Mapping[str, str] | None = None
    codes: tuple[int, ...] = (0,)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of this process and of the command. Python stores compiled modules, as it does for users."""
        environment = {**os.environ, **(self.variables or {})}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment

    def run(self) -> Usage:
        """Run the command to its end; raises `CommandFailedError` with the end of its output."""
        with tempfile.TemporaryFile() as output:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in self.words], cwd=self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in self.codes:
                output.seek(0)
                text = output.read()[-_SHOWN:].decode(errors="replace")
                raise CommandFailedError(self.words, process.returncode, text)
        return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _BYTES_PER_KIB)


@dataclass(frozen=True)
class Pairs:
    """The figures of two sides, measured in turn, in one unit."""

    own: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the ratios of the pairs."""
        return median(one / two for one, two in zip(self.own, self.other, strict=True))


def in_turn(own: Callable[[], float], other: Callable[[], float], pairs: int, warm_up: int = 1) -> Pairs:
    """Measure both sides in turn, after `warm_up` pairs that are not counted."""
    measured = [(own(), other()) for _ in range(warm_up + pairs)][warm_up:]
    return Pairs(tuple(one for one, _ in measured), tuple(other for _, other in measured))
