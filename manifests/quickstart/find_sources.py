"""Find the sources in this replica's share of the images, and save one result for each image.

Every replica sees the same sorted list and takes its own part of it; which part, REPLICA_ID and REPLICA_COUNT say.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

try:
    import numpy as np
    import sep
    from astropy.io import fits
    from astropy.wcs import WCS
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install numpy astropy sep")

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))  # the checkout, if skaha-apply is not installed in the image

from skaha_apply import distributed  # noqa: E402  # found by the line above

THRESHOLD = 5.0  # times the noise of the background
SMALLEST = 5  # pixels above it


def sources_in(path: Path) -> dict[str, Any]:
    """Return the sources of one image: positions in pixels (from 0) and degrees (ICRS), flux in adu."""
    with fits.open(path) as units:
        header = units[0].header
        pixels = units[0].data.astype(np.float32)  # sep requires the byte order of the machine
    background = sep.Background(pixels, bw=32, bh=32)
    found = sep.extract(pixels - background.back(), THRESHOLD, err=background.globalrms, minarea=SMALLEST)
    ra, dec = WCS(header).all_pix2world(found["x"], found["y"], 0)
    return {
        "image": path.name,
        "object": header["OBJECT"],
        "filter": header["FILTER"],
        "sources": [
            {"x": x, "y": y, "ra": a, "dec": d, "flux": flux}
            for x, y, a, d, flux in zip(found["x"], found["y"], ra, dec, found["flux"], strict=True)
        ],
    }


def checked(path: Path) -> dict[str, Any]:
    """Return the sources of one image; raise OSError with its name if it cannot be read, for any library error."""
    try:
        return sources_in(path)
    except Exception as error:
        raise OSError(f"{path}: {error or type(error).__name__}") from error


def main() -> int:
    """Take a share of the images, find the sources, save the results."""
    parser = argparse.ArgumentParser(description="Find the sources in this replica's share of the images.")
    parser.add_argument(
        "--folder", type=Path, default=HERE, help="folder of images/ and results/; default: the folder of this file"
    )
    folder = parser.parse_args().folder
    images = sorted((folder / "images").glob("*.fits"))  # sorted: the order of a glob differs between machines
    if not images:
        print(f"no images in {folder / 'images'}: run make_images.py first", file=sys.stderr)
        return 1
    try:
        # Before the work, so that the log of a failed replica shows its share.
        print(distributed.describe([path.name for path in images]), flush=True)
        mine = distributed.chunk([path.name for path in images])
        results = [checked(folder / "images" / name) for name in mine]
        distributed.save(results, folder / "results")
    except (distributed.DistributedError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{sum(len(result['sources']) for result in results)} sources in {len(results)} images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
