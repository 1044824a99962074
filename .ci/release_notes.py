"""Print the section of CHANGELOG.md that is the notes of a release, if its tag has the version of the package.

`.ci/release_notes.py TAG` reads the working directory, which is a checkout of the tag. An error has exit code 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def package_version(source: str) -> str:
    """The version in the text of `skaha_apply/model/__init__.py`, the one place that the build reads too."""
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        sys.exit("error: skaha_apply/model/__init__.py has no line __version__")
    return found[1]


def release_notes(changelog: str, version: str) -> str:
    """The text below the heading `## VERSION (DATE)`, up to the next one; ends the process if there is none."""
    sections = re.split(r"^## (?=\S)", changelog, flags=re.MULTILINE)[1:]
    section = next((one for one in sections if one.split()[0] == version), None)
    if section is None:
        sys.exit(f"error: CHANGELOG.md has no section ## {version}; add it with the date of the release")
    heading, _, text = section.partition("\n")
    if not re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading.strip()):
        sys.exit(f"error: the heading in CHANGELOG.md is ## {heading.strip()}; write ## {version} (YYYY-MM-DD)")
    if not text.strip():
        sys.exit(f"error: the section ## {version} of CHANGELOG.md is empty")
    return text.strip() + "\n"


def check_tag(tag: str, version: str) -> None:
    """End the process if a tag is not that of the version."""
    if tag != f"v{version}":
        sys.exit(f"error: the tag is {tag}, and the version of the package is {version}; the tag must be v{version}")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the script and the tag
        sys.exit("usage: .ci/release_notes.py TAG")
    released = package_version(Path("skaha_apply/model/__init__.py").read_text(encoding="utf-8"))
    check_tag(sys.argv[1], released)
    sys.stdout.write(release_notes(Path("CHANGELOG.md").read_text(encoding="utf-8"), released))
