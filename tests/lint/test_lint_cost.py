"""The check of many combinations is cheap: rules look once at what all combinations of an entry share."""

from __future__ import annotations

from pathlib import Path

import pytest

from skaha_apply.lint import check
from skaha_apply.manifest import load
from tests.counted_calls import calls_for_each_further

MATRIX = """\
version: 1
project: survey
sessions:
  - name: tile-${{tile}}
    matrix: {{tile: [{tiles}]}}
    image: images.canfar.net/skaha/astroml:24.07
    cores: 2
    ram: 16
    retries: 2
    pilot: 1
    cmd: python
    args: [reduce.py, --tile, "${{tile}}"]
    env: {{BAND: r}}
"""
ENTRY = """\
  - name: tile-{number}
    cores: 2
    ram: 16
    retries: 2
    cmd: python
    args: [reduce.py, --tile, "t{number}"]
    env: {{FIELD: "t{number}"}}
"""
HEAD = "version: 1\nproject: survey\ndefaults: {image: images.canfar.net/skaha/astroml:24.07}\nsessions:\n"


def matrix(combinations):
    return MATRIX.format(tiles=", ".join(f"t{number}" for number in range(combinations)))


def entries(number):
    return HEAD + "".join(ENTRY.format(number=one) for one in range(number))


@pytest.mark.parametrize(("text", "most"), [(matrix, 20), (entries, 40)])
def test_one_more_session_takes_few_calls(text, most):
    loaded = {size: load(["-"], root=Path(), stdin=text(size).encode).projects for size in (100, 200)}
    assert calls_for_each_further(lambda size: check(loaded[size]))["lint"] <= most


def test_each_combination_with_a_problem_is_reported():
    text = matrix(300).replace("t299]", "t299], include: [{tile: t7, ram: 17}, {tile: t9, ram: 18.5}]")
    text = text.replace("retries: 2", "retry_ram: [8]")
    found = [item.summary for item in check(load(["-"], root=Path(), stdin=text.encode).projects)]
    assert "ram: 17 is not a default option (with tile = `t7` (-:5))" in found
    assert "ram: 18.5 is not a default option (with tile = `t9` (-:5))" in found
    assert "retry_ram without retries" in found  # all combinations have it, so the text names none
