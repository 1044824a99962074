"""Names of axes and of variables: what `${name}` can refer to."""

from __future__ import annotations

import re

FORM = "[A-Za-z_][A-Za-z0-9_-]*"
NAME = re.compile(FORM + r"\Z")
