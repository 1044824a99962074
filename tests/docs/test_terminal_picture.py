"""The picture of the README is what a real terminal shows: the script that makes it works, and no path is in it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 60_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def recorder():
    spec = importlib.util.spec_from_file_location("record_terminal", IMAGES / "record_terminal.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(picture):
    return "\n".join("".join(line.itertext()) for line in ET.fromstring(picture).iter(f"{SVG}text"))


@pytest.mark.e2e
def test_the_script_records_a_real_run(recorder, tmp_path):
    command = "skaha-apply apply survey.yaml --pretend=0s --wait complete --poll 0.2s --settle 0.2s"
    frames = recorder.record(tmp_path, command, 3)
    picture = recorder.draw(frames)
    assert len(frames) == len(re.findall('<g id="f', picture)) >= 2
    assert "[y/N]" in "\n".join(frames[0])
    assert "Replicas: 4 done." in "\n".join(frames[-1])
    shown = text_of(picture)
    assert f"$ {command}"[: recorder.WIDTH] in shown
    assert str(tmp_path) not in picture
    assert "\x1b" not in picture


def test_the_screen_reads_what_draws_lines_again(recorder):
    screen = recorder.Screen()
    screen.feed("a\r\nb\r\n\x1b[32mc<\x1b[0m\r\n\x1b[2F\x1b[Jd\r\n\x1b[1A\x1b[2Ge\x1b[K" + "f" * 81)
    assert screen.frame() == ("a", "de" + "f" * 78, "fff")
    screen.feed("\r\x1b[2K\x1b[1;31m!\x1b[22;39m<")
    assert screen.frame()[2] == '<tspan fill="#ff7b72" font-weight="bold">!</tspan>&lt;'


def test_the_picture_in_the_repository_is_small_and_shows_the_command(recorder):
    picture = (IMAGES / "terminal.svg").read_text(encoding="utf-8")
    assert len(picture.encode()) < MOST_BYTES
    shown = text_of(picture)
    assert f"$ {recorder.COMMAND}" in shown
    assert "Replicas: 301 done." in shown
    assert not re.search(r"/(?:tmp|home|root|var)/", picture)
    readme = (IMAGES.parents[1] / "README.md").read_text(encoding="utf-8")
    assert "docs/images/terminal.svg" in readme.partition("```")[0], "it stands on the first screen"
