"""`${...}`: what it may refer to, where, and every way to get it wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skaha_apply.manifest import dump, load
from skaha_apply.model.project import MissingValues, VariableValues
from skaha_apply.model.spec import SessionSpec

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def read(body, name="s-${tile}", head=""):
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    text = (
        f"version: 1\nproject: p\nvariables: {{night: {{default: n1}}, token: {{sensitive: true, default: x}}}}\n{head}"
        f'sessions:\n  - name: "{name}"\n'
        f"    matrix: {{tile: [t1], number: [4], yes: [true], kind: [Notebook], span: [2d]}}\n{lines}"
    )
    if "image:" not in text:
        text += f"    image: {IMAGE}\n"
    return load(["-"], root=Path(), stdin=text.encode)


NAME = "s-${tile}-${number}-${yes}-${kind}-${span}"


def session(body, name=NAME, head=""):
    loaded = read(body, name, head)
    assert loaded.diagnostics == ()
    return loaded.projects[0].sessions[0]


def refused(body, name=NAME):
    (found,) = read(body, name).diagnostics
    assert found.rule == "interpolation"
    assert "^" in found.snippet
    return found


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("${tile}", "t1"),
        ("a${tile}b${tile}", "at1bt1"),
        ("$${tile}", "${tile}"),
        ("$$${tile}", "$${tile}"),
        ("$tile {tile} $(x) }", "$tile {tile} $(x) }"),
        ("${var.night}/${tile}", "n1/t1"),
        ("${slug.kind}", "notebook"),
        ("${slug.var.night}", "n1"),
        ("${replica.id}/${replica.count}", "${replica.id}/7"),
        ("${var.token}", "${var.token}"),
        ("$$ ${tile}$", "$$ t1$"),
    ],
)
def test_texts(written, text):
    spec = session(f'replicas: 7\ncmd: "{written}"\nargs: ["{written}", x]\nenv: {{A: "{written}"}}')
    assert (spec.cmd, spec.args, spec.env) == (text, (text, "x"), {"A": text})


def test_every_key_takes_one():
    spec = session(
        'image: "images.canfar.net/x/${tile}:1"\nkind: "${kind}"\ncores: ${number}\nram: "${number}"\n'
        "gpus: 1${number}\n"
        "replicas: ${number}\nprotect: ${yes}\nrenew: ${span}\nretries: '${number}'"
    )
    assert (spec.image, spec.kind, spec.cores, spec.ram) == ("images.canfar.net/x/t1:1", "notebook", 4, 4)
    assert (spec.gpus, spec.replicas, spec.protect, spec.renew, spec.retries) == (14, 4, True, 172800, 4)


def test_quoted_text_with_more_than_a_reference_is_not_a_number():
    (found,) = read('cores: "1${number}"', NAME).diagnostics
    assert "the text `14`" in found.summary


def test_the_count_of_replicas_is_that_which_holds():
    assert session('replicas: ${number}\nargs: ["${replica.count}"]').args == ("4",)
    assert session('args: ["${replica.count}"]').args == ("1",)
    assert session('args: ["${replica.count}"]', head="defaults: {replicas: 3}\n").args == ("3",)


def test_one_text_is_split_before_it_is_filled():
    text = (
        f"version: 1\nproject: p\nsessions:\n  - name: s-${{t}}\n    image: {IMAGE}\n    matrix: {{t: [NGC 4501]}}\n"
        "    args: run ${t} --x=${t}\n"
    )
    (spec,) = load(["-"], root=Path(), stdin=text.encode).projects[0].sessions
    assert spec.args == ("run", "NGC 4501", "--x=NGC 4501")


def test_defaults_are_filled_for_each_session():
    spec = session(
        "env: {B: b}", head='defaults: {ram: "${number}", env: {A: "${tile}", B: "${tile}"}, args: ["${span}"]}\n'
    )
    assert (spec.ram, spec.env, spec.args) == (4, {"A": "t1", "B": "b"}, ("2d",))


def test_a_default_that_a_session_does_not_use_may_refer_to_anything():
    head = 'defaults: {args: ["${other}"], cores: "${other}", env: {A: "${other}"}}\n'
    assert session("args: [a]\ncores: 2\nenv: {A: a}", head=head).args == ("a",)


def test_error_in_a_default_names_the_session(tmp_path):
    (tmp_path / "m.yaml").write_text(
        'version: 1\nproject: p\ndefaults: {image: "images.canfar.net/skaha/astroml:24.07", args: ["${tile}"]}\n'
        "sessions:\n  - {name: 's-${tile}', matrix: {tile: [a]}}\n  - {name: combine}\n  - {name: other}\n"
    )
    (found,) = load([tmp_path / "m.yaml"], root=tmp_path).diagnostics
    assert found.summary == "defaults.args[0]: `${tile}` is not known"
    assert found.detail.startswith("The session `combine` uses this default. References here can be ${replica.id}")


def test_error_names_the_known_references(tmp_path):
    (tmp_path / "m.yaml").write_text(
        "version: 1\nproject: p\nvariables: {night: {default: x}}\nsessions:\n"
        '  - {name: "s-${tile}", matrix: {tile: [a]}, image: "images.canfar.net/skaha/x:1",\n'
        '     args: ["${PATH}"], cores: "${PATH}"}\n'
    )
    (text, number) = load([tmp_path / "m.yaml"], root=tmp_path).diagnostics
    assert "References here can be ${tile}, ${replica.id}, ${replica.count}, ${var.night}. Variables of" in text.detail
    assert "References here can be ${tile}, ${replica.count}, ${var.night}. Variables of" in number.detail


@pytest.mark.parametrize(
    ("written", "summary", "detail"),
    [
        ("${tlie}", "`${tlie}` is not known", "Did you mean ${tile}?"),
        ("${Tile}", "is not known", "Did you mean ${tile}?"),
        ("${night}", "is not known", "Did you mean ${var.night}?"),
        ("${HOME}", "is not known", "Variables of the environment"),
        ("${HOME}", "is not known", "$${"),
        ("${replica.idx}", "is not known", "Did you mean ${replica.id}?"),
        ("${slug.tlie}", "is not known", "Did you mean ${slug.tile}?"),
        ("${var.nihgt}", "no variable `nihgt`", "Did you mean ${var.night}?"),
        ("${slug.var.zzz}", "no variable `zzz`", "Declare it"),
        ("${slug.var.token}", "sensitive", "cmd, args"),
        ("${tile", "`${tile` is not closed", "Write ${tile}."),
        ("${", "is not closed", "${name}"),
        ("${}", "names nothing", "$${"),
        ("${ }", "names nothing", "$${"),
        ("${ tile }", "has spaces", "Write ${tile}."),
        ("${tile:-x}", "is not a reference", "only a name"),
        ("${a${tile}}", "is not a reference", ""),
        ("${env.HOME}", "is not known", ""),
        ("$${replica.id}", "reference in it", ""),
        ("$${var.token}", "reference in it", ""),
        ("$${var.none}", "reference in it", ""),
        ("$${${var.night}}${replica.id}$${var.x}", "reference in it", ""),
    ],
)
def test_unknown_reference_in_a_text(written, summary, detail):
    found = refused(f"args: ['{written}']")
    assert summary in found.summary
    assert detail in found.detail
    assert found.path == "sessions[0].args[0]"
    assert found.location.line == 7


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ("cores: ${replica.id}", "`${replica.id}` cannot be used here"),
        ("replicas: ${replica.count}", "cannot depend on replica.count"),
        ("image: ${var.token}", "sensitive"),
        ("kind: ${tlie}", "not known"),
    ],
)
def test_unknown_reference_in_another_key(body, summary):
    assert summary in refused(body).summary


@pytest.mark.parametrize("part", ["${replica.id}", "${var.token}", "${tlie}", "${"])
def test_unknown_reference_in_a_name(part):
    assert refused("args: []", f"{NAME}-{part}").path == "sessions[0].name"


def test_a_value_that_would_be_taken_for_a_reference_later():
    text = (
        f"version: 1\nproject: p\nsessions:\n  - name: s-${{t}}\n    image: {IMAGE}\n"
        "    matrix: {t: ['$${replica.id}', b]}\n    args: ['${t}']\n"
    )
    (found,) = load(["-"], root=Path(), stdin=text.encode).diagnostics
    assert "with t = `${replica.id}` (-:6)" in found.summary


def test_error_of_each_key_is_reported():
    found = read('args: ["${a}", "${b}"]\ncores: ${c}\nenv: {A: "${d}", B: "${e}"}', NAME).diagnostics
    assert len(found) == 5


GIVEN = "SKAHA_VAR_token"
texts = st.text("${}.abt $replicavd", max_size=14) | st.sampled_from(
    ["${tile}", "$${", "${", "}", "${var.token}", "${replica.id}", "${HOME}", "${var.HOME}", "${env.SECRET}"]
)


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.lists(texts, min_size=1, max_size=4).map("".join), st.sampled_from(list(MissingValues)))
def test_never_a_crash_and_never_the_environment(text, missing):
    quoted = text.replace("'", "''")
    manifest = (
        f"version: 1\nproject: p\nvariables: {{v: {{}}, token: {{sensitive: true}}}}\nsessions:\n"
        f"  - name: 's-${{tile}}-{quoted}'\n    image: 'x{quoted}'\n    matrix: {{tile: ['{quoted}a']}}\n"
        f"    cores: '{quoted}'\n    cmd: '{quoted}'\n    args: ['{quoted}']\n    env: {{A: '{quoted}'}}\n"
        f"  - name: t\n    image: i\n    args: ['{quoted}', 'x{quoted}']\n"
    )
    os.environ["SECRET"] = os.environ[GIVEN] = "hunter2"  # what must not be found
    try:
        loaded = load(["-"], root=Path(), stdin=manifest.encode, given=VariableValues(missing=missing))
    finally:
        del os.environ["SECRET"], os.environ[GIVEN]
    assert "hunter2" not in repr(loaded)
    assert loaded.diagnostics or loaded.projects[0].sessions
    for spec in loaded.projects[0].sessions:
        assert os.environ["HOME"] not in " ".join((spec.image, *spec.args, *spec.env.values()))
        for one in re.findall(r"\$\{var\.([a-z]*)\}", " ".join(spec.args)):
            assert one == "token"


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(st.lists(texts.filter(lambda text: not re.search(r"\$\{(replica\.id|var\.[^}]*)\}", text)), max_size=3))
def test_a_text_that_is_written_as_a_literal_is_read_as_it_is(args):
    args = [text for text in args if text]
    written = dump("p", [SessionSpec(name="s", image=IMAGE, args=tuple(args), env={"A": "".join(["x", *args])})])
    loaded = load(["-"], root=Path(), stdin=written.encode)
    if loaded.diagnostics:
        assert all("reference in it" in one.summary for one in loaded.diagnostics)
        return
    (spec,) = loaded.projects[0].sessions
    assert (spec.args, spec.env) == (tuple(args), {"A": "".join(["x", *args])})
