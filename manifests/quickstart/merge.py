"""Merge the results of all replicas into final_results.json, and compare them with the true numbers.

Results of an earlier run may lie in the same folder (with more replicas than now, say): only the latest run is
merged, and only when all its replicas are there.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))  # the checkout, if skaha-apply is not installed in the image

from skaha_apply import distributed  # noqa: E402  # found by the line above


def differences(found: dict[str, int], truth: dict[str, int]) -> list[str]:
    """Return one line for each image whose number of sources is not the true one."""
    return [
        f"{name}: found {found.get(name, 'nothing: not in the results')}, truth {truth.get(name, 'unknown')}"
        for name in sorted({*found, *truth})
        if found.get(name) != truth.get(name)
    ]


def main() -> int:
    """Merge, print the total, and fail if it differs from the true number."""
    parser = argparse.ArgumentParser(description="Merge the results of all replicas and compare them with the truth.")
    parser.add_argument("--folder", type=Path, default=HERE, help="where results/ and truth.json are")
    folder = parser.parse_args().folder
    out = folder / "results" / "final_results.json"
    try:
        done = distributed.combine(folder / "results", out, latest=True)
        truth = json.loads((folder / "truth.json").read_bytes())
    except (distributed.DistributedError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    results = json.loads(out.read_bytes())
    found = {result["image"]: len(result["sources"]) for result in results}
    print(f"{sum(found.values())} sources in {len(found)} images, from {len(done.merged)} replicas: {out}")
    wrong = differences(found, truth["sources"])
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"truth: {truth['total']} sources in {len(truth['sources'])} images")
    return 1 if wrong or len(results) != len(found) else 0


if __name__ == "__main__":
    sys.exit(main())
