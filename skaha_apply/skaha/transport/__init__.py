"""One request until its end: connections, throttle, retries."""

import sys
from typing import Any

if "httpx" not in sys.modules:
    # httpx imports its command line if it can, with click, rich and pygments. That takes three quarters of its import.
    modules: dict[str, Any] = sys.modules
    modules["httpx._main"] = None  # so that the import fails, as if click were not installed
    try:
        import httpx  # noqa: F401
    finally:
        del modules["httpx._main"]
