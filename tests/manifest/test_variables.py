"""Variables: declared in a file, set by an invocation, and never shown if they are sensitive."""

from __future__ import annotations

import pytest

from skaha_apply.manifest import load
from skaha_apply.model.project import MaxActive, MissingValues, VariableValues

IMAGE = "images.canfar.net/skaha/astroml:24.07"
SESSIONS = "sessions:\n  - name: s\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder, body, variables="", given=VariableValues(), name="m.yaml"):  # noqa: B008 - a frozen value
    declared = f"variables: {variables}\n" if variables else ""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    text = f"version: 1\nproject: p\n{declared}{SESSIONS}    image: {IMAGE}\n{lines}"
    (folder / name).write_text(text, encoding="utf-8")
    return load([name], root=folder, given=given)


def session(folder, *args, **options):
    loaded = read(folder, *args, **options)
    assert loaded.diagnostics == ()
    return loaded.projects[0].sessions[0]


def only(loaded):
    (found,) = loaded.diagnostics
    return found


@pytest.mark.parametrize("value", ["270.280", "0843", "true", "~"])
def test_a_default_is_taken_as_written(folder, value):
    assert session(folder, 'args: ["${var.x}"]', f"{{x: {{default: {value}}}}}").args == (value,)


def test_values_of_the_invocation_override_defaults(folder):
    given = VariableValues({"x": "2026", "other": "y"})
    assert session(folder, 'args: ["--n=${var.x}"]', "{x: {default: a}}", given).args == ("--n=2026",)
    assert session(folder, 'args: ["${var.my-x}"]', "{my-x: {}}", VariableValues({"my-x": "1"})).args == ("1",)


def test_references_in_a_value_are_not_interpolated(folder):
    loaded = read(folder, 'image: "${var.x}"', "{x: {default: y}}", VariableValues({"x": "${var.y}"}))
    loaded = read(
        folder, 'protect: true\nargs: ["${var.x}"]', "{x: {}, y: {default: z}}", VariableValues({"x": "${HOME}"})
    )
    assert loaded.projects[0].sessions[0].args == ("${HOME}",)
    found = only(read(folder, 'args: ["${var.x}"]', "{x: {}}", VariableValues({"x": "${var.token}"})))
    assert "a text with a reference in it" in found.summary


def test_in_a_name_it_is_slugged_and_the_name_as_written_is_the_group(folder):
    text = 'version: 1\nproject: p\nvariables: {x: {default: "NGC 1"}}\nsessions:\n'
    text += f"  - name: s-${{var.x}}\n    image: {IMAGE}\n"
    (folder / "m.yaml").write_text(text)
    (spec,) = load(["m.yaml"], root=folder).projects[0].sessions
    assert (spec.name, spec.group) == ("s-ngc-1", "s-${var.x}")


def test_sensitive_variable_stays_a_reference(folder):
    given = VariableValues({"token": "hunter2"})
    body = 'cmd: "${var.token}"\nargs: ["--t=${var.token}", "${var.other}"]\nenv: {T: "${var.token}"}'
    loaded = read(folder, body, "{token: {sensitive: true}, other: {sensitive: true, default: hush}}", given)
    assert loaded.diagnostics == ()
    (spec,) = loaded.projects[0].sessions
    assert (spec.cmd, spec.args, spec.env) == (
        "${var.token}",
        ("--t=${var.token}", "${var.other}"),
        {"T": "${var.token}"},
    )
    assert loaded.projects[0].secrets == {"token": "hunter2", "other": "hush"}
    assert spec.filled(1, loaded.projects[0].secrets).args == ("--t=hunter2", "hush")
    assert "hunter2" not in repr(loaded)
    assert "hush" not in repr(loaded)


@pytest.mark.parametrize(
    "body", ["cores: ${var.x}", 'kind: "${var.x}"', 'matrix: {a: ["${var.x}"]}', "replicas: ${var.x}"]
)
def test_sensitive_variable_is_allowed_nowhere_else(folder, body):
    found = only(read(folder, body, "{x: {sensitive: true, default: hunter2}}"))
    assert found.rule == "interpolation"
    assert "sensitive" in found.summary
    assert "hunter2" not in str(found)


def test_error_for_a_missing_value_names_the_declaration(folder):
    loaded = read(folder, 'args: ["${var.x}", "${var.x}"]\nenv: {A: "${var.x}"}', "{x: {}}")
    found = only(loaded)
    assert (str(found.location), found.rule) == ("m.yaml:3:13", "variable")
    for way in ("--var x=VALUE", "--var-file", "SKAHA_VAR_x"):
        assert way in found.detail


def test_a_secret_is_not_asked_for_on_the_command_line(folder):
    found = only(read(folder, 'args: ["${var.x}"]', "{x: {sensitive: true}}"))
    assert "--var x" not in found.detail
    assert "SKAHA_VAR_x" in found.detail


def test_unused_variable_needs_no_value(folder):
    loaded = read(folder, "args: []", "{x: {}, y: {sensitive: true}}")
    assert loaded.diagnostics == ()
    assert loaded.declared == {"x", "y"}
    assert loaded.projects[0].withheld == frozenset()


def test_commands_that_only_compare_need_no_sensitive_values(folder):
    given = VariableValues(missing=MissingValues.SENSITIVE)
    loaded = read(folder, 'args: ["${var.x}"]', "{x: {sensitive: true}}", given)
    assert loaded.diagnostics == ()
    assert loaded.projects[0].sessions[0].args == ("${var.x}",)
    assert loaded.projects[0].secrets == {}
    assert loaded.projects[0].withheld == {"x"}
    assert only(read(folder, 'args: ["${var.x}"]', "{x: {}}", given)).rule == "variable"


def test_commands_that_only_check_need_no_values(folder):
    body = 'cores: ${var.x}\nargs: [a, "b-${var.x}"]\nenv: {A: "${var.x}", B: b}\nkind: "${var.x}"'
    loaded = read(folder, body, "{x: {}}", VariableValues(missing=MissingValues.ANY))
    assert loaded.diagnostics == ()
    project = loaded.projects[0]
    assert project.unknown == {f"sessions[0].{path}" for path in ("cores", "args[1]", "env.A", "kind")}
    (spec,) = project.sessions
    assert (spec.cores, spec.kind, spec.args) == (None, "headless", ("a", "b-x"))


@pytest.mark.parametrize(
    "matrix",
    [
        '{t: ["${var.x}"]}',
        '{t: {file: "${var.x}"}}',
        '{rows: {file: "${var.x}"}}',
        '{t: [a], exclude: [{t: "${var.x}"}]}',
    ],
)
def test_matrix_that_depends_on_a_variable_without_a_value(folder, matrix):
    text = (
        f'version: 1\nproject: p\nvariables: {{x: {{}}}}\nsessions:\n  - name: "s-${{t}}"\n    image: {IMAGE}\n'
        f'    matrix: {matrix}\n    args: [a, "${{t}}"]\n'
    )
    (folder / "m.yaml").write_text(text)
    loaded = load(["m.yaml"], root=folder, given=VariableValues(missing=MissingValues.ANY))
    assert loaded.diagnostics == ()
    assert loaded.projects[0].unknown == {"sessions[0].name", "sessions[0].args[1]"}
    assert load(["m.yaml"], root=folder).diagnostics[0].rule == "variable"


def test_a_matrix_may_be_made_of_variables(folder):
    text = (
        f'version: 1\nproject: p\nvariables: {{x: {{default: tiles}}}}\nsessions:\n  - name: "s-${{t}}-${{u}}"\n'
        f'    image: {IMAGE}\n    matrix: {{t: {{file: "${{var.x}}.txt"}}, u: ["${{var.x}}"]}}\n'
    )
    (folder / "m.yaml").write_text(text)
    (folder / "tiles.txt").write_text("a\nb\n")
    assert [one.name for one in load(["m.yaml"], root=folder).projects[0].sessions] == ["s-a-tiles", "s-b-tiles"]


DECLARATIONS = [
    ("[x]", "variables must be a mapping", ""),
    ("{x: y}", "variables.x must be a mapping", "x: {default: VALUE}"),
    ("{x: }", "variables.x has no value", "x: {}"),
    ("{x: {defualt: y}}", "`defualt` is not a key", "Did you mean default?"),
    ("{x: {default: }}", "variables.x.default has no value", '""'),
    ("{x: {default: [a]}}", "variables.x.default must be text", ""),
    ("{x: {sensitive: yes}}", "must be true or false", "sensitive: true"),
    ("{x: {description: {}}}", "must be text", ""),
    ("{9x: {}}", "`9x` is not a name for a variable", ""),
    ("{a.b: {}}", "`a.b` is not a name for a variable", ""),
    ("{x: {}, x: {}}", "is there twice", ""),
]


@pytest.mark.parametrize(("variables", "summary", "detail"), DECLARATIONS, ids=[case[0] for case in DECLARATIONS])
def test_errors_of_declarations(folder, variables, summary, detail):
    found = only(read(folder, "args: []", variables))
    assert summary in found.summary
    assert detail in found.detail
    assert found.path.startswith("variables")


def test_undeclared_variable(folder):
    found = only(read(folder, 'args: ["${var.nihgt}"]', "{night: {default: a}}"))
    assert found.detail == "Did you mean ${var.night}?"
    found = only(read(folder, 'args: ["${var.zzz}"]', "{night: {default: a}}"))
    assert "variables: {zzz: {default: VALUE}}" in found.detail


def files(folder, *declared, project="p"):
    for index, variables in enumerate(declared):
        text = f"version: 1\nproject: {project}\nvariables: {variables}\nsessions: []\n"
        (folder / f"{index}.yaml").write_text(text)
    return load(["."], root=folder)


def test_name_has_one_meaning_in_an_invocation(folder):
    found = only(files(folder, "{x: {sensitive: true}}", "{x: {default: a}}"))
    assert (str(found.location), found.rule) == ("1.yaml:3:13", "variable")
    assert "0.yaml:3" in found.summary
    found = only(files(folder, "{x: {sensitive: true, default: hush}}", "{x: {sensitive: true, default: hunter2}}"))
    assert "another default at 0.yaml:3" in found.summary
    assert "hunter2" not in str(found)
    assert files(folder, "{x: {default: a}}", "{x: {default: b}}").diagnostics == ()
    assert files(folder, "{x: {sensitive: true, default: a}}", "{x: {sensitive: true}}").diagnostics == ()


def test_variables_hold_in_their_own_file(folder):
    read(folder, "args: []", "{x: {default: a}}", name="a.yaml")
    read(folder, 'args: ["${var.x}"]', name="b.yaml")
    (found,) = load(["."], root=folder).diagnostics
    assert (found.location.file, found.rule) == ("b.yaml", "interpolation")


def test_no_snippet_and_no_kept_text_shows_a_sensitive_default(folder):
    text = (
        "version: 1\nproject: p\nvariables:\n"
        "  a: {sensitive: true, default: hunter2, oops: 1, default: hunter2b}\n"
        "  b: {default: &x hunter2c, sensitive: yes}\n"
        '  c:\n    sensitive: true\n    default: "hunter2d\n      more"\n'
        "sessions: []\n"
    )
    (folder / "m.yaml").write_text(text)
    loaded = load(["m.yaml"], root=folder)
    assert len(loaded.diagnostics) == 3
    assert "hunter2" not in repr(loaded)
    assert "hunter2" not in "".join(loaded.projects[0].texts.values())


def whole(folder, *parts):
    for index, part in enumerate(parts):
        (folder / f"{index}.yaml").write_text(f"version: 1\nproject: p\n{part}\nsessions: []\n")
    return load(["."], root=folder)


def test_errors_of_a_project_as_a_whole(folder):
    loaded = whole(folder, "max_active: 200", "state: http://store/x", "max_active: {project: 200}")
    assert loaded.diagnostics == ()
    assert loaded.projects[0].max_active == MaxActive(200, None)
    assert loaded.projects[0].state == "http://store/x"
    loaded = whole(folder, "max_active: {project: 200, account: 250}", "", "")
    assert loaded.projects[0].max_active == MaxActive(200, 250)
    assert loaded.projects[0].state is None


@pytest.mark.parametrize(("one", "other"), [("max_active: 2", "max_active: 3"), ("state: a", "state: b")])
def test_files_of_a_project_agree(folder, one, other):
    found = only(whole(folder, one, other))
    assert found.location.file == "1.yaml"
    assert "0.yaml:3" in found.summary


@pytest.mark.parametrize(
    ("written", "summary"),
    [
        ("max_active: 0", "at least 1"),
        ("max_active: many", "a whole number"),
        ("max_active: [1]", "must be a number, not a list"),
        ("max_active: {}", "an empty mapping"),
        ("max_active: {projct: 1}", "`projct` is not a key"),
        ("max_active: {project: 0}", "max_active.project"),
        ("state:", "state has no value"),
        ("state: [a]", "state must be text"),
    ],
)
def test_errors_of_the_whole(folder, written, summary):
    assert summary in only(whole(folder, written)).summary
