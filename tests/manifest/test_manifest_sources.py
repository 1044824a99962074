"""Paths of all kinds: files, folders, links, standard input, and what cannot be read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from skaha_apply.manifest import load
from skaha_apply.model.project import VariableValues

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
    assert [str(item.location) for item in result.diagnostics] == ["-:3:75"]


def test_files_outside_of_the_root_keep_their_path(tmp_path):
    path = write(tmp_path / "elsewhere" / "a.yaml", "p", "a")
    (tmp_path / "root").mkdir()
    result = load([path], root=tmp_path / "root")
    assert result.projects[0].sessions[0].file == path.as_posix()


def test_locations_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "d" / "a.yaml", "p", "a")
    monkeypatch.chdir(tmp_path)
    for given in ("d", "./d", str(tmp_path / "d")):
        result = load([given], root=tmp_path.parent)
        assert result.projects[0].location("sessions[0]").file == "d/a.yaml"
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
def test_path_that_is_not_a_file_is_refused_at_once(tmp_path, monkeypatch, make, through_folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    make(tmp_path / "d" / "x.yaml")
    result = load(["d" if through_folder else "d/x.yaml"], root=tmp_path)
    assert [(item.rule, item.location.file) for item in result.diagnostics] == [("file", "d/x.yaml")]


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
    assert (found.rule, found.location.file.removeprefix("./")) == ("file", "a?[31m?::error::b.yaml")
    assert "control character" in found.summary


def test_a_folder_without_manifests(tmp_path):
    (tmp_path / "x.txt").write_text("")
    result = load([tmp_path], root=tmp_path)
    assert [item.rule for item in result.diagnostics] == ["file"]
    assert "no manifests" in result.diagnostics[0].summary


def test_an_ignore_file_leaves_examples_out_of_a_folder_but_not_out_of_a_named_path(tmp_path):
    for name in ("mine", "other", "sub/ours", "examples/one", "examples/two"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.yaml", name.replace("/", "-"), "a")
    (tmp_path / ".skaha-apply-ignore").write_text("# examples\n\nexamples/\noth*.yaml\r\nabsent\n")
    (tmp_path / "sub" / ".skaha-apply-ignore").write_text("mine.yaml\nsub\n")
    named = [[tmp_path], [tmp_path / "examples"], [tmp_path / "other.yaml"]]
    found = [{project.name for project in load(paths, root=tmp_path).projects} for paths in named]
    assert found == [{"mine", "sub-ours"}, {"examples-one", "examples-two"}, {"other"}]


@pytest.mark.parametrize(
    ("lines", "below", "expected"),
    [
        ("*.old.yaml", "", {"a", "sub-a", "sub-deep-b"}),
        ("/a.yaml", "", {"a.old", "sub-a", "sub-deep-b"}),
        ("sub/*\n!sub/a.yaml", "", {"a", "a.old", "sub-a"}),
        ("**/deep/", "", {"a", "a.old", "sub-a"}),
        ("*.yaml", "!a.yaml", {"sub-a"}),
        ("a.yaml", "deep", {"a.old"}),
        ("\\#a\n# a.yaml\n\n", "", {"a", "a.old", "sub-a", "sub-deep-b"}),
    ],
)
def test_an_ignore_file_has_the_syntax_of_gitignore(tmp_path, lines, below, expected):
    for name in ("a", "a.old", "sub/a", "sub/deep/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.yaml", name.replace("/", "-"), "x")
    (tmp_path / ".skaha-apply-ignore").write_text(lines)
    (tmp_path / "sub" / ".skaha-apply-ignore").write_text(below)
    assert {project.name for project in load([tmp_path], root=tmp_path).projects} == expected


def test_verbose_names_what_an_ignore_file_leaves_out(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write(tmp_path / f"{name}.yaml", name, "x")
    (tmp_path / ".skaha-apply-ignore").write_text("b.yaml\n")
    with caplog.at_level("INFO", "skaha_apply"):
        load([tmp_path], root=tmp_path)
    assert [record.getMessage() for record in caplog.records] == [".skaha-apply-ignore leaves out b.yaml"]


def test_a_line_that_is_not_a_pattern_is_named(tmp_path):
    write(tmp_path / "a.yaml", "p", "a")
    (tmp_path / ".skaha-apply-ignore").write_text("b\n!\n")
    (found, *_) = load([tmp_path], root=tmp_path).diagnostics
    assert "line 2 of .skaha-apply-ignore is not a pattern" in found.summary
    assert (Path(found.location.file).name, found.location.line) == (".skaha-apply-ignore", 2)


@pytest.mark.parametrize(
    ("make", "summary"),
    [
        (os.mkfifo, "cannot be read: not a regular file"),
        (Path.mkdir, "cannot be read: not a regular file"),
        (lambda path: path.symlink_to("absent"), "cannot be read: No such file or directory"),
        (lambda path: path.write_text("# long\n" * 20_000 + "a.yaml\n"), "is larger than 100,000 bytes"),
    ],
)
def test_an_ignore_file_that_cannot_be_read_whole_is_an_error(tmp_path, make, summary):
    write(tmp_path / "a.yaml", "p", "a")
    make(tmp_path / ".skaha-apply-ignore")
    result = load([tmp_path], root=tmp_path)
    (found,) = result.diagnostics
    assert (found.summary, Path(found.location.file).name) == (f".skaha-apply-ignore {summary}", ".skaha-apply-ignore")
    assert not result.projects


def test_error_for_a_folder_with_ignored_manifests_only_names_the_ignore_file(tmp_path):
    write(tmp_path / "a.yaml", "p", "a")
    (tmp_path / ".skaha-apply-ignore").write_text("*")
    (found,) = load([tmp_path], root=tmp_path).diagnostics
    assert ".skaha-apply-ignore" in found.detail


def test_a_name_that_is_not_utf_8(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text("version: 1\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write(tmp_path / "z.yaml", "p", "z")
    result = load([tmp_path], root=tmp_path)
    assert "not UTF-8" in result.diagnostics[0].summary
    str(result.diagnostics[0].location).encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "d" / "a.yaml", "p", "a")
    path.chmod(0)
    assert [item.rule for item in load([tmp_path], root=tmp_path).diagnostics] == ["file"]


FOREIGN = {
    "environment.yml": "name: survey\nchannels: [conda-forge]\n",
    "mkdocs.yml": "site_name: x\nmarkdown_extensions:\n  - x: !!python/name:a.b\n",
    "docker-compose.yml": 'version: "3"\nservices: {web: {image: x}}\n',
    "list.yaml": "- project: x\n",
    "pods.yaml": "kind: Pod\n---\nkind: Pod\n",
    "meta.yaml": '{% set version = "1" %}\npackage:\n  version: {{ version }}\n',
    "text.yaml": "just a text\n",
    "empty.yaml": "# nothing\n",
    "latin.yaml": b"titre: caf\xe9\n",
    "utf16.yml": "titre: x\n".encode("utf-16"),
    "binary.yaml": b"\x00\x01\xff",
    "large.yaml": b"a: b\n" * (7 << 20),
    "anchors.yaml": "a: *nowhere\n",
}


@pytest.mark.parametrize("file", FOREIGN)
def test_yaml_of_another_tool_is_skipped_in_a_folder_and_an_error_where_it_is_named(tmp_path, monkeypatch, file):
    monkeypatch.chdir(tmp_path)
    text = FOREIGN[file]
    (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    write(tmp_path / "m.yaml", "p", "a")
    loaded = load(["."], root=tmp_path)
    assert (names(loaded), loaded.diagnostics) == (["a"], ())
    assert loaded.notes == (f"1 YAML file is skipped (neither `project` nor `sessions` at the top): {file}",)
    assert loaded.projects[0].files == ("m.yaml",)  # so nothing that came from the other is deleted
    assert load([".", file], root=tmp_path).diagnostics
    assert load([file], root=tmp_path).diagnostics
    (tmp_path / "m.yaml").unlink()
    (found,) = load(["."], root=tmp_path).diagnostics
    assert (found.rule, found.location.file) == ("file", ".")
    assert f"neither `project` nor `sessions` at the top: {file}" in found.detail


def test_many_files_of_other_tools_are_one_note(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(9):
        (tmp_path / f"{number}.yaml").write_text("a: b\n")
    write(tmp_path / "m.yaml", "p", "a")
    (note,) = load(["."], root=tmp_path).notes
    assert note.startswith("9 YAML files are skipped")
    assert note.endswith("0.yaml, 1.yaml, 2.yaml, 3.yaml, 4.yaml and 4 more")


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nproject: p\n",
        "sessions: []\n",
        "project: [\n",
        "version: 1\nproject: p\nsessions: !x []\n",
        "project: p\n---\nproject: q\n",
        '{"version": 1, "project": "p", "sessions": [}',
        '{\n "project": "p",\n "sessions": [}\n',
        b"version: 1\nproject: caf\xe9\n",
    ],
)
def test_a_manifest_with_a_mistake_is_never_skipped(tmp_path, text):
    (tmp_path / "m.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    write(tmp_path / "z.yaml", "p", "a")
    loaded = load([tmp_path], root=tmp_path)
    assert loaded.notes == ()
    assert any(item.location.file.endswith("m.yaml") for item in loaded.diagnostics)


def test_a_file_with_values_for_variables_is_never_a_manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.yaml").write_text("project: hunter2\ntoken: hunter3\n")
    write(tmp_path / "m.yaml", "p", "a")
    given = VariableValues(files=frozenset({os.path.realpath("values.yaml")}))
    assert load(["."], root=tmp_path, given=given).diagnostics == ()
    (found,) = load(["values.yaml"], root=tmp_path, given=given).diagnostics
    assert "holds values for variables" in found.summary
    without = load(["values.yaml"], root=tmp_path)  # an invocation that does not know what the file is
    assert without.diagnostics
    assert "hunter" not in str(without.diagnostics)


def test_one_bad_file_does_not_hide_the_others(tmp_path):
    write(tmp_path / "a.yaml", "p", "a")
    (tmp_path / "b.yaml").write_text("version: [\n")
    result = load([tmp_path, tmp_path / "gone.yaml"], root=tmp_path)
    assert names(result) == ["a"]
    assert sorted(item.rule for item in result.diagnostics) == ["file", "yaml"]


def test_each_file_of_many_projects_is_looked_up_once(tmp_path, monkeypatch):
    """The work grows with the files, not with files times projects."""

    def lookups(count):
        folder = tmp_path / str(count)
        for number in range(count):
            write(folder / f"m{number}.yaml", f"p{number}", f"x{number}")
        calls = []
        with monkeypatch.context() as patch:
            real = os.path.realpath
            patch.setattr(os.path, "realpath", lambda *args, **more: calls.append(args) or real(*args, **more))
            assert len(load([folder], root=folder).projects) == count
        return len(calls)

    assert lookups(80) < 3 * lookups(40)
