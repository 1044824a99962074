"""The README shows what really happens: its console blocks run, its links lead somewhere, its commands are one line."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def console_blocks():
    """Each `$ command` of a console block, with the output that follows it."""
    for block in re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def pattern(shown: str) -> str:
    return r".*?".join(re.escape(part) for part in shown.strip().split("..."))


@pytest.fixture
def checkout(tmp_path):
    """A folder with the manifest of the README; its sandbox is ended at the end."""
    (tmp_path / "fits.yaml").write_text(next(console_blocks())[1], encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    yield lambda command: subprocess.run(
        shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    subprocess.run(["skaha-apply", "sandbox", "stop"], cwd=tmp_path, env=environment, check=False, capture_output=True)


def test_console_blocks_show_what_the_commands_print(checkout):
    blocks = list(console_blocks())
    assert len(blocks) >= 2
    for command, shown in blocks:
        ran = checkout(command)
        assert ran.returncode == 0, ran.stderr
        assert re.fullmatch(pattern(shown), ran.stdout.strip(), re.DOTALL), ran.stdout


@pytest.mark.parametrize("marker", ["main-job", "tests"])
def test_set_up_takes_one_line(marker):
    block = re.search(rf"<!-- {marker} -->\n```\n(.*?)\n```", README, re.DOTALL)
    assert block is not None
    assert "\n" not in block.group(1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
