"""Paths of all kinds: files, folders, links, standard input, and what cannot be read."""

from __future__ import annotations

import os
import socket

import pytest

from skaha_apply.manifest import load

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def write(path, project="p", *names):
    path.parent.mkdir(parents=True, exist_ok=True)
    sessions = "".join(f"\n  - {{name: {name}, image: {IMAGE}}}" for name in names) or " []"
    path.write_text(f"version: 1\nproject: {project}\nsessions:{sessions}\n")
    return path


def names(result):
    return [spec.name for project in result.projects for spec in project.sessions]


def test_folders_are_read_below_sorted_and_without_hidden_ones(tmp_path):
    write(tmp_path / "b.yml", "p", "b")
    write(tmp_path / "a" / "z.yaml", "p", "z")
    write(tmp_path / ".hidden" / "h.yaml", "p", "h")
    write(tmp_path / ".h.yaml", "p", "h")
    (tmp_path / "notes.txt").write_text("no manifest")
    result = load([tmp_path], root=tmp_path)
    assert result.diagnostics == ()
    assert sorted(names(result)) == ["b", "z"]
    assert set(result.projects[0].files) == {"a/z.yaml", "b.yml"}


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    path = write(tmp_path / "d" / "a.yaml", "p", "a")
    (tmp_path / "link.yaml").symlink_to(path)
    result = load([path, tmp_path / "d", tmp_path / "link.yaml"], root=tmp_path)
    assert names(result) == ["a"]
    assert result.projects[0].folders == ("d",)


def test_links_in_a_circle_are_harmless(tmp_path):
    write(tmp_path / "d" / "a.yaml", "p", "a")
    for name in ("up", "again", "and-again"):  # without a memory of folders these would be 3 to the power of 40
        (tmp_path / "d" / name).symlink_to(tmp_path)
    (tmp_path / "d" / "self.d").symlink_to("self.d")
    result = load([tmp_path], root=tmp_path)
    assert result.diagnostics == ()
    assert names(result) == ["a"]


def test_standard_input(tmp_path):
    text = f"version: 1\nproject: p\nsessions: [{{name: s, image: {IMAGE}, cores: x}}, {{name: t, image: {IMAGE}}}]\n"
    result = load(["-", "-"], root=tmp_path, stdin=text.encode)
    assert names(result) == ["t"]
    assert result.projects[0].sessions[0].file == "-"
    assert result.projects[0].files == ("-",)
    assert [str(item.place) for item in result.diagnostics] == ["-:3:75"]


def test_files_outside_of_the_root_keep_their_path(tmp_path):
    path = write(tmp_path / "elsewhere" / "a.yaml", "p", "a")
    (tmp_path / "root").mkdir()
    result = load([path], root=tmp_path / "root")
    assert result.projects[0].sessions[0].file == path.as_posix()


def test_places_are_written_from_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "d" / "a.yaml", "p", "a")
    monkeypatch.chdir(tmp_path)
    for given in ("d", "./d", str(tmp_path / "d")):
        result = load([given], root=tmp_path.parent)
        assert result.projects[0].place("sessions[0]").file == "d/a.yaml"
        assert result.projects[0].sessions[0].file == f"{tmp_path.name}/d/a.yaml"


def fifo(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def dangling(path):
    path.symlink_to("nothing.yaml")


@pytest.mark.parametrize("make", [fifo, unix_socket, dangling])
@pytest.mark.parametrize("through_folder", [True, False])
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, make, through_folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    make(tmp_path / "d" / "x.yaml")
    result = load(["d" if through_folder else "d/x.yaml"], root=tmp_path)
    assert [(item.rule, item.place.file) for item in result.diagnostics] == [("file", "d/x.yaml")]


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_devices_are_refused(tmp_path, path):
    assert [item.rule for item in load([path], root=tmp_path).diagnostics] == ["file"]


@pytest.mark.parametrize(
    ("path", "summary"),
    [("nothing", "no such file"), ("", "empty"), ("a\0b", "cannot be read"), ("x" * 5000, "cannot be read")],
)
def test_paths_that_cannot_be(tmp_path, monkeypatch, path, summary):
    monkeypatch.chdir(tmp_path)
    result = load([path], root=tmp_path)
    assert result.projects == ()
    assert [item.rule for item in result.diagnostics] == ["file"]
    assert summary in result.diagnostics[0].summary


@pytest.mark.parametrize("through_folder", [False, True])
def test_a_name_with_a_control_character(tmp_path, monkeypatch, through_folder):
    """A line of its own in the log of CI would be a command there."""
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[31m\n::error::b.yaml"
    (tmp_path / name).write_text("version: 1\n")
    (found,) = load(["."] if through_folder else [name], root=tmp_path).diagnostics
    assert (found.rule, found.place.file.removeprefix("./")) == ("file", "a?[31m?::error::b.yaml")
    assert "control character" in found.summary


def test_a_folder_without_manifests(tmp_path):
    (tmp_path / "x.txt").write_text("")
    result = load([tmp_path], root=tmp_path)
    assert [item.rule for item in result.diagnostics] == ["file"]
    assert "no manifests" in result.diagnostics[0].summary


def test_a_name_that_is_not_utf_8(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text("version: 1\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write(tmp_path / "z.yaml", "p", "z")
    result = load([tmp_path], root=tmp_path)
    assert "not UTF-8" in result.diagnostics[0].summary
    str(result.diagnostics[0].place).encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "d" / "a.yaml", "p", "a")
    path.chmod(0)
    assert [item.rule for item in load([tmp_path], root=tmp_path).diagnostics] == ["file"]


def test_one_bad_file_does_not_hide_the_others(tmp_path):
    write(tmp_path / "a.yaml", "p", "a")
    (tmp_path / "b.yaml").write_text("version: [\n")
    result = load([tmp_path, tmp_path / "gone.yaml"], root=tmp_path)
    assert names(result) == ["a"]
    assert sorted(item.rule for item in result.diagnostics) == ["file", "yaml"]
