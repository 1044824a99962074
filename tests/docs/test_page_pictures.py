"""The pictures of the page are those of a real run: the script that takes them works, and the docs show them."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MOST_BYTES = 80_000
PNG = b"\x89PNG\r\n\x1a\n"
DIMENSIONS = {
    "page-1440-light.png": (1440, 1000), "page-1440-dark.png": (1440, 1000), "page-panel.png": (1440, 1000),
    "page-390-light.png": (780, 1688), "page-390-dark.png": (780, 1688),
}  # fmt: skip


@pytest.fixture(scope="module")
def recorder():
    spec = importlib.util.spec_from_file_location("record_page", DOCS / "images" / "record_page.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dimensions(png):
    assert png.startswith(PNG)
    return struct.unpack(">II", png[16:24])


@pytest.mark.e2e
@pytest.mark.skipif(
    not shutil.which("chromium") or not shutil.which("chromedriver"), reason="chromium is not installed"
)
def test_the_script_takes_pictures_of_a_real_run(recorder, tmp_path, monkeypatch):
    pytest.importorskip("selenium", reason="selenium is not installed")
    monkeypatch.setattr(recorder, "MANIFEST", recorder.MANIFEST.replace("retries: 1", "retries: 0"))
    monkeypatch.setattr(recorder, "WORK", '[ "$1" != t001 ]\n')
    pictures = recorder.record(tmp_path, tiles=1, share=0.6)
    assert {name: dimensions(png) for name, png in pictures.items()} == DIMENSIONS
    assert len(set(pictures.values())) == len(DIMENSIONS)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_pictures_in_the_docs_are_small(name):
    png = (DOCS / "images" / name).read_bytes()
    assert dimensions(png) == DIMENSIONS[name]
    assert len(png) < MOST_BYTES
    pages = (DOCS / "page.md", DOCS / "ui.md")
    assert any(f"](images/{name})" in page.read_text(encoding="utf-8") for page in pages)
