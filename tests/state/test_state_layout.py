"""Where things lie: no two projects share a file, on no file system, and git never sees them."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.state.paths import file_name, find_root, logs_folder, make_folder, state_path

names = st.text(max_size=300) | st.text("aAbB.%-=_/é", max_size=6)


@given(names, names)
def test_different_projects_have_different_files_also_where_case_or_form_does_not_count(one, other):
    def folded(text):
        return unicodedata.normalize("NFC", file_name(text)).casefold()

    assert (folded(one) == folded(other)) == (one == other)


@given(names)
def test_any_project_is_one_file_below_its_folder(project):
    path = state_path(Path("/root"), "ws-uv.canfar.net", project)
    assert path.parent == Path("/root/.skaha-apply/ws-uv.canfar.net")
    assert not path.name.startswith(".")
    assert len(path.name.encode()) < 200
    assert "\0" not in path.name


def test_usual_names_stay_readable():
    assert state_path(Path("r"), "sandbox", "fits-survey") == Path("r/.skaha-apply/sandbox/fits-survey.state.json")
    assert logs_folder(Path("r"), "a.org", "M 31") == Path("r/.skaha-apply/a.org/logs/%4d%2031")


def test_the_root_is_that_of_the_checkout_worktrees_included(tmp_path):
    deep = tmp_path / "checkout" / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == deep
    (tmp_path / "checkout" / ".git").mkdir()
    assert find_root(deep) == tmp_path / "checkout"
    (tmp_path / "checkout" / "a" / ".git").write_text("gitdir: elsewhere\n")
    assert find_root(deep) == tmp_path / "checkout" / "a"


def test_git_does_not_see_the_folder(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    make_folder(tmp_path / ".skaha-apply" / "a.org")
    (tmp_path / ".skaha-apply" / "a.org" / "x.state.json").write_text("{}")
    seen = subprocess.run(["git", "-C", tmp_path, "status", "--porcelain"], check=True, capture_output=True, text=True)
    assert seen.stdout == ""


def test_a_folder_of_the_users_own_gets_no_gitignore(tmp_path):
    make_folder(tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []
