"""The programs that the benchmarks compare with, each in an environment of its own.

In a shared environment a program starts more slowly, because it finds more packages there. An environment is kept in
the work folder, and made again if the requirement or the version of Python differs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = Path(tempfile.gettempdir()) / "skaha-apply-benchmarks"
OWN = "skaha-apply"
REQUIREMENTS = {
    "canfar": "canfar==1.5.2",
    "check-jsonschema": "check-jsonschema==0.39.*",
    "octodns": "octodns==1.22.*",
}
_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class NotMeasuredError(Exception):
    """A row cannot be measured here; the text is the reason."""


@dataclass
class Environments:
    """The environments below a folder, made when a row requires them."""

    folder: Path
    versions: dict[str, str] = field(default_factory=dict)
    _known: dict[str, Path] = field(default_factory=dict)

    def program(self, name: str, program: str) -> list[str]:
        """Return the words that start a program of the package `name`; raises `NotMeasuredError`."""
        return [str(self._environment(name) / "bin" / program)]

    def terraform(self) -> list[str]:
        """Return the words that start Terraform; raises `NotMeasuredError` if it is not installed."""
        found = shutil.which("terraform")
        if found is None:
            raise NotMeasuredError("no terraform on PATH")
        text = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
        self.versions["Terraform"] = text.split()[1].removeprefix("v")
        return [found]

    def _environment(self, name: str) -> Path:
        if name in self._known:  # also if pyproject.toml changes during a run
            return self._known[name]
        words = [REQUIREMENTS[name]] if name in REQUIREMENTS else ["--editable", str(ROOT)]
        key = [*words, sys.version, "" if name in REQUIREMENTS else (ROOT / "pyproject.toml").read_text("utf-8")]
        folder = self.folder / f"{name}-{sha256(repr(key).encode()).hexdigest()[:12]}"
        if not (folder / "complete").exists():
            _install(folder, words)
        command = [str(folder / "bin" / "python"), "-c", _VERSION, name]
        self.versions[name] = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        self._known[name] = folder
        return folder


def _install(folder: Path, words: list[str]) -> None:
    venv.create(folder, clear=True, with_pip=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasuredError(f"{words[-1]} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    (folder / "complete").touch()


class StandIns(Environments):
    """Programs for a check of the benchmarks: skaha-apply of this environment, and peers that end at once."""

    def program(self, name: str, program: str) -> list[str]:
        """Return the words of skaha-apply or of this Python; those of a peer do nothing."""
        if name != OWN:
            return [sys.executable, "-c", ""]
        return [sys.executable] if program == "python" else [sys.executable, "-m", "skaha_apply"]

    def terraform(self) -> list[str]:
        """Return words that do nothing."""
        return [sys.executable, "-c", ""]
