"""httpx without its command line, which httpx imports if it can, with click, rich and pygments.

That takes three quarters of its import. Import httpx from here, and only where it is used.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

__all__ = ["httpx"]

if "httpx" not in sys.modules:
    modules: dict[str, Any] = sys.modules
    modules["httpx._main"] = None  # so that the import fails, as if click were not installed
    try:
        import httpx
    finally:
        del modules["httpx._main"]
else:
    import httpx

# At DEBUG, httpcore logs each header, also Authorization.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)
