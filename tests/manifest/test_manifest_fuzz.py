"""Any content of files: a result in bounded time, without a traceback."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skaha_apply.lint import check
from skaha_apply.manifest import Remarks, dump, load
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import LATER, SessionSpec
from skaha_apply.render.lint.text import diagnostics_text

IMAGE = "images.canfar.net/skaha/astroml:24.07"
SEED = f"""version: 1
project: p
x-a: &a {{cores: 2, ram: 8}}
defaults: {{image: {IMAGE}, env: {{A: x}}}}
sessions:
  - name: s
    <<: *a
    args: [a, 'b', "c"]
    env:
      B: |
        text
  - {{name: t, needs: [s], cmd: [a, b], protect: true}}
""".encode()


def read(data):
    """LoadKind and lint; the result must be coherent and printable."""
    result = load(["-"], root=Path(), stdin=lambda: data)
    found = (*result.diagnostics, *check(result.projects))
    assert result.projects or result.diagnostics
    for item in found:
        assert item.summary
        assert "\n" not in item.summary
        assert item.location.line >= 1
        assert item.location.column >= 1
    diagnostics_text(found).encode()
    return result


@settings(deadline=None, max_examples=3 * settings().max_examples // 2)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    read(data)


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.text(alphabet="ab:-?,[]{}&*!|>'\"%@`#<~ \n\t\\.01=$", max_size=60))
def test_any_yaml_like_text(text):
    read(text.encode())
    read(f"version: 1\nproject: p\nsessions:\n  - name: s\n    image: {IMAGE}\n    args: {text}\n".encode())


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.data())
def test_a_manifest_with_damage(data):
    damaged = bytearray(SEED)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        cut = data.draw(st.integers(0, 12))
        damaged[at : at + cut] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"*a", b"&b ", b": ", b"- ", b"\n", b"<<"])
        )
    read(bytes(damaged))


scalars = st.sampled_from(
    ["a", "1", "0", "-1", "1.5", "true", "~", "''", '"x y"', "*n", "&n b", "!t c", ".nan", "9" * 400]
)
resources = st.sampled_from(["cores", "ram", "gpus", "replicas", "protect", "kind"])
texts_of_session = st.sampled_from(["name", "image", "cmd", "args", "env", "needs"])
keys = st.sampled_from(["version", "project", "defaults", "sessions", "x-a", "<<"]) | resources | texts_of_session
flow = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.tuples(st.sampled_from(["? [a]", '"<<"']), inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}")
        | st.lists(st.tuples(keys, inner), max_size=5).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=25,
)


@settings(deadline=None, max_examples=4 * settings().max_examples)
@given(flow, flow, flow)
def test_any_structure(defaults, first, second):
    read(f"version: 1\nproject: p\nx-n: &n {{a: b}}\ndefaults: {defaults}\nsessions: [{first}, {second}]\n".encode())


texts = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from(" :#-?,[]{}&*!|>'\"%@`~<=\t\n\\$.0123456789"),
    max_size=12,
).filter(lambda text: not LATER.search(text))  # what is filled in later cannot be written as a text
spans = st.sampled_from([0.5, 10, 10.5, 90, 3600, 5400, 86_400, 172_800])
shares = st.dictionaries(
    st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.sampled_from([0, 0.005, 0.5, 0.95, 0.999, 1]), max_size=3
)
words = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,8}", fullmatch=True)
specs = st.builds(
    SessionSpec,
    name=words,
    image=st.just(IMAGE),
    kind=st.sampled_from(Kind),
    cores=st.none() | st.integers(1, 64) | st.sampled_from([0.5, 2.25]),
    ram=st.none() | st.integers(1, 512),
    gpus=st.none() | st.integers(0, 8),
    replicas=st.integers(1, 1000),
    cmd=st.none() | texts,
    args=st.lists(texts, max_size=4).map(tuple),
    env=st.dictionaries(texts, texts, max_size=3),
    needs=st.lists(words, max_size=2).map(tuple),
    protect=st.booleans(),
    file=st.just("-"),
)
courses = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("parallelism", "pilot", "stop_after", "retries"), st.integers(1, 20)),
        **dict.fromkeys(("retry_wait", "timeout", "pending_timeout", "renew"), spans),
        "retry_ram": st.lists(st.integers(1, 200) | st.sampled_from([0.5, 2.5]), max_size=3).map(tuple),
        "rerun": spans | st.sampled_from(["on-change", "always", "never"]),
        "vanished": st.sampled_from(["hold", "rerun", "complete"]),
        "when_removed": st.sampled_from(["delete", "finish"]),
    },
)
piped = st.tuples(specs, courses, shares).map(
    lambda parts: SessionSpec(
        **{
            **vars(parts[0]),
            **parts[1],
            "needs": (*parts[0].needs[:1], *(f"n-{name}" for name in parts[2])),
            "require": {f"n-{name}": share for name, share in parts[2].items() if share < 1},
        }
    )
)


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.lists(piped, max_size=3, unique_by=lambda spec: spec.key), st.booleans())
def test_written_manifest_is_read_back_unchanged(sessions, escaped):
    remarks = Remarks(("head",), {spec.name: ("why\n- so",) for spec in sessions}, escaped=escaped)
    text = dump("p", sessions, remarks)
    result = load(["-"], root=Path(), stdin=text.encode)
    assert result.diagnostics == ()
    assert result.projects[0].sessions == tuple(sessions)


@pytest.mark.parametrize(
    "text",
    [
        "a #b",
        "#a",
        "a: b",
        "a:",
        "- a",
        "-",
        "--a",
        "? a",
        "?a",
        ":a",
        "a:b",
        "a, b",
        "[a]",
        "{a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "'a'",
        '"a"',
        "%a",
        "@a",
        "`a",
        "---",
        "...",
        " a",
        "a ",
        "",
        "~",
        "0843",
        "a\tb",
        "a\nb",
        "é☆",
        "<<",
        "\ue000:a",
    ],
)
def test_texts_that_resemble_yaml_are_read_back_unchanged(text):
    spec = SessionSpec(name="s", image=IMAGE, cmd=text, args=(text, "x" * 100), env={text: text}, file="-")
    short = spec.model_copy(update={"name": "t", "args": (text, text)})
    result = load(["-"], root=Path(), stdin=dump("p", [spec, short]).encode)
    assert result.diagnostics == ()
    assert result.projects[0].sessions == (spec, short)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_files_does_not_matter(tmp_path, order):
    for index, name in enumerate(("a", "b", "c")):
        text = f"version: 1\nproject: p{index % 2}\ndefaults: {{cores: {index + 1}}}\nsessions:\n"
        (tmp_path / f"{name}.yaml").write_text(
            f"{text}  - {{name: {name}, image: {IMAGE}}}\n  - {{name: z, image: x/y}}\n"
        )
    paths = [tmp_path / f"{'abc'[index]}.yaml" for index in order]
    result = load(paths, root=tmp_path)
    content = {
        project.name: sorted(project.sessions, key=lambda spec: (spec.name, spec.file)) for project in result.projects
    }
    straight = load([tmp_path], root=tmp_path)
    assert content == {
        project.name: sorted(project.sessions, key=lambda spec: (spec.name, spec.file)) for project in straight.projects
    }
    rules = [item.rule for item in check(result.projects)]
    assert sorted(rules) == sorted(item.rule for item in check(straight.projects))
