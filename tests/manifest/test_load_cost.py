"""A manifest with many sessions is cheap to read: what combinations share is read once, locations when necessary."""

from __future__ import annotations

from pathlib import Path

import pytest

from skaha_apply.manifest import load
from tests.counted_calls import calls_for_each_further

MATRIX = """\
version: 1
project: survey
sessions:
  - name: tile-${tile}
    matrix: {tile: {file: tiles.txt}}
    image: images.canfar.net/skaha/astroml:24.07
    cores: 2
    ram: 16
    cmd: python
    args: [reduce.py, --tile, "${tile}"]
    env: {BAND: r}
"""
ENTRY = """\
  - name: tile-%(number)s
    cores: 2
    ram: 16
    cmd: python
    args: [reduce.py, --tile, "t%(number)s"]
    env: {FIELD: "t%(number)s"}
"""
HEAD = "version: 1\nproject: survey\ndefaults: {image: images.canfar.net/skaha/astroml:24.07}\nsessions:\n"


def combinations(folder, size):
    (folder / "tiles.txt").write_text("".join(f"t{number}\n" for number in range(size)), encoding="utf-8")
    return MATRIX


def entries(_, size):
    return HEAD + "".join(ENTRY % {"number": number} for number in range(size))


@pytest.mark.parametrize(("text", "most"), [(combinations, 40), (entries, 250)])
def test_one_more_session_takes_few_calls(tmp_path, monkeypatch, text, most):
    monkeypatch.chdir(tmp_path)

    def work(size):
        Path("manifest.yaml").write_text(text(tmp_path, size), encoding="utf-8")
        assert len(load(["manifest.yaml"], root=tmp_path).projects[0].sessions) == size

    assert calls_for_each_further(work)["manifest"] <= most
