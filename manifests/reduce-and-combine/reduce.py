"""Reduce one replica's share of the exposures of a field, and save the results for the job that combines them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))  # the checkout, if skaha-apply is not installed in the image

from skaha_apply import distributed  # noqa: E402  # found by the line above


def main() -> int:
    """Take a share, reduce it, save the results."""
    field, exposures, night = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    mine = distributed.chunk(range(1, exposures + 1))
    results = [{"field": field, "exposure": number, "background": 100 + number % 7} for number in mine]
    distributed.save(results, night / field)
    print(f"{field}: share {os.environ['SHARE']}, {len(mine)} of {exposures} exposures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
