"""A built wheel works where nothing else is installed: by pip, pipx, `uv tool install` and `uvx`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from skaha_apply.model import __version__

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = """version: 1
project: survey
sessions:
  - name: tile-${t}
    matrix: {t: [1, 2]}
    image: images.canfar.net/skaha/astroml:24.07
    cores: 1
    ram: 2
    cmd: /arc/projects/survey/run.sh
    args: ["${t}"]
"""
WHOLE = "skaha-apply[sandbox]"

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on PATH")


def run(words, cwd, code=0, **variables):
    """Run a program without what the tests have installed; settings of pip and uv, such as the index, are kept."""
    inherited = {
        name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "SKAHA"))
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of this checkout, alone in its folder."""
    folder = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    build = ["uv", "build", "--quiet", "--wheel", "--out-dir", folder] if shutil.which("uv") else [*pip, "-w", folder]
    run([*build, ROOT], folder)
    (found,) = folder.glob("*.whl")
    return found


def check(words, folder, **variables):
    """The installed program knows its version, and rehearses a manifest in its own sandbox."""
    home = {"HOME": str(folder / "home"), **variables}
    (folder / "home").mkdir(exist_ok=True)
    (folder / "m.yaml").write_text(MANIFEST)
    assert run([*words, "--version"], folder, **home) == f"skaha-apply {__version__}\n"
    assert run([*words, "lint", "m.yaml"], folder, **home) == "no problems found\n"
    apply = [*words, "apply", "m.yaml", "--pretend=0s", "--yes", "--wait", "complete", "--poll", "0.2s"]
    try:
        assert "Replicas: 2 done." in run(apply, folder, **home)
    finally:
        run([*words, "sandbox", "stop"], folder, **home)


def test_the_wheel_holds_the_package_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"skaha_apply", f"skaha_apply-{__version__}.dist-info"}
    assert "skaha_apply/py.typed" in names
    files = (path for path in (ROOT / "skaha_apply").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {name for name in names if name.startswith("skaha_apply/")} == {
        str(path.relative_to(ROOT)) for path in files
    }


@pytest.mark.slow
def test_pip_in_a_new_environment(wheel, tmp_path):
    run([sys.executable, "-m", "venv", tmp_path / "venv"], tmp_path)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--find-links", wheel.parent, f"{WHOLE}=={__version__}"], tmp_path)
    check([tmp_path / "venv" / "bin" / "skaha-apply"], tmp_path)


@needs_uv
def test_uv_tool_install(wheel, tmp_path):
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    install = ["uv", "tool", "install", "--quiet", "--python", sys.executable, "--find-links", wheel.parent]
    run([*install, f"{WHOLE}=={__version__}"], tmp_path, **folders)
    check([tmp_path / "bin" / "skaha-apply"], tmp_path)


@needs_uv
def test_uvx(wheel, tmp_path):
    uvx = ["uv", "tool", "run", "--quiet", "--python", sys.executable, "--find-links", wheel.parent]
    folders = {"UV_CACHE_DIR": run(["uv", "cache", "dir"], tmp_path).strip(), "UV_TOOL_DIR": str(tmp_path / "tools")}
    check([*uvx, "--from", f"{WHOLE}=={__version__}", "skaha-apply"], tmp_path, **folders)


@needs_uv
def test_pipx(wheel, tmp_path):
    folders = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    pipx = ["uv", "tool", "run", "--quiet", "--python", sys.executable, "pipx"]
    run([*pipx, "install", "--quiet", "--python", sys.executable, f"{wheel}[sandbox]"], tmp_path, **folders)
    check([tmp_path / "bin" / "skaha-apply"], tmp_path)
