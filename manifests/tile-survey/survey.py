"""The steps of a small survey: find the sources of a tile, measure them, merge all tiles into one catalog.

The sky is made up, and the same at every run: what a tile holds follows from its name and the filter. Each result is
written whole or not at all, so that a job which is killed leaves nothing that a later step could take for complete.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
from pathlib import Path
from typing import Any

FAINTEST, BRIGHTEST = 24.5, 16.0  # magnitudes
NOISE = 2.0  # electrons


def sky(tile: str, band: str) -> list[dict[str, float]]:
    """The sources of a tile: position in pixels, flux in electrons."""
    stars = random.Random(f"{tile} {band}")  # noqa: S311 - a made-up sky, no secret
    fluxes = (10 ** (-0.4 * (stars.uniform(BRIGHTEST, FAINTEST) - 25)) for _ in range(stars.randrange(40, 80)))
    return [{"x": stars.uniform(0, 10_000), "y": stars.uniform(0, 10_000), "flux": flux} for flux in fluxes]


def detect(tile: str, band: str) -> list[dict[str, float]]:
    """Return the sources above the noise, brightest first."""
    found = [source for source in sky(tile, band) if source["flux"] > NOISE]
    return sorted(found, key=lambda source: -source["flux"])


def measure(sources: list[dict[str, float]]) -> list[dict[str, float]]:
    """The sources with their magnitudes, zero point 25."""
    return [{**source, "mag": round(25 - 2.5 * math.log10(source["flux"]), 3)} for source in sources]


def save(path: Path, content: Any) -> None:
    """Write JSON in one step, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(content))
    part.replace(path)


def merge(folder: Path) -> int:
    """Write one catalog of all measured tiles; return the number of its sources."""
    tiles = {path.name.removesuffix(".mag.json"): json.loads(path.read_text()) for path in folder.glob("*.mag.json")}
    rows = [{"tile": tile, **source} for tile, sources in sorted(tiles.items()) for source in sources]
    save(folder / "catalog.json", rows)
    print(f"{len(rows)} sources of {len(tiles)} tiles: {folder / 'catalog.json'}")
    return len(rows)


def main() -> int:
    """Run the step that the arguments name."""
    parser = argparse.ArgumentParser(description="One step of the survey.")
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("detect", "measure"):
        one = steps.add_parser(step)
        one.add_argument("tile")
        one.add_argument("folder", type=Path)
    steps.add_parser("merge").add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.step == "merge":
        return 0 if merge(options.folder) else 1

    name = f"{options.tile}.{os.environ.get('BAND', 'r')}"
    found = options.folder / f"{name}.json"
    if options.step == "detect":
        sources = detect(options.tile, os.environ.get("BAND", "r"))
        save(found, sources)
        print(f"tile {options.tile}: {len(sources)} sources found")
        return 0
    try:
        sources = json.loads(found.read_text())
    except OSError as error:
        print(f"tile {options.tile} has not been searched: {error}", file=sys.stderr)
        return 1
    save(options.folder / f"{name}.mag.json", measure(sources))
    print(f"tile {options.tile}: {len(sources)} sources measured")
    return 0


if __name__ == "__main__":
    sys.exit(main())
