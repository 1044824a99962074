"""Make the quickstart's observations: FITS images of star fields whose number of sources is known.

They are the same on every machine and every time. Calling it again repairs what is missing or damaged and does
nothing when all is there; two calls at the same time do no harm, since both write the same files, each in one step.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import numpy as np
    from astropy.io import fits
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install numpy astropy sep")

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES = 240
SIZE = 96  # pixels, both axes
RECIPE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()  # a change of this file makes all images again
SEED = 20261122

PSF_SIGMA = 1.4  # pixels: a seeing of 2.0 arcsec at 0.6 arcsec per pixel
PIXEL_SCALE = 0.6  # arcsec per pixel
GAIN = 1.6  # electrons per adu
READ_NOISE = 5.0  # electrons
SKY = 220.0  # adu
# No two stars blend, no star touches the edge, and the peak of the faintest star is 20 times the noise of the sky. So
# a detection at 5 sigma finds exactly the true stars.
EDGE = 12.0  # pixels
SEPARATION = 16.0  # pixels
FAINTEST, BRIGHTEST = 250.0, 4000.0  # adu, at the peak
MOST_STARS = 12

NIGHT = 61366  # modified Julian date of 2026-11-22, 0 h

FIELDS = (("NGC 4501", 187.9967, 14.4206), ("M 67", 132.8460, 11.8140), ("Stripe 82", 10.5000, 0.2500))
FILTERS = (("g", 60.0), ("r", 45.0), ("i", 90.0))  # with the exposure time in seconds


def stars_of(random: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return x, y (pixels from 0) and peak (adu) of the stars of an image. Positions too near to others are skipped."""
    wanted = int(random.integers(3, MOST_STARS + 1))
    stars: list[tuple[float, float, float]] = []
    for _ in range(wanted * 20):
        x, y = random.uniform(EDGE, SIZE - 1 - EDGE, size=2)
        if len(stars) < wanted and all((x - a) ** 2 + (y - b) ** 2 >= SEPARATION**2 for a, b, _ in stars):
            peak = FAINTEST * (BRIGHTEST / FAINTEST) ** random.uniform()
            stars.append((float(x), float(y), float(peak)))
    return stars


def pixels_of(stars: list[tuple[float, float, float]], random: np.random.Generator) -> NDArray[np.int16]:
    """Return the image in adu: a sky with a slope, Gaussian stars, photon and read-out noise."""
    y, x = np.mgrid[:SIZE, :SIZE]
    light = SKY + 0.1 * x + 0.05 * y
    for star_x, star_y, peak in stars:
        light = light + peak * np.exp(-((x - star_x) ** 2 + (y - star_y) ** 2) / (2 * PSF_SIGMA**2))
    electrons = random.poisson(light * GAIN) + random.normal(0.0, READ_NOISE, light.shape)
    pixels: NDArray[np.int16] = np.clip(np.rint(electrons / GAIN), 0, np.iinfo(np.int16).max).astype(np.int16)
    return pixels


def cards_of(index: int) -> list[tuple[str, Any, str]]:
    """Return the header of one image: a night of exposures of 90 s cadence, dithered about the fields."""
    target, ra, dec = FIELDS[index % len(FIELDS)]
    band, exposure = FILTERS[index // len(FIELDS) % len(FILTERS)]
    since_midnight = 4 * 3600 + 90 * index  # seconds
    minute, second = divmod(since_midnight, 60)
    dither = (index // 9 % 5 - 2) * 10 * PIXEL_SCALE / 3600
    scale = PIXEL_SCALE / 3600
    return [
        ("OBJECT", target, "field"),
        ("DATE-OBS", f"2026-11-22T{minute // 60:02d}:{minute % 60:02d}:{second:02d}.000", "start of exposure"),
        ("MJD-OBS", NIGHT + since_midnight / 86400, "[d] start of exposure"),
        ("TIMESYS", "UTC", ""),
        ("EXPTIME", exposure, "[s]"),
        ("FILTER", band, ""),
        ("TELESCOP", "Synthetic 1m", ""),
        ("INSTRUME", "quickstart", ""),
        ("AIRMASS", round(1.05 + 0.002 * index, 3), ""),
        ("GAIN", GAIN, "[electron/adu]"),
        ("RDNOISE", READ_NOISE, "[electron]"),
        ("SEEING", round(PSF_SIGMA * 2.3548 * PIXEL_SCALE, 2), "[arcsec] full width at half maximum"),
        ("BUNIT", "adu", ""),
        ("WCSAXES", 2, ""),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", (SIZE + 1) / 2, ""),
        ("CRPIX2", (SIZE + 1) / 2, ""),
        ("CRVAL1", round(ra + dither, 6), "[deg]"),
        ("CRVAL2", round(dec - dither, 6), "[deg]"),
        ("CD1_1", -scale, ""),
        ("CD1_2", 0.0, ""),
        ("CD2_1", 0.0, ""),
        ("CD2_2", scale, ""),
        ("RADESYS", "ICRS", ""),
    ]


def image_of(index: int) -> tuple[bytes, int]:
    """Return the bytes of one FITS file, and its number of stars."""
    random = np.random.default_rng((SEED, index))
    stars = stars_of(random)
    unit = fits.PrimaryHDU(pixels_of(stars, random))
    unit.header.extend(cards_of(index))
    stream = io.BytesIO()
    unit.writeto(stream)
    return stream.getvalue(), len(stars)


def write_whole(path: Path, content: bytes) -> None:
    """Write the file in one step, so that no reader sees half of it and two writers do not conflict."""
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def is_complete(folder: Path) -> bool:
    """Whether `truth.json` is of this recipe and every image agrees with it."""
    try:
        truth = json.loads((folder / "truth.json").read_bytes())
        digests = [hashlib.sha256((folder / "images" / name).read_bytes()).hexdigest() for name in truth["sha256"]]
        return bool(truth["recipe"] == RECIPE and digests == list(truth["sha256"].values()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def make(folder: Path) -> None:
    """Make the images below the folder, and `truth.json` last, because it states that the images are complete."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    sources, digests = {}, {}
    for index in range(IMAGES):
        name = f"image_{index + 1:03d}.fits"
        content, sources[name] = image_of(index)
        digests[name] = hashlib.sha256(content).hexdigest()
        write_whole(folder / "images" / name, content)
    truth = {"recipe": RECIPE, "total": sum(sources.values()), "sources": sources, "sha256": digests}
    write_whole(folder / "truth.json", json.dumps(truth, indent=1).encode("ascii"))


def main() -> int:
    """Make the missing images, and print their number."""
    parser = argparse.ArgumentParser(description="Make the observations of the quickstart.")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).resolve().parent, help="default: the folder of this file"
    )
    folder = parser.parse_args().folder
    try:
        if not is_complete(folder):
            make(folder)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    truth = json.loads((folder / "truth.json").read_bytes())
    print(f"{len(truth['sources'])} images with {truth['total']} sources in {folder / 'images'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
