import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skaha_apply import distributed

TEXT = (Path(__file__).parents[2] / "docs" / "distributed.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "fits").mkdir()
    names = [f"fits/{number} é.fits" for number in range(7)]
    for name in names:
        (tmp_path / name).write_text("x" * 10)
    (tmp_path / "files.txt").write_text("".join(f"{name}\n" for name in names))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_page_runs(folder, become, capsys):
    share, merge = blocks("python")
    for replica in (1, 2, 3):
        become(replica, 3)
        exec(compile(share, "share", "exec"), {})
    exec(compile(merge, "merge", "exec"), {})

    assert "7 results of 3 replicas" in capsys.readouterr().out
    assert [result["bytes"] for result in json.loads((folder / "fits.json").read_text())] == [10] * 7


def test_the_bash_of_the_page_runs(folder, become):
    (script,) = blocks("bash")
    script = script.replace("python -m", f"'{sys.executable}' -m")
    for replica in (1, 2):
        become(replica, 2)
        subprocess.run(["bash", "-euc", script], check=True, capture_output=True, timeout=60)

    assert distributed.combine("results", "results.json").results == 7
    assert json.loads((folder / "results.json").read_text())[6].split(maxsplit=1) == ["10", "fits/6 é.fits"]


@pytest.mark.parametrize("name", sorted({*distributed.__all__} - {"CombineError"}))
def test_each_public_name_is_on_the_page(name):
    assert f"`{name}" in TEXT


def test_each_command_and_option_is_on_the_page():
    for command in ("chunk", "stripe", "describe", "save", "combine"):
        help_text = subprocess.run(
            [sys.executable, distributed.__file__, command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert f"`{command} " in TEXT
        for option in set(re.findall(r"--[a-z]+", help_text)) - {"--help"}:
            assert option in TEXT


def test_each_field_of_the_description_is_on_the_page(tmp_path):
    distributed.save([], tmp_path)
    for field in json.loads((tmp_path / "container_1.meta.json").read_text()):
        assert f"`{field}`" in TEXT
