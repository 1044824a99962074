"""Process this replica's share of a folder of FITS files, and save one result for each file.

The pattern to start from: only `process` is about the science, and `main` stays as it is. It needs no package, so
that a hundred replicas start at once; yours may import what its image has.
"""

from __future__ import annotations

import argparse
import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# The checkout, if skaha-apply is not installed in the image.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from skaha_apply import distributed  # found by the line above

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK, CARD = 2880, 80  # bytes; FITS standard 4.0, sections 3.1 and 4.1
WANTED = ("OBJECT", "FILTER", "EXPTIME", "DATE-OBS")


def cards(path: Path) -> Iterator[str]:
    """Yield the cards of the primary header; raise ValueError if the file is not a FITS file, or is cut."""
    with path.open("rb") as stream:
        while len(block := stream.read(BLOCK)) == BLOCK:
            for start in range(0, BLOCK, CARD):
                card = block[start : start + CARD].decode("ascii", "replace")
                if start == 0 and stream.tell() == BLOCK and not card.startswith("SIMPLE  ="):
                    raise ValueError("not a FITS file")
                if card.rstrip() == "END":
                    return
                yield card
    raise ValueError("the header has no end: the file is cut")


def value_of(card: str) -> str:
    """Return the value of a card as written, without quotes and comment."""
    text = card[10:].strip()
    if text.startswith("'"):
        return text[1:].replace("''", "\0").split("'")[0].replace("\0", "'").rstrip()
    return text.split("/")[0].strip()


def process(path: Path) -> dict[str, str]:
    """Process one file; here: return its line in the log of the night. Replace this function by your own."""
    header = {card[:8].rstrip(): value_of(card) for card in cards(path) if card[8:10] == "= "}
    return {"file": path.name, **{key: header[key] for key in WANTED if key in header}}


def files_of(where: str) -> list[str]:
    """Return the files of a folder or pattern, sorted, because the order differs between machines."""
    pattern = f"{glob.escape(where)}/*.fits" if Path(where).is_dir() else where
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # Path.glob takes no pattern that begins with /


def main() -> int:
    """Take a share, process it, save the results. A file that fails is recorded as a result, and the replica fails."""
    parser = argparse.ArgumentParser(description="Process this replica's share of the files.")
    parser.add_argument("files", metavar="FILES", help="a folder of *.fits, or a pattern such as 'night1/*.fits'")
    parser.add_argument("results", metavar="RESULTS", type=Path, help="the folder of the results, one for all replicas")
    options = parser.parse_args()
    files = files_of(options.files)
    if not files:
        print(f"no FITS files in {options.files}", file=sys.stderr)
        return 1
    results, failed = [], 0
    try:
        print(distributed.describe(files), flush=True)
        for name in distributed.chunk(files):
            try:
                results.append(process(Path(name)))
            except (OSError, ValueError) as error:
                failed += 1
                results.append({"file": Path(name).name, "error": str(error)})
                print(f"{name}: {error}", file=sys.stderr)
        distributed.save(results, options.results)
    except (distributed.DistributedError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(results)} files processed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
