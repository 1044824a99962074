"""Every rule finds its bad example and nothing in its good one; further cases; the pages are up to date."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from skaha_apply.lint import Online, check
from skaha_apply.lint.docs import manifest, pages
from skaha_apply.lint.rules import RULES
from skaha_apply.manifest import SYNTAX_RULES, load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.request import Offer

ROOT = Path(__file__).parents[2]
IMAGE = "images.canfar.net/skaha/astroml:24.07"
BY_ID = {rule.id: rule for rule in RULES}


def linted(*texts, **options):
    """The diagnostics of several manifests of one invocation."""
    found = [load(["-"], root=Path(), stdin=text.encode) for text in texts]
    assert [result.diagnostics for result in found] == [()] * len(found)
    return check([project for result in found for project in result.projects], **options)


def in_session(body, **options):
    text = f"version: 1\nproject: p\nsessions:\n  - name: s\n    image: {IMAGE}\n{textwrap.indent(body, '    ')}\n"
    return linted(text, **options)


def rules(found):
    return [item.rule for item in found]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples(rule):
    assert rules(linted(manifest(rule.good))) == []
    if rule.bad:
        found = linted(manifest(rule.bad))
        assert set(rules(found)) == {rule.id}
        assert {item.severity for item in found} == {rule.severity}
        for item in found:
            assert item.summary
            assert item.detail
            assert "^" in item.snippet


def test_the_pages_are_fresh():
    folder = ROOT / "docs/rules"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")} == pages()


@pytest.mark.parametrize("name", [name for name in pages() if name != "README.md"])
def test_the_texts_of_a_page_are_whole_sentences(name):
    """Each paragraph ends with a period, and two sentences have a blank between them."""
    text = re.sub(r"(?ms)^```.*?^```", "", pages()[name])
    paragraphs = [one.strip() for one in text.split("\n\n") if one.strip() and not one.startswith("#")]
    assert len(paragraphs) >= 3
    for paragraph in paragraphs:
        assert paragraph.endswith((".", ".)", ":")), paragraph
        assert not re.search(r"[a-z]{2}\.[A-Za-z]{2}", re.sub(r"`[^`]*`", "", paragraph)), paragraph


def test_ids_are_unique_and_no_form_rule():
    assert len(BY_ID) == len(RULES)
    assert not BY_ID.keys() & SYNTAX_RULES.keys()


CASES = [
    # what is sent as a program
    ("cmd: bash -c", ["cmd-space"]),
    ('cmd: ""', ["cmd-space"]),
    ('cmd: "  "', ["cmd-space"]),
    ('cmd: "python "', ["cmd-space"]),
    ("cmd: [python, a b]", ["arg-space"]),
    ("cmd: $SHELL", ["server-escape"]),
    ("cmd: p\nargs: [$HOME]", ["server-escape"]),
    ("cmd: p\nargs: ['$${x}']", ["server-escape"]),
    ("cmd: p\nargs: [$0]", ["server-escape"]),
    ("cmd: p\nargs: ['a\"b']", ["server-escape"]),
    ("cmd: p\nargs: ['a\\b']", ["server-escape"]),
    ("cmd: p\nargs: ['\\$HOME'] # skaha-apply: ignore[server-escape]", []),
    ("cmd: p\n# skaha-apply: ignore[server-escape]\nargs: ['\\$HOME']", []),
    ("cmd: p\n# skaha-apply: ignore[arg-space]\nargs: ['\\$HOME']", ["unused-ignore", "server-escape"]),
    ("cmd: p # skaha-apply: ignore[arg-spaces]", ["unused-ignore"]),
    ("cmd: p # skaha-apply: ignore[wrong-type, unused-ignore]", []),
    ("kind: notebook\nreplicas: 2", []),
    ("kind: desktop\nreplicas: 2", ["single-kind"]),
    ('cmd: p\nargs: ["a\\tb"]', []),
    ('cmd: p\nargs: ["a\\nb"]', ["control-character"]),
    ('cmd: p\nargs: ["a\\rb"]', ["control-character"]),
    ('cmd: p\nargs: ["a\\x07b"]', ["control-character"]),
    ('cmd: p\nargs: ["a\\u2028b"]', ["control-character"]),
    ("cmd: p\nargs: [é, ☆, 'it''s', '#', '{a: 1}']", ["arg-space"]),
    ('cmd: p\nargs: [""]', []),
    ('cmd: p\nargs: ["", a]', []),
    ('cmd: p\nargs: [a, ""]', ["arg-empty"]),
    # environment
    ('cmd: p\nenv: {A: ""}', ["env-value"]),
    ("cmd: p\nenv: {A: b=c}", ["env-value"]),
    ("cmd: p\nenv: {A: YQ==}", ["env-value"]),
    ("cmd: p\nenv: {A: a b}", []),
    ("cmd: p\nenv: {A: $HOME}", ["server-escape"]),
    ('cmd: p\nenv: {A: "x\\ny"}', ["control-character"]),
    ("cmd: p\nenv: {1A: x}", ["env-name"]),
    ("cmd: p\nenv: {A B: x}", ["env-name"]),
    ("cmd: p\nenv: {'A=B': x}", ["env-name"]),
    ("cmd: p\nenv: {NO: x, OFF: x, on: x, Yes: x, TRUE: x}", ["env-name"] * 5),
    ("cmd: p\nenv: {Y: x, n: x, NULL: x, ~: x}", ["env-name"] * 4),
    ("cmd: p\nenv: {-08: x, -007: x, -.5: x, .inf: x}", ["env-name"] * 4),
    ("cmd: p\nenv: {'\"A\"': x, '[A]': x, 'A #': x, 'A:B': x, .: x, ..A: x, '-': x}", ["env-name"] * 7),
    ("cmd: p\nenv: {NO1: x, _ON: x, NULLS: x, -a: x, a.b: x, N_: x}", []),
    ("cmd: p\nenv: {HOME: x, PWD: x, skaha_hostname: x}", ["env-reserved"] * 3),
    ("cmd: p\nenv: {skaha_username: x, skaha_sessionid: x}", ["env-reserved"] * 2),
    ("cmd: p\nenv: {REPLICA_ID: 1, REPLICA_COUNT: 2, SKAHA_APPLY_RUN: x}", ["env-reserved"] * 3),
    # secrets
    ("cmd: p\nenv: {DB_PASSWORD: hunter2, TOKEN: abc, apiKey: x, MY_API_KEY: abc}", ["clear-secret"] * 4),
    ("cmd: p\nenv: {TOKEN_FILE: abc, TOKEN: /arc/home/me/t, PASSWORDS_OK: x, SECRETARY: yy, KEY: z}", []),
    ("cmd: p\nenv: {URL: 'https://me:hunter2@example.org/'}", ["clear-secret"]),
    ("cmd: p\nenv: {URL: 'https://example.org:8080/a@b'}", []),
    ("cmd: p\nargs: [--password, hunter2]", ["clear-secret"]),
    ("cmd: p\nargs: [--api-key=hunter2, --token, --verbose]", ["clear-secret"]),
    (f"cmd: p\nargs: [glpat-{'x' * 20}]", ["clear-secret"]),
    # kinds
    ("kind: notebook\ncmd: p\nargs: [a]\nenv: {A: b}", ["headless-only"] * 3),
    ("kind: carta\ncores: 2\nram: 8", []),
    ("kind: firefly\ncores: 2\nram: 8", ["ignored-resources"] * 2),
    ("args: [a]", ["headless-cmd"]),
    # resources
    ("cmd: p\ngpus: 0", ["gpus-zero"]),
    ("cmd: p\ngpus: 29", ["stock-options"]),
    ("cmd: p\ncores: 0.9\nram: 0.5", ["resources-below-one"] * 2),
    ("cmd: p\ncores: 2.9\nram: 8.5", []),
    ("cmd: p\ncores: 17\nram: 3", ["stock-options"] * 2),
    ("cmd: p\ncores: 1\nram: 18", ["stock-options"]),
    ("cmd: p\ncores: 1\nram: 22.5", ["stock-options"]),
    ("cmd: p\ncores: 1\nram: 24", []),
    ("cmd: p\nram: 8", ["half-fixed"]),
    ("cmd: p\ncores: 2", ["half-fixed"]),
]


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_cases(body, expected):
    assert rules(in_session(body)) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("images.canfar.net/skaha/astroml:24.07", []),
        ("images.canfar.net/skaha/astroml@sha256:0123abc", []),
        ("localhost:5000/x/y:1", []),
        ("images.canfar.net/skaha/astroml:Latest", ["image-floating"]),
        ("images.canfar.net/skaha/astroml:latest@sha256:0123abc", []),
        ("images.canfar.net/skaha/astroml", ["image-tag"]),
        ("localhost:5000/x/y", ["image-tag"]),
        ("skaha/astroml:24.07", ["image-name"]),
        ("astroml", ["image-name"]),
        ("astroml:24.07", ["image-name"]),
        ("' '", ["image-name"]),
        ("https://images.canfar.net/skaha/astroml:1", ["image-name"]),
        ("images.canfar.net/skaha/$x:1", ["image-name"]),
        ("images.canfar.net/Skaha/AstroML:24.07", ["image-name"]),
        ("images.canfar.net/skaha/astroML@sha256:0123abc", ["image-name"]),
        ("localhost:5000/Skaha/y:1", ["image-name"]),
        ("Images.canfar.net/skaha/astroml:24.07", ["image-name"]),
        ("images.canfar.net/skaha/astroml:24.07-RC1", []),
        ("images.canfar.net/my-group/a_b.c__d--e:W_2024", []),
        ("images.canfar.net//astroml:1", ["image-name"]),
        ("images.canfar.net/skaha/-x:1", ["image-name"]),
        ("images.canfar.net/skaha/a..b:1", ["image-name"]),
        ("images.canfar.net/skaha/astroml:.1", ["image-name"]),
        ("'images.canfar.net/skaha/astroml:'", ["image-name"]),
        ('"images.canfar.net/a b:1"', ["image-name"]),
    ],
)
def test_images(image, expected):
    assert rules(linted(f"version: 1\nproject: p\nsessions: [{{name: s, image: {image}, cmd: p}}]\n")) == expected


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        ("astroml:latest", "images.canfar.net/library/astroml:latest"),
        ("astroml", "images.canfar.net/library/astroml:latest"),
        ("skaha/astroml:24.07", "images.canfar.net/skaha/astroml:24.07"),
        ("images.canfar.net/Skaha/AstroML:24.07-RC1", "images.canfar.net/skaha/astroml:24.07-RC1"),
        ("https://images.canfar.net/x/y:1", "images.canfar.net/x/y:1"),
    ],
)
def test_which_image_is_advised(image, instead):
    text = f"version: 1\nproject: p\nsessions: [{{name: s, image: {image}, cmd: p}}]\n"
    found = next(one for one in linted(text) if one.rule == "image-name")
    assert f"Write image: {instead}." in found.detail


@pytest.mark.parametrize(
    ("name", "replicas", "expected"),
    [
        ("Tile-0843", 1, []),
        ("x" * 63, 1, []),
        ("x" * 64, 1, ["session-name"]),
        ("x" * 61, 9, []),
        ("x" * 61, 10, ["session-name"]),
        ("x" * 60, 10, []),
        ("a_b", 1, ["session-name"]),
        ("a.b", 1, ["session-name"]),
        ("é", 1, ["session-name"]),
        ("-a", 1, ["session-name"]),
        ("a-", 1, ["session-name"]),
        ("a-", 3, ["session-name"]),
        ("-", 1, ["session-name"]),
        ('"a\\n"', 1, ["session-name"]),
    ],
)
def test_names(name, replicas, expected):
    text = f"version: 1\nproject: p\nsessions: [{{name: {name}, replicas: {replicas}, image: {IMAGE}, cmd: p}}]\n"
    assert rules(linted(text)) == expected


def project(name, *sessions):
    lines = "".join(f"\n  - {{name: {spec[0]}, replicas: {spec[1]}, image: {IMAGE}, cmd: p}}" for spec in sessions)
    return f"version: 1\nproject: {name}\nsessions:{lines}\n"


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        ([project("p", ("a", 1), ("b", 1))], 0),
        ([project("p", ("a", 1), ("A", 1))], 1),
        ([project("p", ("a", 1), ("a", 3))], 1),  # one identity within a project
        ([project("p", ("a", 3), ("a-2", 1))], 1),
        ([project("p", ("a-2", 1), ("a", 3))], 1),
        ([project("p", ("a", 3), ("A-3", 1))], 1),
        ([project("p", ("a", 3), ("a-4", 1))], 0),
        ([project("p", ("a", 3), ("a-0", 1))], 0),
        ([project("p", ("a", 3), ("a-02", 1))], 0),
        ([project("p", ("a", 3), ("a-2", 2))], 0),
        ([project("p", ("a", 1), ("a-1", 1))], 0),
        ([project("p", ("a", 1)), project("q", ("A", 1))], 1),
        ([project("p", ("a", 2)), project("q", ("a", 3))], 1),
        ([project("p", ("a", 1)), project("q", ("a", 3))], 0),
        ([project("p", ("a", 1)), project("q", ("a", 3)), project("r", ("a", 2))], 1),
        ([project("p", ("a", 3)), project("q", ("a-3", 1))], 1),
        ([project("p", ("a", 100000)), project("q", ("a-99999", 1), (f"a-{'9' * 40}", 1))], 1),
    ],
)
def test_collisions(texts, count):
    found = linted(*texts, ignore={"no-retries", "no-pilot"})
    assert rules(found) == ["name-collision"] * count
    for item in found:
        assert "-:4:12" in item.summary or "-:5:12" in item.summary


def test_projects_that_differ_by_case():
    assert rules(linted(project("Survey", ("a", 1)), project("survey", ("b", 1)))) == ["project-case"]


@pytest.mark.parametrize(
    ("needs", "expected", "words"),
    [
        ({"a": "b", "b": ""}, [], ""),
        ({"a": "B", "b": ""}, [], ""),
        ({"a": "a"}, ["needs-cycle"], "`a` needs itself"),
        ({"a": "b", "b": "a"}, ["needs-cycle"] * 2, "a -> b -> a"),
        ({"a": "b", "b": "c", "c": "a", "d": "a"}, ["needs-cycle"] * 3, "a -> b -> c -> a"),
        ({"a": "x"}, ["needs-unknown"], "`x`"),
        ({"a": "b, c", "b": "c", "c": ""}, [], ""),
    ],
)
def test_needs(needs, expected, words):
    lines = "".join(f"\n  - {{name: {name}, image: {IMAGE}, cmd: p, needs: [{of}]}}" for name, of in needs.items())
    found = linted(f"version: 1\nproject: p\nsessions:{lines}\n")
    assert rules(found) == expected
    assert words in "".join(item.summary for item in found)


def test_defaults_of_headless_sessions_cause_no_diagnostic_for_a_notebook():
    """The server ignores what a notebook has from them; what is written for it alone is an error."""
    text = f"""
        version: 1
        project: p
        defaults: {{image: {IMAGE}, cmd: python, env: {{A: b}}}}
        sessions:
          - {{name: batch, args: [x.py]}}
          - {{name: desk, kind: notebook}}
          - {{name: other, kind: notebook, env: {{C: d}}}}
    """
    (found,) = linted(text)
    assert (found.rule, found.location.line) == ("headless-only", 8)
    alone = linted(text.replace("{name: batch,", "{name: batch, kind: carta,"))
    assert {one.rule for one in alone} == {"headless-only"}
    assert len(alone) > 1  # of no use to any session


def test_interactive_sessions_cannot_be_needed():
    sessions = f"[{{name: a, image: {IMAGE}, kind: notebook}}, {{name: b, image: {IMAGE}, cmd: p, needs: a}}]"
    found = linted(f"version: 1\nproject: p\nsessions: {sessions}\n")
    assert rules(found) == ["needs-unknown"]
    assert "notebook" in found[0].summary


def test_the_name_of_a_matrix_without_its_value_is_shown_as_written():
    entry = f'{{name: "det-${{tile}}", matrix: {{tile: [a, b]}}, image: {IMAGE}, cmd: [p, "${{tile}}"]}}'
    text = f"version: 1\nproject: p\nsessions:\n  - {entry}\n  - {{name: c, image: {IMAGE}, cmd: p, needs: [det]}}\n"
    (found,) = (item for item in linted(text) if item.rule == "needs-unknown")
    assert 'needs: ["det-${tile}"]' in found.detail


def test_long_cycle_of_needs_is_shortened():
    lines = "".join(f"\n  - {{name: s{i}, image: {IMAGE}, cmd: p, needs: [s{(i + 1) % 2000}]}}" for i in range(2000))
    found = linted(f"version: 1\nproject: p\nsessions:{lines}\n")
    assert set(rules(found)) == {"needs-cycle"}
    assert max(len(item.summary) for item in found) < 200


def test_a_long_chain_of_needs_is_fine():
    lines = "".join(f"\n  - {{name: s{i}, image: {IMAGE}, cmd: p, needs: [s{i + 1}]}}" for i in range(2000))
    assert linted(f"version: 1\nproject: p\nsessions:{lines}\n  - {{name: s2000, image: {IMAGE}, cmd: p}}\n") == ()


@pytest.mark.parametrize(("size", "expected"), [(2_000_000, []), (2_150_000, ["request-size"])])
def test_request_size(size, expected):
    assert rules(in_session(f"cmd: p\nargs: [{'x' * size}]")) == expected
    assert rules(in_session(f"cmd: p\nenv: {{A: {'x' * size}}}")) == expected


def test_request_size_counts_what_is_encoded():
    assert rules(in_session(f"cmd: p\nargs: ['{'é' * 400_000}']")) == ["request-size"]


def test_a_shell_script_is_shown_with_tabs():
    found = in_session("cmd: bash\nargs: [-c, cd /arc && make]")
    assert 'write "cd\\t/arc\\t&&\\tmake"' in found[0].detail
    assert found[0].path == "sessions[0].args[1]"
    assert (found[0].location.line, found[0].location.column) == (7, 16)


def test_a_command_line_is_shown_as_a_list():
    assert "Write cmd: [python, /x.py, --n, 3]." in in_session("cmd: python /x.py --n 3")[0].detail


def test_a_secret_is_not_shown():
    found = in_session("cmd: p\nenv: {BAND: r, TOKEN: hunter2}\nargs: [--password=hunter3]")
    assert rules(found) == ["clear-secret"] * 2
    assert "hunter" not in repr(found)
    assert "BAND: r, TOKEN: *******}" in found[0].snippet
    found = in_session("cmd: a b\nenv: {TOKEN: hunter2, HOME: x}")
    assert rules(found) == ["cmd-space", "clear-secret", "env-reserved"]
    assert "hunter" not in repr(found)


def test_comments_of_rules_that_were_not_run_are_not_judged():
    body = "cmd: p # skaha-apply: ignore[arg-space]"
    assert rules(in_session(body)) == ["unused-ignore"]
    assert rules(in_session(body, ignore={"arg-space"})) == []
    assert rules(in_session(body, select={"unused-ignore"})) == []
    found = in_session("cmd: p # skaha-apply: ignore[arg-spase]")
    assert "Did you mean arg-space?" in found[0].detail
    assert (found[0].location.line, found[0].location.column) == (6, 12)


def test_paths_are_those_of_the_file_and_name_the_session():
    broken = "  - {image: x}\n"
    good = f"  - {{name: Two, image: {IMAGE}, cmd: a b}}\n"
    head = "version: 1\nproject: p\nsessions:\n"
    first = load(["-"], root=Path(), stdin=f"{head}{broken}{good}".encode).projects[0]
    assert [(one.path, one.session) for one in check([first])] == [("sessions[1].cmd", "Two")]


OFFER = Offer(
    cores=frozenset({1, 2}),
    ram=frozenset({0, 3}),
    images=frozenset({IMAGE, "images.canfar.net/skaha/astroml:24.11"}),
    registries=("images.canfar.net",),
    max_interactive=2,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("cmd: p\ncores: 2.5\nram: 3", []),
        ("cmd: p\ncores: 4\nram: 4\ngpus: 40", ["stock-options"] * 2),
        ("cmd: p\ncores: 2\nram: 3\nretries: 2\nretry_ram: [3, 400]", ["stock-options"]),
        ("cmd: p # skaha-apply: ignore[stock-options]", []),
        ("kind: notebook\nreplicas: 2", []),
        ("kind: notebook\nreplicas: 3", ["interactive-limit"]),
    ],
)
def test_online_the_servers_own_offer_counts(body, expected):
    found = in_session(body, online=Online(OFFER))
    assert rules(found) == expected
    assert {item.severity for item in found if item.rule == "stock-options"} <= {Severity.ERROR}


def test_online_sessions_count_in_addition_to_the_manifests():
    found = in_session("kind: notebook\nreplicas: 2", online=Online(OFFER, taken=1))
    assert rules(found) == ["interactive-limit"]
    assert "1 active now" in found[0].detail


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (IMAGE, []),
        ("images.canfar.net/skaha/astroml:23.01", ["image-unlisted"]),
        ("images.canfar.net/me/private:1", []),
        ("example.org/skaha/astroml:1", ["image-name"]),
        ("skaha/astroml:1", ["image-name"]),
    ],
)
def test_online_images(image, expected):
    text = f"version: 1\nproject: p\nsessions: [{{name: s, image: {image}, cmd: p}}]\n"
    found = linted(text, online=Online(OFFER, private=frozenset({"images.canfar.net/me/private:1"})))
    assert rules(found) == expected
    assert all("24.07, 24.11" in item.detail for item in found if item.rule == "image-unlisted")


def test_server_without_a_description_counts_as_the_stock_one():
    assert rules(in_session("cmd: p\ncores: 2\nram: 8", online=Online(Offer()))) == []


def test_select_and_ignore():
    body = "cmd: a b\ngpus: 0"
    assert rules(in_session(body, select={"gpus-zero"})) == ["gpus-zero"]
    assert rules(in_session(body, ignore={"gpus-zero"})) == ["cmd-space"]


def test_diagnostic_in_the_defaults_appears_once():
    text = project("p", *((f"s{index}", 1) for index in range(9)))
    found = linted(text.replace("sessions:", "defaults: {gpus: 0}\nsessions:"))
    assert rules(found) == ["gpus-zero"]
    assert found[0].location.line == 3


def test_the_way_out_of_an_escape_names_an_existing_rule():
    found = in_session("cmd: p\nargs: [$HOME]")
    assert "ignore[server-escape]" in found[0].detail
    assert BY_ID["server-escape"].severity is Severity.ERROR


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_of_the_repository_are_clean(path):
    result = load([path], root=ROOT)
    assert result.diagnostics == ()
    assert check(result.projects) == ()


@pytest.mark.parametrize(("more", "count"), [(0, 0), (1, 1)])
def test_a_plan_has_at_most_a_million_replicas(more, count):
    found = linted(project("p", ("a", 1_000_000 - 3)), project("q", ("b", 3 + more)), select={"replica-count"})
    assert rules(found) == ["replica-count"] * count
    for item in found:
        assert item.summary == "more than 1,000,000 replicas"
        assert "at most 1,000,000 replicas" in item.detail
