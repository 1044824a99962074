"""`fmt`: one layout, no comment lost, the same meaning, and nothing to do the second time."""

from __future__ import annotations

import re
import textwrap
from contextlib import chdir, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skaha_apply.manifest import dump, formatted, load
from skaha_apply.manifest.fields.session_fields import CANONICAL, SESSION_FIELDS
from skaha_apply.manifest.generate.yaml_writer import scalar
from skaha_apply.model.errors import ManifestError
from skaha_apply.model.project import MissingValues, VariableValues
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec

ROOT = Path(__file__).parents[2]
IMAGE = "images.canfar.net/skaha/astroml:24.07"


def fmt(text):
    """The formatted text, after a check of what every formatting must keep."""
    data = text if isinstance(text, bytes) else text.encode()
    made = formatted(data, "m.yaml")
    assert formatted(made, "m.yaml") == made
    assert meaning(made) == meaning(data)
    return made.decode()


def meaning(data):
    result = load(["-"], root=Path(), stdin=lambda: data, given=VariableValues(missing=MissingValues.ANY), lists=False)
    assert result.diagnostics == ()
    return [(project.name, project.sessions) for project in result.projects]


CASES = {
    "order": (
        """\
        sessions:
          - image: host.org/a/b:1
            args: [x]
            name: a
        version: 1
        project: p
        """,
        """\
        version: 1
        project: p
        sessions:
          - name: a
            image: host.org/a/b:1
            args: [x]
        """,
    ),
    "indentation": (
        """\
        version: 1
        project: p
        defaults:
            env:
                  A: b
        sessions:
        -   name: a
            image: host.org/a/b:1
            args:
            - x
            -   y
        """,
        """\
        version: 1
        project: p
        defaults:
          env:
            A: b
        sessions:
          - name: a
            image: host.org/a/b:1
            args:
              - x
              - y
        """,
    ),
    "spaces and blank lines": (
        """\


        version:   1
        project:  p


        sessions: [ {name:   a,image: "host.org/a/b:1" , args: [ -c , 'x  y',z ], env: { } } ]   \n

        """,
        """\
        version: 1
        project: p

        sessions: [{name: a, image: "host.org/a/b:1", args: [-c, 'x  y', z], env: {}}]
        """,
    ),
    "comments move with what they are about": (
        """\
        # yaml-language-server: $schema=x
        # head
        project: p # behind
        version: 1   # far behind
        sessions:
        # above a
          - image: host.org/a/b:1
            # above the name
            name: a
            cmd: x
            # below a

        # above b
          - # behind the dash
            image: host.org/a/b:1
            name: b
        # foot
        """,
        """\
        # yaml-language-server: $schema=x
        # head
        version: 1   # far behind
        project: p  # behind
        sessions:
          # above a
          # above the name
          - name: a
            image: host.org/a/b:1
            cmd: x
            # below a

          # above b
          -  # behind the dash
            name: b
            image: host.org/a/b:1
        # foot
        """,
    ),
    "anchors, merges and tags": (
        """\
        x-big:   &big   {cores: 2, ram: 8}
        x-env: &env
            A:   b
        version: 1
        project: p
        defaults:   {image: host.org/a/b:1}
        sessions:
          - cmd: &c   python
            <<:   *big
            name: a
          - env:    *env
            cmd: *c
            name: !!str b
        """,
        """\
        version: 1
        project: p
        x-big: &big {cores: 2, ram: 8}
        x-env: &env
          A: b
        defaults: {image: host.org/a/b:1}
        sessions:
          - name: a
            <<: *big
            cmd: &c   python
          - name: !!str b
            cmd: *c
            env: *env
        """,
    ),
    "texts over several lines": (
        """\
        version: 1
        project: p
        sessions:
        - image: host.org/a/b:1
          env:
             A: |
                 one
                   two

             B: "one
                two \\
                  three"
             C: one
              two
          args: [a,
           # inside
                b, 'c' ]
          name: s
        """,
        """\
        version: 1
        project: p
        sessions:
          - name: s
            image: host.org/a/b:1
            args: [a,
                # inside
                b, 'c']
            env:
              A: |
                  one
                    two

              B: "one
                two \\
                three"
              C: one
                two
        """,
    ),
    "what cannot move stays": (
        """\
        version: 1
        project: p
        defaults: &d {image: host.org/a/b:1}
        x-later: *d
        sessions: []
        """,
        """\
        version: 1
        project: p
        defaults: &d {image: host.org/a/b:1}
        x-later: *d
        sessions: []
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    before, after = map(textwrap.dedent, CASES[name])
    assert fmt(before) == after


def test_line_ends_are_those_of_the_first_line_and_a_byte_order_mark_goes():
    text = b"\xef\xbb\xbfversion: 1\r\nproject:  p\nsessions: []"
    assert formatted(text, "m") == b"version: 1\r\nproject: p\r\nsessions: []\r\n"
    assert formatted(text.replace(b"\r", b""), "m") == b"version: 1\nproject: p\nsessions: []\n"


def test_location_of_an_ignore_comment_counts():
    text = textwrap.dedent(
        f"""\
        version: 1
        project: p
        sessions:
          # skaha-apply: ignore[image-tag]
          - image: {IMAGE}
            # skaha-apply: ignore[session-name]
            name: a_b
        """
    )
    before = load(["-"], root=Path(), stdin=text.encode).projects[0]
    after = load(["-"], root=Path(), stdin=lambda: formatted(text.encode(), "m")).projects[0]

    def switched_off(project):
        lines = {(one.rule, one.line) for one in project.ignores}
        return {(rule, path) for rule, line in lines for path, at in project.locations.items() if at.line == line}

    assert switched_off(after) == switched_off(before)


@pytest.mark.parametrize("text", [b"\xff", b"", b"a: [", b"version: 1\nproject: p\nsessions: [{name: a}]\n"])
def test_file_that_is_not_a_manifest_is_refused_with_its_location(text):
    with pytest.raises(ManifestError) as caught:
        formatted(text, "m.yaml")
    assert caught.value.diagnostics[0].location.file == "m.yaml"


def test_every_key_has_its_position():
    assert sorted(CANONICAL) == sorted(field.name for field in SESSION_FIELDS)


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_of_the_repository_are_formatted(path):
    assert fmt(path.read_bytes()) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [ROOT / "docs/manifest.md", *sorted((ROOT / "docs/rules").glob("*.md"))])
def test_manifests_of_the_documentation_are_formatted(page):
    for block in re.findall(r"```yaml\n(version: .*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        assert fmt(block) == block


words = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
texts = st.text(st.sampled_from("ab:#-[]{}&*!|>'\"%@ \t\\é=,?"), max_size=8)
specs = st.builds(
    SessionSpec,
    name=words,
    image=st.just(IMAGE),
    kind=st.sampled_from(Kind),
    cores=st.none() | st.integers(1, 64),
    gpus=st.none() | st.integers(1, 8),
    cmd=st.none() | texts,
    args=st.lists(texts, max_size=3).map(tuple),
    env=st.dictionaries(texts, texts, max_size=3),
    protect=st.booleans(),
    file=st.just("-"),
)


@settings(deadline=None, max_examples=2 * settings().max_examples // 5)
@given(st.lists(specs, max_size=3, unique_by=lambda spec: spec.key))
def test_generated_manifests_are_formatted(sessions):
    text = dump("p", sessions)
    assert fmt(text) == text


@st.composite
def messy(draw):  # noqa: C901 - a dozen small choices in a row
    """A manifest as people leave it: any order, indentation and gaps, with comments that are all different."""
    count = iter(range(1000))
    blanks = st.integers(0, 2).map(lambda number: "\n" * number)
    gap = st.integers(1, 4).map(lambda number: " " * number)

    def remark(margin):
        return f"{margin}# c{next(count)}\n" if draw(st.booleans()) else ""

    def behind():
        return f"{draw(gap)}# c{next(count)}" if draw(st.integers(0, 3)) == 0 else ""

    def value(item, margin):  # noqa: PLR0911 - one for each way to write it
        if isinstance(item, dict):
            if draw(st.booleans()):
                inner = f",{draw(gap)}".join(
                    f"{scalar(k, flow=True)}:{draw(gap)}{scalar(v, flow=True)}" for k, v in item.items()
                )
                return f"{draw(gap)}{{{inner}}}{behind()}\n"
            step = margin + draw(gap)
            return f"{behind()}\n" + "".join(
                f"{remark(step)}{step}{scalar(k)}:{draw(gap)}{scalar(v)}{behind()}\n" for k, v in item.items()
            )
        if isinstance(item, tuple):
            style = draw(st.integers(0, 2))
            if style == 0:
                return f"{draw(gap)}[{', '.join(scalar(one, flow=True) for one in item)}]{behind()}\n"
            if style == 1:
                inner = f",{behind()}\n{margin}  ".join(scalar(one, flow=True) for one in item)
                return f" [\n{margin}  {inner}\n{margin} ]{behind()}\n"
            step = margin + " " * draw(st.integers(0, 3))
            return f"{behind()}\n" + "".join(
                f"{remark(step)}{step}-{draw(gap)}{scalar(one)}{behind()}\n" for one in item
            )
        if draw(st.integers(0, 5)) == 0:
            return f" |-\n{margin}    {item}\n" if item.isalnum() else f" {scalar(item)}\n"
        return f"{draw(gap)}{scalar(item)}{behind()}\n"

    def session(spec, margin):
        keys = {name: getattr(spec, name) for name in CANONICAL if name != "matrix"}
        defaults = SessionSpec(name="x", image="x")
        keys = {name: one for name, one in keys.items() if name in ("name", "image") or one != getattr(defaults, name)}
        dash = "-" + draw(gap)
        inner = margin + " " * len(dash)
        made = ""
        for name in draw(st.permutations(sorted(keys))):
            one = keys[name]
            if name in ("cores", "gpus", "protect"):
                one = str(one).lower()
                written = f"{draw(gap)}{one}{behind()}\n"
            else:
                written = value(str(one) if name == "kind" else one, inner)
            start = f"{margin}{dash}" if not made else f"{draw(blanks)}{remark(inner)}{inner}"
            made += f"{start}{name}:{written}"
        return f"{draw(blanks)}{remark(margin)}{made}"

    margin = " " * draw(st.integers(0, 3))
    sessions = draw(st.lists(specs, min_size=1, max_size=3, unique_by=lambda spec: spec.key))
    top = {
        "version": f"version:{draw(gap)}1{behind()}\n",
        "project": f"project:{draw(gap)}p{behind()}\n",
        "defaults": f"defaults:{value({'x': 'y'}, '').replace('x', 'kind', 1).replace('y', 'carta', 1)}",
        "x-own": f"x-own:{value(('a', 'b'), '')}",
        "sessions": f"sessions:{behind()}\n{''.join(session(spec, margin) for spec in sessions)}",
    }
    return "".join(f"{draw(blanks)}{remark('')}{top[name]}" for name in draw(st.permutations(sorted(top))))


@settings(deadline=None, max_examples=3 * settings().max_examples // 5)
@given(messy())
def test_manifests_as_people_write_them(text):
    made = fmt(text)
    assert sorted(re.findall(r"# c\d+", made)) == sorted(re.findall(r"# c\d+", text))
    keys = re.findall(r"^([a-z-]+):", made, re.MULTILINE)
    assert keys == ["version", "project", "x-own", "defaults", "sessions"]
    for line in made.splitlines():
        assert line == line.rstrip() or "|" in made
        assert not re.match(r"(?:  )* (?:-|[a-z]+:)", line), made
    assert "\n\n\n" not in made


SEED = (
    Path(__file__)
    .with_name("test_manifest_fuzz.py")
    .read_text(encoding="utf-8")
    .partition('f"""')[2]
    .partition('"""')[0]
)


@settings(deadline=None, max_examples=4 * settings().max_examples // 5)
@given(st.data())
def test_damage_is_refused_or_survives(data):
    damaged = bytearray(SEED.replace("{{", "{").replace("}}", "}").replace("{IMAGE}", IMAGE).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        cut = data.draw(st.integers(0, 6))
        damaged[at : at + cut] = data.draw(
            st.sampled_from(
                [b"*a", b"&b ", b": ", b"- ", b"\n", b"#", b" ", b"  ", b"? ", b"|", b"'", b'"', b",", b"[", b"}"]
            )
        )
    with suppress(ManifestError):
        fmt(bytes(damaged))


AXES = {"tile": ["t001", "270.280", "0843"], "band": ["r", "g"]}


@st.composite
def pipelines(draw):
    """Manifests with variables, matrices and needs as a tree, in any order of keys and any mix of styles."""

    def some(**keys):
        names = draw(st.lists(st.sampled_from(sorted(keys)), unique=True)) if keys else []
        return {name: draw(keys[name]) if isinstance(keys[name], st.SearchStrategy) else keys[name] for name in names}

    def matrix():
        if draw(st.integers(0, 3)) == 0:
            return {"rows": {"file": "fields.csv"}}, ["tile", "band"]
        names = draw(st.lists(st.sampled_from(sorted(AXES)), min_size=1, unique=True))
        axes = {name: draw(st.sampled_from([AXES[name], {"file": f"{name}.txt"}])) for name in names}
        changed = {"tile": "t001", **some(ram="64", args=["x", "${var.night}"], env={"A": "b"})}
        extra = {}
        if "tile" in names and len(changed) > 1:
            extra = some(include=[changed], exclude=[{"tile": "0843"}])
        return {**axes, **extra}, names

    course = {
        "parallelism": "8",
        "retries": "2",
        "retry_wait": "1m",
        "stop_after": "5",
        "timeout": "12h",
        "rerun": "1d",
        "vanished": "rerun",
        "when_removed": "finish",
        "pilot": "1",
        "env": {"NIGHT": "${var.night}", "TOKEN": "${var.token}", "ID": "${replica.id}/${replica.count}"},
        "cores": "${var.cores}",
    }
    made, names = matrix()
    suffix = "-".join(f"${{{name}}}" for name in names)
    first = {
        "name": f"a-{suffix}",
        "matrix": made,
        "image": IMAGE,
        "args": [f"${{{names[0]}}}", "$${x}"],
        **some(**course),
    }
    second = {"name": f"b-{suffix}", "matrix": made, "needs": [f"a-{suffix}"], "image": IMAGE, **some(**course)}
    third = {"name": "c", "needs": [{"name": f"b-{suffix}", "require": "95%"}], "image": IMAGE, **some(**course)}
    tree = {
        "version": "1",
        "project": "p",
        "variables": {"night": {"default": "2026-11-22"}, "token": {"sensitive": "true"}, "cores": {}},
        "sessions": [first, second, third],
        **some(max_active={"project": "200", "account": "250"}, state="https://example.org/state"),
        **some(defaults={"cmd": "bash", "retries": "1", "rerun": "never"}),
    }
    return "".join(f"{line}\n" for line in _written(draw, tree, 0))


def _written(draw, tree, depth):
    """The lines of a tree; `{}` and what is drawn so in one line."""
    step = " " * draw(st.integers(1 if depth else 0, 3)) if depth else ""
    rows = draw(st.permutations(sorted(tree))) if isinstance(tree, dict) else range(len(tree))
    for key in rows:
        child = tree[key]
        start = f"{step}{key}:" if isinstance(tree, dict) else f"{step}-"
        if draw(st.integers(0, 5)) == 0:
            yield f"{step}# c{draw(st.integers(0, 99))}"
        if isinstance(child, str) or not child or (depth and draw(st.booleans())):
            yield f"{start} {_flow(child)}" + draw(st.sampled_from(["", "", "  # c7"]))
        else:
            yield start
            yield from (f"{step} {line}" for line in _written(draw, child, depth + 1))


def _flow(tree):
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {_flow(child)}" for key, child in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(_flow, tree)) + "]"
    return (
        f'"{tree}"'
        if "${" in tree and not tree.startswith("${var.cores")
        else tree.replace("${var.cores}", '"${var.cores}"')
    )


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    for name, values in AXES.items():
        (folder / f"{name}.txt").write_text("\n".join(values), encoding="utf-8")
    (folder / "fields.csv").write_text("tile,band,ram\nt001,r,\n0843,g,64\n", encoding="utf-8")
    return folder


@settings(deadline=None, max_examples=4 * settings().max_examples // 5)
@given(pipelines())
def test_pipelines_mean_the_same_with_and_without_their_lists(lists, text):
    made = fmt(text)  # here the lists are not there
    keys = re.findall(r"^([a-z_]+):", made, re.MULTILINE)
    order = ["version", "project", "state", "max_active", "variables", "defaults", "sessions"]
    assert keys == [key for key in order if key in keys]
    given_values = VariableValues({"cores": "2", "token": "s"})
    with chdir(lists):
        before, after = (load(["-"], root=Path(), stdin=one.encode, given=given_values) for one in (text, made))
    assert before.diagnostics == ()
    assert [(one.sessions, one.max_active, one.state) for one in before.projects] == [
        (one.sessions, one.max_active, one.state) for one in after.projects
    ]
    assert len(before.projects[0].sessions) >= 3


@pytest.mark.parametrize("include", ["{name: COSMOS, ram: 64}", "{band: r, args: [a]}", "{ram: 64, cores: 2}"])
def test_columns_of_a_table_that_is_not_there(include):
    matrix = f"{{rows: {{file: no.csv}}, include: [{include}]}}"
    keys = f"  - name: s-${{field}}\n    matrix: {matrix}\n    image: {IMAGE}\n"
    text = f"version: 1\nproject: p\nsessions:\n{keys}"
    assert fmt(text) == text


def test_the_order_of_a_pipeline():
    text = """\
sessions:
  - stop_after: 3
    retries: 2
    args: [x]
    parallelism: 4
    matrix: {tile: [a, b]}
    needs: [{name: r, require: 95%}]
    protect: true
    name: m-${tile}
    renew: 1d
    image: images.canfar.net/skaha/astroml:24.07
variables: {night: {}}
max_active: 3
state: here
project: p
version: 1
"""
    made = fmt(text)
    assert re.findall(r"^(?:  [- ] )?([a-z_]+):", made, re.MULTILINE) == [
        *("version", "project", "state", "max_active", "variables", "sessions"),
        *("name", "matrix", "needs", "image", "parallelism", "args", "retries", "stop_after", "renew", "protect"),
    ]
