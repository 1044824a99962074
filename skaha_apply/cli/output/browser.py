"""Opens addresses in a browser: $BROWSER, else the default one."""

from __future__ import annotations

import os
import sys
from threading import Thread

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def open_in_browser(url: str) -> bool:
    """Whether a browser could be started."""
    import webbrowser  # noqa: PLC0415 - few commands need it

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def try_browser(url: str) -> None:
    """Open the address without waiting, if there is a screen. A browser in the terminal would hide the output.

    The program in $BROWSER is started without a screen, too, because somebody chose it.
    """
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in _DISPLAYS):
        Thread(target=open_in_browser, args=(url,), daemon=True).start()
