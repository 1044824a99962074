"""Files of a matrix: below the working directory and nowhere else; for any content one message and no hang."""

from __future__ import annotations

import os

import pytest

from skaha_apply.manifest import load
from skaha_apply.manifest.source.folders import read_resolved
from skaha_apply.model.project import VariableValues

IMAGE = "images.canfar.net/skaha/astroml:24.07"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory; next to it is a file that must not be read."""
    (tmp_path / "secret.txt").write_text("hunter2\n")
    (tmp_path / "call/sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "call")
    return tmp_path / "call"


def read(folder, file, *, at="m.yaml", paths=None, **options):
    text = f"version: 1\nproject: p\nsessions:\n  - name: s-${{x}}\n    image: {IMAGE}\n"
    text += f"    matrix: {{x: {{file: {file}}}}}\n"
    (folder / at).write_text(text, encoding="utf-8")
    return load([at] if paths is None else paths, root=folder, **options)


def values(loaded):
    assert loaded.diagnostics == ()
    return [one.values["x"] for one in loaded.projects[0].sessions]


def refused(loaded, *words):
    (found,) = loaded.diagnostics
    assert found.rule == "list-file"
    assert found.location.file.endswith("m.yaml")
    assert found.location.line == 6
    for word in words:
        assert word in f"{found.summary} {found.detail}"
    assert "hunter2" not in str(loaded)
    return found


def test_next_to_the_manifest_then_in_the_working_directory(folder):
    (folder / "here.txt").write_text("a\n")
    (folder / "sub/there.txt").write_text("b\n")
    assert values(read(folder, "here.txt", at="sub/m.yaml")) == ["a"]
    assert values(read(folder, "there.txt", at="sub/m.yaml")) == ["b"]
    assert values(read(folder, "sub/there.txt", at="sub/m.yaml")) == ["b"]


def test_in_both_and_different(folder):
    (folder / "t.txt").write_text("a\n")
    (folder / "sub/t.txt").write_text("b\n")
    refused(read(folder, "t.txt", at="sub/m.yaml"), "sub/t.txt and t.txt", "differ")
    (folder / "sub/t.txt").write_text("a\n")
    assert values(read(folder, "t.txt", at="sub/m.yaml")) == ["a"]


def test_folder_that_the_user_named_can_be_anywhere(folder, tmp_path):
    other = tmp_path / "other/deep"
    other.mkdir(parents=True)
    (other / "t.txt").write_text("a\n")
    assert values(read(other, "t.txt", paths=["../other/deep"])) == ["a"]
    assert values(read(other, "t.txt", paths=[other / "m.yaml"])) == ["a"]
    assert values(read(other, "deep/t.txt", at="../m.yaml", paths=["../other/m.yaml"])) == ["a"]


@pytest.mark.parametrize(
    "file",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "sub/../t.txt",
        "{root}/secret.txt",
        "/etc/passwd",
        "~/x",
        "C:/x",
        "'\\x'",
    ],
)
def test_no_path_leads_out(folder, tmp_path, file):
    (folder / "t.txt").write_text("a\n")
    refused(read(folder, file.replace("{root}", str(tmp_path))), "below the folder")


def test_no_link_leads_out(folder, tmp_path):
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "sub/inner.txt").symlink_to("../t.txt")
    (folder / "t.txt").write_text("a\n")
    refused(read(folder, "link.txt"), "by a link")
    refused(read(folder, "up/secret.txt"), "by a link")
    assert values(read(folder, "sub/inner.txt")) == ["a"]


@pytest.mark.parametrize("named", [["sub"], ["."], ["sub/in"]])
def test_no_link_in_a_folder_is_followed_out_of_it(folder, tmp_path, named):
    away = tmp_path / "away"
    away.mkdir()
    (away / "t.txt").write_text("hunter2\n")
    read(away, "t.txt", paths=[])
    (folder / "kept").mkdir()
    (folder / "sub/in").symlink_to(away)
    (folder / "sub/kept").symlink_to("../kept")
    (folder / "sub/one.yaml").symlink_to(away / "m.yaml")
    (folder / "k.txt").write_text("a\n")
    read(folder, "k.txt", at="kept/k.yaml", paths=[])
    loaded = load(named, root=folder)
    if named != ["sub/in"]:
        assert values(loaded) == ["a"]
        assert "2 links are not followed" in loaded.notes[0]
        assert "sub/in, sub/one.yaml" in loaded.notes[0]
        assert "hunter2" not in str(loaded)
    else:  # the user named the link, so its folder may be read, with its lists
        assert values(loaded) == ["hunter2"]


def test_a_named_link_opens_nothing_for_manifests_elsewhere(folder, tmp_path):
    (folder / "up").symlink_to(tmp_path)
    (tmp_path / "m.yaml").write_text(f"version: 1\nproject: q\nsessions: [{{name: q, image: {IMAGE}}}]\n")
    loaded = read(folder, "up/secret.txt", paths=["up", "m.yaml"])
    refused(loaded, "by a link")
    assert [project.name for project in loaded.projects if project.sessions] == ["q"]


def test_a_part_of_a_path_that_became_a_link_is_not_followed(folder, tmp_path):
    (folder / "sub/t.txt").write_text("a\n")
    place = os.path.realpath("sub/t.txt")
    (folder / "sub").rename(folder / "was")
    (folder / "sub").symlink_to("was")
    with pytest.raises(OSError, match=r"directory|symbolic"):
        read_resolved(place, 100)


@pytest.mark.parametrize("named", ["sub/m.yaml"])
@pytest.mark.parametrize("target", ["../../secret.txt", "../.git-credentials", "../in/.netrc"])
def test_of_a_file_that_a_link_leads_to_nothing_is_shown(folder, target, named):
    (folder / ".git-credentials").write_text("hunter2\n")
    (folder / "in").mkdir()
    (folder / "in/.netrc").write_text("machine: hunter2\n")
    (folder / "sub/m.yaml").symlink_to(target)
    loaded = load([named], root=folder)
    assert [one.location.file for one in loaded.diagnostics] == ["sub/m.yaml"]
    assert "in a file outside the folder, to which a link leads" in loaded.diagnostics[0].summary
    assert "m.yaml" not in str(load(["sub"], root=folder).diagnostics)
    assert "hunter2" not in str(loaded)


def test_of_a_file_that_a_link_leads_to_within_the_folder_lines_are_shown(folder):
    (folder / "m.yaml").write_text("project: mistake\nsessions: 3\n")
    (folder / "sub/m.yaml").symlink_to("../m.yaml")
    found = load(["sub"], root=folder).diagnostics
    assert "mistake" in found[0].snippet


def test_nothing_hidden_is_read(folder):
    """A checkout of CI keeps its token in .git/config."""
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("token = hunter2\n")
    (folder / ".env").write_text("hunter2\n")
    (folder / "plain.txt").symlink_to(".git/config")
    refused(read(folder, ".git/config"), "is hidden")
    refused(read(folder, ".env"), "is hidden")
    refused(read(folder, "plain.txt"), "hidden file")


def test_file_with_values_for_variables_is_not_a_list(folder):
    (folder / "values.yaml").write_text("token: hunter2\n")
    given = VariableValues(files=frozenset([os.path.realpath("values.yaml")]))
    refused(read(folder, "values.yaml", given=given), "values for variables")


def test_missing_list_file(folder):
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    refused(read(folder, "t.txt", at="sub/m.yaml"), "no file `t.txt`", "sub and in the folder of the invocation.")
    refused(read(folder, "dangling"), "no file")
    refused(read(folder, "loop"), "cannot be read")
    refused(read(folder, "x" * 5000), "no file")
    refused(read(folder, '""'), "not a path")
    refused(read(folder, '"a\\0b"'), "not a path")
    refused(read(folder, '"a\\n::error::b"'), "`a\\n::error::b` is not a path")
    refused(read(folder, "."), "not a path")


def test_list_that_is_not_a_regular_file(folder):
    os.mkfifo(folder / "pipe")
    refused(read(folder, "pipe"), "not a regular file")
    refused(read(folder, "sub"), "not a regular file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_list_file_without_read_permission(folder):
    (folder / "t.txt").write_text("a\n")
    (folder / "t.txt").chmod(0)
    refused(read(folder, "t.txt"), "Permission denied")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x7fELF\x00\x01", ["not a text file"]),
        ("a\n".encode("utf-16"), ["UTF-16"]),
        (b"a\nb\ncaf\xe9\n", ["not UTF-8", "0xE9 in line 3"]),
    ],
)
def test_list_file_that_is_not_text(folder, data, words):
    (folder / "t.txt").write_bytes(data)
    refused(read(folder, "t.txt"), *words)


def test_list_file_that_is_too_large(folder):
    with (folder / "t.txt").open("wb") as file:
        file.truncate(50_000_001)
    refused(read(folder, "t.txt"), "larger than 50 MB")


def test_for_standard_input_lists_are_in_the_working_directory(folder):
    (folder / "t.txt").write_text("a\n")
    text = f"version: 1\nproject: p\nsessions:\n  - name: s-${{x}}\n    image: {IMAGE}\n"
    text += "    matrix: {x: {file: t.txt}}\n"
    assert values(load(["-"], root=folder, stdin=text.encode)) == ["a"]


def test_one_combination_stands_for_a_list_that_is_not_read(folder):
    loaded = read(folder, "nowhere.txt", lists=False)
    assert loaded.diagnostics == ()
    (spec,) = loaded.projects[0].sessions
    assert spec.group == "s-${x}"
    assert "sessions[0].name" in loaded.projects[0].unknown
