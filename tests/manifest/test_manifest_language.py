"""The values that a manifest can have, and what they become."""

from __future__ import annotations

import textwrap

import pytest

from skaha_apply.manifest import load
from skaha_apply.model.session import Kind

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def loaded(tmp_path, text, name="a.yaml"):
    (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return load([tmp_path / name], root=tmp_path)


def session(tmp_path, body, head=""):
    """The only session of a manifest with these keys; it must be without errors."""
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    text = f"version: 1\nproject: p\n{head}\nsessions:\n  - name: s\n    image: {IMAGE}\n{body}\n"
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    result = load([tmp_path / "one.yaml"], root=tmp_path)
    assert result.diagnostics == ()
    return result.projects[0].sessions[0]


def test_defaults_of_every_key(tmp_path):
    spec = session(tmp_path, "")
    assert vars(spec) == {
        "name": "s",
        "image": IMAGE,
        "kind": Kind.HEADLESS,
        "cores": None,
        "ram": None,
        "gpus": None,
        "replicas": 1,
        "cmd": None,
        "args": (),
        "env": {},
        "needs": (),
        "require": {},
        "protect": False,
        "parallelism": None,
        "pilot": None,
        "stop_after": 10,
        "retries": 0,
        "retry_wait": 10.0,
        "retry_ram": (),
        "timeout": None,
        "pending_timeout": None,
        "rerun": "on-change",
        "vanished": "hold",
        "when_removed": "delete",
        "renew": None,
        "group": "",
        "values": {},
        "file": "one.yaml",
    }


@pytest.mark.parametrize(
    "written",
    ["270.280", "0843", "1e5", "true", "~", "null", "yes", "0x10", "2026-11-22", "1_000", ".inf", "=", "12:30:45"],
)
def test_text_arrives_as_it_is_written(tmp_path, written):
    spec = session(tmp_path, f"args: [{written}]\nenv: {{A: {written}}}\ncmd: {written}\nneeds: {written}")
    assert (spec.args, spec.env, spec.cmd, spec.needs) == ((written,), {"A": written}, written, (written,))


@pytest.mark.parametrize(
    ("written", "value"),
    [("8", 8), ("8.0", 8), ("2.5", 2.5), ("0o10", 8), ("0x10", 16), ("08", 8), ("1e1", 10), ("+4", 4), (".5", 0.5)],
)
def test_numbers_by_the_core_schema(tmp_path, written, value):
    spec = session(tmp_path, f"cores: {written}\nram: {written}")
    assert (spec.cores, spec.ram) == (value, value)
    assert type(spec.cores) is type(value)


@pytest.mark.parametrize("written", ["notebook", "Notebook", "NOTEBOOK"])
def test_kind_in_any_case(tmp_path, written):
    assert session(tmp_path, f"kind: {written}").kind is Kind.NOTEBOOK


@pytest.mark.parametrize(("written", "value"), [("true", True), ("True", True), ("FALSE", False)])
def test_truth_values(tmp_path, written, value):
    assert session(tmp_path, f"protect: {written}").protect is value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("10s", 10),
        ("30m", 1800),
        ("12h", 43200),
        ("2d", 172800),
        ("1.5h", 5400),
        ('"90"', 90),
        ("90", 90),
        ("0.5", 0.5),
        ("400d", 34_560_000),
        ("1e3", 1000),
    ],
)
def test_durations(tmp_path, written, value):
    names = ("retry_wait", "timeout", "pending_timeout", "renew", "rerun")
    spec = session(tmp_path, "\n".join(f"{name}: {written}" for name in names))
    assert [getattr(spec, name) for name in names] == [value] * len(names)


def test_words_and_counts(tmp_path):
    counts = "parallelism: 8\npilot: 3\nstop_after: 5\nretries: 0"
    spec = session(tmp_path, f"rerun: always\nvanished: complete\nwhen_removed: finish\n{counts}")
    assert (spec.rerun, spec.vanished, spec.when_removed) == ("always", "complete", "finish")
    assert (spec.parallelism, spec.pilot, spec.stop_after, spec.retries) == (8, 3, 5, 0)


@pytest.mark.parametrize(
    ("written", "names", "require"),
    [
        ("a", ("a",), {}),
        ("{name: a}", ("a",), {}),
        ("{name: a, require: 95%}", ("a",), {"a": 0.95}),
        ("[a, {name: b, require: ended}]", ("a", "b"), {"b": 0}),
        ("[{name: a, require: 100%}, {name: b, require: 99.5%}]", ("a", "b"), {"b": 0.995}),
        ("[{name: 0843, require: 0%}]", ("0843",), {"0843": 0}),
    ],
)
def test_needs_with_a_share(tmp_path, written, names, require):
    spec = session(tmp_path, f"needs: {written}")
    assert (spec.needs, spec.require) == (names, require)


def test_a_need_stands_twice_with_one_share_only(tmp_path):
    head = f"version: 1\nproject: p\nsessions:\n  - name: s\n    image: {IMAGE}\n    needs:\n"
    assert loaded(tmp_path, f"{head}      - a\n      - A\n").diagnostics == ()
    (problem,) = loaded(tmp_path, f"{head}      - a\n      - {{name: A, require: 5%}}\n").diagnostics
    assert (problem.rule, problem.location.line) == ("wrong-value", 8)
    assert "twice" in problem.summary


def test_a_command_list_goes_before_the_arguments(tmp_path):
    spec = session(tmp_path, "cmd: [python, -u, /x.py]\nargs: [--band, r]")
    assert spec.cmd == "python"
    assert spec.args == ("-u", "/x.py", "--band", "r")


@pytest.mark.parametrize(
    "written", ["x.py --band r", "'x.py   --band r '", ">-\n  x.py\n  --band r", "|\n  x.py\n  --band r"]
)
def test_one_text_of_arguments_is_split_at_spaces(tmp_path, written):
    assert session(tmp_path, f"cmd: python\nargs: {written}").args == ("x.py", "--band", "r")


def test_a_tab_does_not_split_arguments(tmp_path):
    assert session(tmp_path, 'args: "-c ls\\t-l"').args == ("-c", "ls\t-l")


def test_defaults_are_replaced_but_env_is_merged(tmp_path):
    head = f"defaults: {{image: {IMAGE}, cores: 2, ram: 8, args: [a], env: {{A: '1', B: '2'}}}}"
    spec = session(tmp_path, "args: [b]\ncores: 4\nenv: {B: '3', C: '4'}", head)
    assert (spec.cores, spec.ram, spec.args) == (4, 8, ("b",))
    assert spec.env == {"A": "1", "B": "3", "C": "4"}


def test_anchors_merges_and_keys_of_ones_own(tmp_path):
    head = "x-a: &a {cores: 1, ram: 4}\nx-b: &b {cores: 2, gpus: 1}\nx-args: &args [r, g]"
    spec = session(tmp_path, "<<: [*a, *b]\nram: 16\nargs: *args", head)
    assert (spec.cores, spec.ram, spec.gpus, spec.args) == (1, 16, 1, ("r", "g"))


def test_a_flow_mapping_with_an_image(tmp_path):
    text = f"{{version: 1, project: p, sessions: [{{name: s, image: {IMAGE}, env: {{U: http://h:80/x:y}}}}]}}"
    result = loaded(tmp_path, text)
    assert result.diagnostics == ()
    spec = result.projects[0].sessions[0]
    assert (spec.image, spec.env) == (IMAGE, {"U": "http://h:80/x:y"})


def test_character_that_replaces_a_colon_is_not_a_colon(tmp_path):
    result = loaded(
        tmp_path, f'{{version: 1, project: p, sessions: [{{name: s, image: {IMAGE}, args: ["\\ue000", \ue000]}}]}}'
    )
    assert result.diagnostics == ()
    assert result.projects[0].sessions[0].args == ("\ue000", "\ue000")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_line_ends_of_windows(tmp_path, line_end, mark):
    text = line_end.join(["version: 1", "project: p", "sessions:", "  - name: s", f"    image: {IMAGE}", ""])
    (tmp_path / "w.yml").write_bytes(mark + text.encode())
    result = load([tmp_path / "w.yml"], root=tmp_path)
    assert result.diagnostics == ()
    assert result.projects[0].sessions[0].name == "s"
    assert result.projects[0].locations["sessions[0].image"].line == 5


def test_locations_of_values(tmp_path):
    result = loaded(
        tmp_path,
        f"""\
        version: 1
        project: p
        defaults: {{env: {{A: x}}}}
        sessions:
          - name: s
            image: {IMAGE}
            cmd: [python, x.py]
            args: --band r
            env: {{B: "y"}}
        """,
    )
    project = result.projects[0]
    at = {path: (place.line, place.column, place.end_column) for path, place in project.locations.items()}
    assert at["sessions[0].cmd"] == (7, 11, 17)
    assert at["sessions[0].args[0]"] == (7, 19, 23)
    assert at["sessions[0].args[1]"] == (8, 11, 17)
    assert at["sessions[0].args[2]"] == (8, 18, 19)
    assert at["sessions[0].env.A"][:2] == (3, 21)
    assert at["sessions[0].env.B"] == (9, 14, 17)
    assert project.location("sessions[0].ram") == project.locations["sessions[0]"]
    assert project.texts[project.location("").file].startswith("version: 1")


def test_files_of_one_project_add_up_and_defaults_stay_at_home(tmp_path):
    loaded(
        tmp_path, f"version: 1\nproject: p\ndefaults: {{image: {IMAGE}, cores: 2}}\nsessions: [{{name: a}}]\n", "1.yaml"
    )
    loaded(tmp_path, f"version: 1\nproject: p\nsessions: [{{name: b, image: {IMAGE}}}]\n", "2.yaml")
    loaded(tmp_path, "version: 1\nproject: q\nsessions: []\n", "3.yaml")
    result = load([tmp_path], root=tmp_path)
    assert result.diagnostics == ()
    assert [(project.name, [spec.name for spec in project.sessions]) for project in result.projects] == [
        ("p", ["a", "b"]),
        ("q", []),
    ]
    p, q = result.projects
    assert [spec.cores for spec in p.sessions] == [2, None]
    assert [spec.file for spec in p.sessions] == ["1.yaml", "2.yaml"]
    assert p.files == q.files == ("1.yaml", "2.yaml", "3.yaml")
    assert p.folders == (".",)


def test_suppressions(tmp_path):
    result = loaded(
        tmp_path,
        f"""\
        version: 1
        project: p
        sessions:
          - name: s   # skaha-apply: ignore[session-name, name-collision]
            image: {IMAGE}
            # skaha-apply: ignore[server-escape]

            # why: the shell wants it
            args: [a]
            env: {{A: "x # skaha-apply: ignore[env-value]"}}
        """,
    )
    assert result.diagnostics == ()
    shown = {(one.line, one.rule) for one in result.projects[0].ignores}
    assert shown == {(4, "session-name"), (4, "name-collision"), (9, "server-escape")}
