"""Takes the pictures of the page from a real run: `python docs/images/record_page.py [FOLDER]`.

A survey with failures, retries and slow replicas runs in the sandbox, in a new folder. `skaha-apply ui` shows it, and
Chromium takes the pictures while it runs. Requires `chromium`, `chromedriver`, and the packages of the extra `test`.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANIFEST = """version: 1
project: fits-survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 2, ram: 8, cmd: bash}
sessions:
  - name: calibrate
    replicas: 6
    args: [work.sh, calibrate]
  - name: tile-${tile}
    matrix: {tile: {file: tiles.txt}}
    needs: [calibrate]
    args: [work.sh, "${tile}"]
    parallelism: 40
    retries: 1
    retry_wait: 1s
  - name: stack-${tile}
    matrix: {tile: {file: tiles.txt}}
    needs: ["tile-${tile}"]
    args: [work.sh, stack]
    parallelism: 30
  - name: catalog
    needs: [{name: "stack-${tile}", require: 95%}]
    args: [work.sh, catalog]
"""
# By the last digits of its number a tile is slow, fails at first, or fails each time.
WORK = """set -u
case "$1" in t???) number=$((10#${1#t})) ;; *) number=1 ;; esac
echo "reading /arc/projects/survey/raw/$1.fits"
sleep "$((2 + RANDOM % 4)).$((RANDOM % 10))"
case $((number % 50)) in
  7) echo "FileNotFoundError: /arc/projects/survey/raw/$1.fits" >&2; exit 2 ;;
  19) echo "ValueError: No SIMPLE card found, this file does not appear to be a valid FITS file" >&2; exit 1 ;;
  3 | 28 | 41) [ "$SKAHA_APPLY_ATTEMPT" -ge 2 ] || { echo "MemoryError" >&2; exit 1; } ;;
  12) [ "$number" -lt 100 ] && sleep 600 ;;
esac
echo "wrote $1.cat"
"""
TILES = 160
SHARE = 0.45  # of the replicas that are done when the pictures are taken
LIMIT_S = 400.0
SIZES = {1440: (1000, 1), 390: (844, 2)}  # pixels: height and scale of the picture for each width
SCHEMES = ("light", "dark")
COLORS, EXACT_COLORS = 256, 64  # of a picture, which keep it small
CHROMIUM_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A folder with the survey, in which commands are run."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the commands: those of this interpreter, and no server but the sandbox."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "SKAHA_APPLY_SANDBOX": "1"}

    @contextmanager
    def started(self, *words: str) -> Iterator[Any]:
        """The output of a command that runs during the block, and is ended after it."""
        process = subprocess.Popen(  # noqa: S603 - a command of this file
            ["skaha-apply", *words],  # noqa: S607
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT_S)

    def prepare(self, tiles: int) -> None:
        """Write the manifest, its list and its script."""
        (self.folder / "survey.yaml").write_text(MANIFEST, encoding="utf-8")
        (self.folder / "tiles.txt").write_text("".join(f"t{number:03d}\n" for number in range(1, tiles + 1)), "utf-8")
        (self.folder / "work.sh").write_text(WORK, encoding="utf-8")
        subprocess.run(["git", "init", "--quiet", "."], cwd=self.folder, check=True)  # noqa: S607 - its state is here


def wait_for(met: Callable[[], object]) -> None:
    """Wait until `met()` is true; raises `TimeoutError`."""
    until = time.monotonic() + LIMIT_S
    while not met():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.2)


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """A browser without a window, with a profile of its own."""
    from selenium import webdriver  # noqa: PLC0415 - a test reads the module without it

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for option in (*CHROMIUM_OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def picture(driver: Any, width: int, scheme: str) -> bytes:
    """What the browser shows at this width in this color scheme, as a small PNG."""
    height, scale = SIZES[width]
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.execute_script("window.scrollTo(0, 0)")
    time.sleep(0.2)  # the page draws again
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    return smaller(base64.b64decode(taken))


def smaller(png: bytes) -> bytes:
    """The picture with 256 colors. The most frequent ones stay as they are, because colors show phases."""
    from PIL import Image  # noqa: PLC0415 - as above

    made = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    frequent = sorted(image.getcolors(image.width * image.height) or [], reverse=True)[:EXACT_COLORS]
    others = image.quantize(COLORS - len(frequent), method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, color in frequent for part in color] + others)
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()


def panel_picture(driver: Any) -> bytes:
    """The page with the panel of the first failure, which the keyboard opens."""
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415 - as above

    width, scheme = max(SIZES), SCHEMES[0]
    picture(driver, width, scheme)  # the panel keeps the colors of the scheme in which it opens
    for key in ("f", Keys.ENTER):
        driver.find_element("id", "grid").send_keys(key)
    return picture(driver, width, scheme)


def done_share(driver: Any) -> float:
    """The share of replicas that are done, from the title of the page: `fits-survey: 12 of 20 done, 1 failed`."""
    numbers = re.search(r"(\d+) of (\d+) done", driver.title)
    return int(numbers[1]) / int(numbers[2]) if numbers else 0.0


def record(folder: Path, tiles: int = TILES, share: float = SHARE) -> dict[str, bytes]:
    """Run the survey in `folder` up to this share; returns the pictures by the names of their files."""
    run = Run(folder)
    run.prepare(tiles)
    found: dict[str, bytes] = {}
    with run.started("sandbox", "serve", "--slots", "60"):
        wait_for((folder / ".skaha-apply/sandbox/server/server.json").exists)  # else `apply` would start another one
        with (
            run.started("apply", "--yes", "--wait", "complete", "--poll", "1s", "--settle", "1s"),
            run.started("ui", "--no-browser", "--poll", "2s") as page,
            browser(folder / "profile") as driver,
        ):
            driver.get(page.readline().strip())
            wait_for(lambda: done_share(driver) >= share)
            for width in SIZES:
                for scheme in SCHEMES:
                    found[f"page-{width}-{scheme}.png"] = picture(driver, width, scheme)
            found["page-panel.png"] = panel_picture(driver)
    return found


def main(folder: str) -> None:
    """Record the run and write the pictures."""
    with tempfile.TemporaryDirectory() as work:
        pictures = record(Path(work))
    for name, png in pictures.items():
        (Path(folder) / name).write_bytes(png)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent))
