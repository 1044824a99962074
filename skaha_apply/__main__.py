"""`python -m skaha_apply`: the same as the command `skaha-apply`."""

from __future__ import annotations

import sys

from skaha_apply.cli import main

if __name__ == "__main__":
    sys.exit(main())
