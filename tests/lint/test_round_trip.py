"""The rules are true: what lint lets pass the sandbox takes unchanged, and what it calls an error the sandbox does not.

The sandbox knows nothing of the rules and shares no code with the client; requests are built as `apply` builds them.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from skaha_apply.lint import Online, check
from skaha_apply.lint.rules import RULES
from skaha_apply.manifest import dump, load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.project import Project, VariableValues
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec
from skaha_apply.planning.replicas import create_request, expand
from skaha_apply.skaha import responses
from skaha_apply.skaha.requests import create_parameters

IMAGE = "images.canfar.net/skaha/astroml:24.07"
OK = 200
BLOCKER = "zz-blocker"
MOST = 2  # replicas of a session that are created
NASTY = " \t\n\r\"'\\$#%&*!|>=:,;[]{}()~`@?^-_./+é☆\u00a0\u0085\u2028\ufeff\ufffe\x00\x07\x7f\U0001f52d"
SHARED = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Words of YAML: some arrive, some are refused, some rename a variable.
WORDS_TEXT = """
y Y n N yes No ON off True FALSE null NULL ~ << = 0o7 -0o17 0o644 0O17 0X1F 0x1F 0B11 0b11 0_x1 -08 +08 08 0089 -007
+007 007 +0800 +0530 0800 -0_9 0_9 +_1 1_000 +0_ 0_ 1e_1 1e3 1e1_ -1.5e1_ .5e1 -.5 .5 1:30 2026-01-02 .inf -.inf .nan
0b+1 +.5 1. - -- . ..
"""
WORDS = WORDS_TEXT.split()
OTHER_SCRIPTS = "éČžñß☆日本한Ωﬁ€\u2013\u0301\U0001f52d\U0001d49c"
UNSEEN = "\u200b\u00a0\u00ad\u202e\u2066\u200f\u2060\u3000\u3164\ufeff"
LONG = ["x" * 9000, "é" * 3000, "日" * 2000, "a/" * 3000, "-" * 4000]
numbers = st.text("+-01789_.xXoObBeE", min_size=1, max_size=6)
wide = (
    st.sampled_from(WORDS)
    | numbers
    | st.text("ab1-_./,:" + OTHER_SCRIPTS + UNSEEN, min_size=1, max_size=6)
    | st.sampled_from(LONG)
)
plain = st.text("ab1-_./=,:", max_size=8)
short = (
    plain
    | st.text(st.sampled_from("ab1" + NASTY), max_size=8)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
)
texts = short | wide
programs = texts.map(lambda text: f"/no/such/program{text}")  # nothing is to be run
variables = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True) | st.sampled_from(WORDS) | numbers | short
# What kubectl reads as a boolean or a number; tests/lint/test_yaml_words.py has more of them.
REFUSED_TEXT = """
y Y n N 0o7 -0o17 +0O17 0o_7 0X1F 0B11 0_x1 -08 +0800 -0_9 +_1 -_.8 +0_ 1e_1 1e1_
"""
REFUSED = REFUSED_TEXT.split()
images = st.sampled_from(
    [IMAGE, "images.canfar.net/skaha/carta:5.0", "images.canfar.net/x/y:1", "skaha/astroml:24.07", "x", " "]
)
amounts = st.none() | st.integers(1, 200) | st.sampled_from([0.5, 0.99, 1.5, 2.25, 16.9, 17.1, 192.5])
names = (
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,6}", fullmatch=True)
    | texts.filter(bool)
    | st.sampled_from(["a" * 63, "a" * 64, "-"])
)
specs = st.builds(
    SessionSpec,
    name=names,
    image=st.just(IMAGE) | images,
    kind=st.just(Kind.HEADLESS) | st.sampled_from(Kind),
    cores=st.none() | amounts,
    ram=st.none() | amounts,
    gpus=st.none() | st.integers(0, 40),
    replicas=st.sampled_from([1, 1, 2, 12]),
    cmd=st.none() | programs,
    args=st.lists(texts, max_size=3).map(tuple),
    env=st.dictionaries(variables, texts, max_size=2),
    file=st.just("-"),
)


mild = st.builds(
    SessionSpec,
    name=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,6}[A-Za-z0-9])?", fullmatch=True),
    image=st.just(IMAGE),
    cores=st.none() | st.sampled_from([1, 2.9, 16]),
    ram=st.none() | st.sampled_from([1, 4.5, 192]),
    cmd=st.none() | programs,
    args=st.lists(
        plain | wide | st.text(NASTY.translate(dict.fromkeys(map(ord, ' \\"$\n\r'))), max_size=4), max_size=3
    ).map(tuple),
    env=st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True) | st.sampled_from(WORDS),
        plain | wide,
        max_size=2,
    ),
    file=st.just("-"),
)


@pytest.fixture
def idle(sandbox):
    """A sandbox that creates what it is asked for and runs nothing, and what it offers."""
    empty(sandbox)
    return sandbox, offer_of(sandbox)


def empty(sandbox):
    """Forget everything; one long session takes the only slot, so that no other one starts."""
    sandbox.reset()
    sandbox.settings(slots=1)
    assert sandbox.create(name=BLOCKER, cmd="sleep", args="600").status_code == OK


def made(sandbox):
    return [one for one in sandbox.sessions() if one["name"] != BLOCKER]


def offer_of(sandbox):
    context = responses.read_context(sandbox.get("/context").content)
    images_ = responses.read_images(sandbox.get("/image").content)
    registries = responses.read_registries(sandbox.get("/repository").content)
    return type(context)(cores=context.cores, ram=context.ram, gpus=context.gpus, images=images_, registries=registries)


def posted(sandbox, parameters):
    body = urlencode(parameters, errors="surrogatepass").encode("ascii")
    return sandbox.http.post(
        "/skaha/v1/session", content=body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    )


def differences(sandbox, project):
    """What did not arrive as it was written: for each created replica the refusal, or the fields that differ."""
    found = []
    for replica in expand(project):
        if replica.replica > MOST:
            continue
        spec = replica.spec.filled(replica.replica, project.secrets)
        request = create_request(replica, project.name, 1, project.secrets)
        parameters = create_parameters(request)
        if spec.gpus == 0:  # the value of the manifest, which the client would leave out
            parameters.append(("gpus", "0"))
        reply = posted(sandbox, parameters)
        if reply.status_code != OK:
            found.append(reply.text)
            continue
        arrived = next(one for one in made(sandbox) if one["id"] == reply.text.strip())
        wanted = {"name": replica.name, "image": spec.image, "kind": str(spec.kind)}
        if spec.kind is Kind.HEADLESS and spec.cmd is not None:
            wanted["argv"] = [spec.cmd, *spec.args]
        elif spec.kind is Kind.HEADLESS:  # the sandbox has no images: it shows what their program would get
            assert arrived["argv"][0] == "echo"
            arrived["argv"] = arrived["argv"][1].rpartition("arguments: ")[2]
            wanted["argv"] = str(list(spec.args))
        listed = {key: arrived[key] for key in wanted}
        found += [(key, listed[key], wanted[key]) for key in wanted if listed[key] != wanted[key]]
        found += [
            (name, arrived["env"].get(name), value)
            for name, value in spec.env.items()
            if arrived["env"].get(name) != value
        ]
    return found


def good(**changes):
    return SessionSpec(**{"name": "one", "image": IMAGE, "cmd": "/no/such/program", "file": "-"} | changes)


inner = st.text("ab1", max_size=3)
around = lambda middle: st.tuples(inner, middle, inner).map("".join)  # noqa: E731 - a word for what follows
anywhere = lambda text: st.sampled_from([{"args": ("x", text, "y")}, {"env": {"A": text}}, {"cmd": f"/no/such/{text}"}])  # noqa: E731
# control-character has U+2028 and U+2029 as well, which some YAML readers take for line ends, and not this one.
SERVER_RULES = {
    "arg-empty": inner.map(lambda text: {"args": (f"x{text}", "")}),
    "arg-space": around(st.text(" ", min_size=1, max_size=3)).map(lambda text: {"args": (text, "x")}),
    "control-character": around(st.sampled_from("\n\r\x85\x00\x07\x1b\x7f\x9f\ufffe\uffff")).flatmap(anywhere),
    "env-name": st.sampled_from(
        [
            "1A",
            "A B",
            "é",
            "A/B",
            "A=B",
            "",
            "A+",
            "NO",
            "OFF",
            "on",
            "Yes",
            "TRUE",
            "y",
            "N",
            "null",
            "~",
            "-08",
            "-007",
            "-.5",
            "-1e3",
            ".inf",
            "'A'",
            "[A]",
            "A #",
            "A:B",
            "-",
            ".",
            "..A",
        ]
    ).map(lambda name: {"env": {name: "x"}}),
    "env-reserved": st.sampled_from(
        [
            "HOME",
            "PWD",
            "OMP_NUM_THREADS",
            "skaha_hostname",
            "skaha_username",
            "skaha_sessionid",
            "REPLICA_ID",
            "REPLICA_COUNT",
            "SKAHA_APPLY_RUN",
            "SKAHA_APPLY_PROJECT",
            "SKAHA_APPLY_ATTEMPT",
        ]
    ).map(lambda name: {"env": {name: "zz"}}),
    "env-value": (st.just("") | around(st.text("=", min_size=1, max_size=2))).map(lambda text: {"env": {"A": text}}),
    "gpus-zero": st.just({"gpus": 0}),
    "headless-only": st.sampled_from(
        [
            {"kind": kind, **part}
            for kind in Kind
            if kind.interactive
            for part in ({"cmd": "x"}, {"args": ("x",)}, {"env": {"A": "x"}})
        ]
    ),
    "image-name": st.sampled_from(["skaha/astroml:24.07", "astroml", " ", f"https://{IMAGE}", "example.org/x/y:1"]).map(
        lambda image: {"image": image}
    ),
    "image-unlisted": st.sampled_from([f"{IMAGE}x", "images.canfar.net/me/x:1"]).map(lambda image: {"image": image}),
    "resources-below-one": st.tuples(st.sampled_from(["cores", "ram"]), st.sampled_from([0.1, 0.5, 0.999])).map(
        lambda pair: dict([pair])
    ),
    "server-escape": around(st.sampled_from(["$", "\\", '"', "$HOME", "${x}", "$0", "$1", '","', "\\n"])).flatmap(
        anywhere
    ),
    "session-name": st.sampled_from(["a_b", "a.b", "é", "-a", "a-", "-", "a b", "a" * 64, "a\n"]).map(
        lambda name: {"name": name}
    )
    | st.just({"name": "a" * 62, "replicas": 2}),
    "stock-options": st.sampled_from([{"cores": 17}, {"ram": 3}, {"ram": 5.5}, {"ram": 18}, {"ram": 22}, {"gpus": 29}]),
    "yaml-word": st.sampled_from(REFUSED).flatmap(
        lambda word: st.sampled_from([{"args": ("x", word)}, {"args": (word,)}, {"env": {"A": word}}, {"cmd": word}])
    ),
}
# These errors do not come from the response to one request.
ELSEWHERE = {
    "arg-shifted": "the server has no tables, and takes the remaining arguments",
    "cmd-space": "the program is not found; test_programs_with_a_space_are_not_found",
    "name-collision": "the server takes both; test_the_server_takes_one_name_twice",
    "needs-cycle": "would wait for ever; the server knows no needs",
    "needs-unknown": "would wait for ever; the server knows no needs",
    "project-case": "two memories of one project; the server knows no projects",
    "replica-count": "a limit of plans",
    "request-size": "Tomcat's; test_requests_of_more_than_2_mib_are_not_parsed",
}


nasty_change = texts.flatmap(
    lambda text: anywhere(text) | st.sampled_from([{"name": text or "x"}, {"image": IMAGE + text}])
)
near = st.tuples(mild, nasty_change | st.one_of(*SERVER_RULES.values())).map(
    lambda pair: pair[0].model_copy(update=pair[1])
)


@given(st.lists(near, min_size=1, max_size=1) | st.lists(mild | specs, min_size=1, max_size=2))
@SHARED
def test_what_lint_lets_pass_arrives_unchanged(idle, sessions):
    sandbox, offer = idle
    loaded = load(["-"], root=Path(), stdin=dump("p", sessions).encode)
    assert loaded.diagnostics == ()
    errors = [one for one in check(loaded.projects, online=Online(offer)) if one.severity is Severity.ERROR]
    event("refused" if errors else "sent")
    if errors:
        return
    empty(sandbox)
    assert differences(sandbox, loaded.projects[0]) == []


@pytest.mark.slow
def test_a_thousand_manifests_that_lint_accepts_arrive(idle):
    sandbox, offer = idle

    @given(st.lists(mild, min_size=1, max_size=2))
    @settings(SHARED, max_examples=1000, suppress_health_check=list(HealthCheck))
    def arrives(sessions):
        loaded = load(["-"], root=Path(), stdin=dump("p", sessions).encode)
        assert loaded.diagnostics == ()
        assume(not any(one.severity is Severity.ERROR for one in check(loaded.projects, online=Online(offer))))
        empty(sandbox)
        assert differences(sandbox, loaded.projects[0]) == []

    arrives()


calm = st.text(
    "ab1-./:,"
    + OTHER_SCRIPTS
    + UNSEEN
    + NASTY.translate(dict.fromkeys(map(ord, ' =\\"$\n\r\0\x07\x7f\x85\u2028\ufffe'))),
    max_size=5,
) | st.sampled_from(WORDS)
wild = st.text(st.sampled_from("ab1" + NASTY), max_size=4).filter(lambda text: "${" not in text)
references = ["${tile}", "${slug.tile}", "${var.night}", "${var.token}", "${replica.id}/${replica.count}"]


@st.composite
def pipelines(draw):
    """A manifest with a matrix and variables as JSON, which is YAML, and the sensitive value; few texts are wild."""
    odds = draw(st.sampled_from([0, 0, 0, 9]))

    def piece():
        return draw(wild if odds and draw(st.integers(0, 9)) == 0 else calm) or "a"

    def text():
        return "".join(piece() if draw(st.booleans()) else draw(st.sampled_from(references)) for _ in "12") + "."

    tiles = list(dict.fromkeys([piece(), piece()]))
    session = {
        "name": "s-${slug.tile}-0",
        "matrix": {"tile": tiles, "include": [{"tile": tiles[-1], "env": {"B": text()}}]},
        "image": IMAGE,
        "cmd": draw(st.sampled_from(["/no/such/program", "/no/such/${slug.tile}"])),
        "args": [text() for _ in range(draw(st.integers(0, 2)))],
        "env": {name: text() for name in draw(st.sampled_from(["", "A", "AB"]))},
        "replicas": draw(st.sampled_from([1, 2])),
    }
    variables = {"night": {"default": piece()}, "token": {"sensitive": True}}
    manifest = {"version": 1, "project": "p", "variables": variables, "sessions": [session]}
    return json.dumps(manifest), piece()


@given(pipelines())
@SHARED
def test_what_lint_lets_pass_of_a_matrix_arrives_filled_in(idle, drawn):
    sandbox, offer = idle
    text, token = drawn
    loaded = load(["-"], root=Path(), stdin=text.encode, given=VariableValues({"token": token}))
    errors = loaded.diagnostics or [
        one for one in check(loaded.projects, online=Online(offer)) if one.severity is Severity.ERROR
    ]
    event("refused" if errors else "sent")
    if errors:
        return
    empty(sandbox)
    assert differences(sandbox, loaded.projects[0]) == []


def test_every_error_is_proven_or_has_a_reason_why_not():
    errors = {rule.id for rule in RULES if rule.severity is Severity.ERROR} | {"stock-options"}
    assert set(SERVER_RULES) | set(ELSEWHERE) == errors


@pytest.mark.parametrize("rule", SERVER_RULES)
def test_what_lint_calls_an_error_does_not_arrive_as_written(idle, rule):
    sandbox, offer = idle

    @given(SERVER_RULES[rule])
    @settings(SHARED, max_examples=15)
    def proven(changes):
        spec = good(**changes)
        project = Project("p", (spec,), files=("-",))
        assert rule in {one.rule for one in check([project], online=Online(offer)) if one.severity is Severity.ERROR}
        empty(sandbox)
        if rule == "headless-only":
            assert not set(spec.env) & set(created_by_hand(sandbox, spec)["env"])
        else:
            assert differences(sandbox, project) != []

    proven()


def created_by_hand(sandbox, spec):
    """An interactive session with cmd, args and env in its request, which the client leaves out."""
    parameters = [("name", spec.name), ("image", spec.image), ("type", str(spec.kind)), ("cmd", spec.cmd or "")]
    parameters += [("args", " ".join(spec.args)), *(("env", f"{name}={value}") for name, value in spec.env.items())]
    reply = posted(sandbox, parameters)
    assert reply.status_code == OK, reply.text
    (arrived,) = made(sandbox)
    assert spec.cmd is None or spec.cmd not in arrived["argv"]
    assert not set(spec.args) & set(arrived["argv"])
    return arrived


def test_programs_with_a_space_are_not_found(sandbox):
    for cmd in ("true ", " true", "bash -c", "true\tx", ""):
        assert [one.rule for one in check([Project("p", (good(cmd=cmd),))])] == ["cmd-space"]
        sandbox.reset()
        assert sandbox.create(cmd=cmd).status_code == OK
        sandbox.wait_until(lambda: sandbox.get().json()[0]["status"] == "Failed")


def test_the_server_takes_one_name_twice(idle):
    sandbox, _ = idle
    assert [sandbox.create(name=name).status_code for name in ("Tile-2", "tile-2")] == [OK, OK]
    assert {one["name"] for one in made(sandbox)} == {"tile-2"}


def test_requests_of_more_than_2_mib_are_not_parsed(idle):
    sandbox, _ = idle
    spec = good(args=("x" * (2 << 20),))
    assert [one.rule for one in check([Project("p", (spec,))])] == ["request-size"]
    assert differences(sandbox, Project("p", (spec,))) == ["Missing parameter 'image'\n"]
