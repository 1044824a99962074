"""The server of the live page: on 127.0.0.1 only, for one browser that has its token, and without a button that acts.

It serves what a `PageFeed` has read. It shares no code with the sandbox. Its packages are those of the same extra, and
only the modules `application` and `server` import them.
"""

from __future__ import annotations

from importlib.util import find_spec

from skaha_apply.model.errors import SkahaApplyError


def check_installed() -> None:
    """Raise `SkahaApplyError` if a package of the web server is missing."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise SkahaApplyError(
            f"the page server requires packages that are not installed: {', '.join(missing)}",
            hint="pip install 'skaha-apply[sandbox]'",
        )
