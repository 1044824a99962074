"""Measure a lint of 1,000 sessions, compared with check-jsonschema and the schema only: whole processes, in turn.

    python benchmarks/lint.py [--sessions 1000] [--runs 7] [--check-jsonschema PROGRAM]

`--check-jsonschema` is the program check-jsonschema; without it only skaha-apply is measured. The manifest is one file
of about 225 kB with names, resources, arguments, environment and comments, as people write it. Prints one line for each
run, the medians, and the median of the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas" / "manifest.v1.schema.json"
HEAD = """\
# yaml-language-server: $schema=../schemas/manifest.v1.schema.json
version: 1
project: tiles
defaults:
  image: images.canfar.net/skaha/astroml:24.07
  cores: 2
  ram: 8
sessions:
"""
SESSION = """\
  - name: tile-{number:04}
    cores: {cores}
    ram: 16
    cmd: python
    args: [/arc/projects/survey/reduce.py, --tile, "{number:04}", --band, r, --out, /arc/projects/tiles/{number:04}]
    env: {{FIELD: "{number:04}", BAND: r}}  # seeing {number} of the night
"""


def manifest(sessions: int) -> str:
    """Return a manifest with this number of sessions."""
    return HEAD + "".join(SESSION.format(number=number, cores=1 + number % 8) for number in range(sessions))


def seconds(words: list[str]) -> float:
    """Return the seconds of a whole process, which must succeed."""
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{words[0]} failed: {done.stdout}{done.stderr}")
    return took


def main() -> None:
    """Measure both, in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--check-jsonschema", metavar="PROGRAM")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tiles.yaml"
        file.write_text(manifest(given.sessions), encoding="utf-8")
        print(f"{given.sessions} sessions, {file.stat().st_size / 1000:.0f} kB")
        ours = [sys.executable, "-m", "skaha_apply", "lint", str(file), "--strict"]
        theirs = [given.check_jsonschema or "", "--schemafile", str(SCHEMA), str(file)]
        times: list[tuple[float, float]] = []
        for _ in range(given.runs):
            times.append((seconds(ours), seconds(theirs) if given.check_jsonschema else 0.0))
            print("skaha-apply lint {:.2f} s, check-jsonschema {:.2f} s".format(*times[-1]), flush=True)
        print(f"median: skaha-apply lint {statistics.median(one for one, _ in times):.2f} s", end="")
        if given.check_jsonschema:
            ratio = statistics.median(one / two for one, two in times)
            print(f", check-jsonschema {statistics.median(two for _, two in times):.2f} s, ratio {ratio:.2f}")
        else:
            print()


if __name__ == "__main__":
    main()
