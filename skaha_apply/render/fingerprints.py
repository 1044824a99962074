"""What tells a finding from others over the life of a manifest: CI systems follow it by this from run to run."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.place import Diagnostic, LintReport

IN_SESSION = re.compile(r"sessions\[[0-9]+\]")


def fingerprints(report: LintReport) -> tuple[str, ...]:
    """One for each finding: sha256, in hexadecimal, of rule, file, session and the place within it; never the line.

    The session counts by its name, so that neither lines above nor sessions before it change anything. What is found
    twice at one place gets a number, since equal fingerprints would be merged.
    """
    seen: Counter[str] = Counter()
    made = []
    for one in report.found:
        parts = _parts(one, report.path(one.place.file))
        identity = json.dumps(parts, ensure_ascii=True)
        seen[identity] += 1
        made.append(hashlib.sha256(f"{identity}{seen[identity]}".encode()).hexdigest())
    return tuple(made)


def _parts(one: Diagnostic, path: str) -> list[str]:
    within = IN_SESSION.sub("", one.path, count=1) if one.session else one.path
    return [one.rule, path, one.session.casefold(), within]
