"""Print the best point of the sweep."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Read every score that exists, and write the ranking."""
    folder = Path(sys.argv[1])
    scores = [json.loads(path.read_text()) for path in folder.glob("*-*.json")]
    if not scores:
        print(f"no scores in {folder}", file=sys.stderr)
        return 1
    ranking = sorted(scores, key=lambda score: (score["loss"], score["model"], score["rate"]))
    (folder / "ranking.json").write_text(json.dumps(ranking, indent=1))
    print(f"best of {len(ranking)}: {ranking[0]['model']} at rate {ranking[0]['rate']}, loss {ranking[0]['loss']:.5f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
