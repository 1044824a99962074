"""Diagnostics about matrices, about variables with and without a value, and about failures."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from skaha_apply.lint import check
from skaha_apply.lint.rules import RULES
from skaha_apply.manifest import load, with_items
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.project import MissingValues, VariableValues

IMAGE = "images.canfar.net/skaha/astroml:24.07"
HEAD = f"version: 1\nproject: p\ndefaults: {{image: {IMAGE}, cmd: p, retries: 1}}\n"
AMOUNTS = {"name-only-value", "no-pilot"}  # rules about the whole of an entry, which have tests of their own
NIGHT = HEAD + "variables: {night: {default: '22'}}\n"
SECRET = "hunter2-is=it"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def linted(body, head=HEAD, given=VariableValues(), **options):  # noqa: B008 - a frozen value
    """What is found in one manifest of the folder of the invocation."""
    Path("m.yaml").write_text(head + textwrap.dedent(body), encoding="utf-8")
    result = load(["m.yaml"], root=Path.cwd(), given=given)
    assert result.diagnostics == ()
    if "select" not in options:
        options["ignore"] = {*options.get("ignore", ()), *AMOUNTS}
    return check(with_items(result.projects, ["m.yaml"]), **options)


def spots(found):
    return [(one.rule, one.location.line, one.location.column) for one in found]


def one(found):
    (single,) = found
    return single


def test_diagnostic_of_some_combinations_names_the_first_and_counts_the_others():
    found = one(
        linted("""\
        sessions:
          - name: s-${tile}-${band}
            matrix: {tile: [t1, t 2, t 3], band: [r, g]}
            args: ["${tile}"]
        """)
    )
    assert (found.rule, found.path, found.session) == ("arg-space", "sessions[0].args[0]", "s-${tile}-${band}")
    where = "(with tile = `t 2` (m.yaml:6), band = `r` (m.yaml:6) and 3 more combinations)"
    assert found.summary == f"the argument `t 2` has a space in it {where}"
    assert found.snippet.splitlines()[-1].strip() == "^" * len('"${tile}"')


def test_equal_diagnostic_of_all_combinations_appears_once_without_a_name():
    found = one(
        linted("""\
        sessions:
          - name: s-${tile}
            matrix: {tile: [t1, t2, t3]}
            cores: 2
        """)
    )
    assert (found.rule, found.summary) == ("half-fixed", "cores is given without ram")


def test_what_several_matrices_have_from_the_defaults_is_one():
    body = """\
        sessions:
          - {name: plain}
          - {name: "s-${tile}", matrix: {tile: [a, b]}}
          - {name: "t-${tile}", matrix: {tile: [a, b, c]}}
          - {name: "u-${tile}", matrix: {tile: [a]}}
          - {name: "v-${tile}", matrix: {tile: [a, b], include: [{tile: a, args: [x]}]}}
        """
    head = HEAD.replace("retries: 1", "retries: 1, args: ['a b']")
    assert one(linted(body, head)).summary == "the argument `a b` has a space in it"


def test_a_name_that_a_value_spoils_is_not_to_be_written_for_all():
    found = one(linted("sessions:\n  - {name: 's-${t}', matrix: {t: [a, 'b\"']}}\n"))
    assert found.rule == "session-name"
    assert "Write name:" not in found.detail
    assert "before and after the values" in found.detail


@pytest.mark.parametrize(
    ("keys", "advice"),
    [
        ("cmd: bash detect.sh ${tile}", 'Write cmd: [bash, detect.sh, "${tile}"].'),
        ("cmd: 'bash run.sh ${slug.tile} ${var.night}'", 'Write cmd: [bash, run.sh, "${slug.tile}", "${var.night}"].'),
        ("cmd: >-\n      bash\n      ${tile}", 'Write cmd: [bash, "${tile}"].'),
        ("cmd: [p, 'it''s ${tile}']", 'write "it\'s\\t${tile}"'),
        ('args: ["a ${var.night}"]', 'write "a\\t${var.night}"'),
        ("args: ['${var.words}']", "a value of ${var.words}"),
        ("image: skaha/x:${tile}", "Write image: images.canfar.net/skaha/x:${tile}."),
        ("image: images.canfar.net/Skaha/${slug.tile}:1", "Write image: images.canfar.net/skaha/${slug.tile}:1."),
        ("image: images.canfar.net/x/${tile}", "Write the tag, images.canfar.net/x/${tile}:24.07 for example."),
        ("cores: ${var.half}\n    ram: 4", "Give a value of 1 or more for ${var.half}."),
        ("gpus: ${var.none}", "Leave the cell of ${var.none} empty."),
    ],
)
def test_advice_repeats_a_text_as_it_is_written(keys, advice):
    variables = "{night: {default: '22'}, words: {default: a b}, half: {default: 0.5}, none: {default: 0}}"
    head = f"version: 1\nproject: p\nvariables: {variables}\ndefaults: {{image: {IMAGE}, cmd: p}}\n"
    body = "sessions:\n  - name: s-${tile}\n    matrix: {tile: [t0001, t0002]}\n    "
    found = linted(f"{body}{keys}\n", head)
    assert any(advice in one.detail for one in found), [one.detail for one in found]
    assert "t0001" not in " ".join(one.detail for one in found).replace("program, `bash t0001`", "").replace(
        "program, `bash detect.sh t0001`", ""
    ).replace("program, `bash run.sh t0001 22`", "")


def test_the_name_that_is_advised_keeps_its_references():
    found = one(linted("sessions:\n  - {name: 's_${tile}.${var.night}', matrix: {tile: [a, b]}}\n", NIGHT))
    assert 'Write name: "s-${tile}-${var.night}".' in found.detail


def test_diagnostic_of_a_list_file_shows_its_line():
    Path("tiles.txt").write_text("# these\n\nt1\nt=2\n", encoding="utf-8")
    found = one(
        linted("""\
        sessions:
          - name: s-${tile}
            matrix: {tile: {file: tiles.txt}}
            env: {TILE: "${tile}"}
        """)
    )
    assert "`t=2` (with tile = `t=2` (tiles.txt:4))" in found.summary
    assert spots([found]) == [("env-value", 7, 17)]


def test_what_an_include_gives_is_found_there_and_what_defaults_give_there():
    found = linted(
        """\
        sessions:
          - name: s-${tile}
            matrix:
              tile: [t1, t2, t3]
              include:
                - {tile: t2, cores: 0.5}
                - {tile: t3, args: ["a b"]}
        """,
        f"version: 1\nproject: p\ndefaults: {{image: {IMAGE}, cmd: p, cores: 2, ram: 3}}\n",
    )
    assert spots(found) == [("stock-options", 3, 81), ("resources-below-one", 9, 29), ("arg-space", 10, 29)]
    assert [one.summary.partition(" (with ")[2] for one in found] == [
        "",
        "tile = `t2` (m.yaml:7))",
        "tile = `t3` (m.yaml:7))",
    ]
    assert found[1].path == "sessions[0].cores"


def test_comments_switch_rules_off_for_all_combinations_of_their_line():
    found = linted("""\
        sessions:
          - name: s-${tile}
            matrix:
              tile: [t 1, t 2]
              include:
                - {tile: t 2, cores: 0.5, ram: 4}  # skaha-apply: ignore[resources-below-one]
            args: ["${tile}"]  # skaha-apply: ignore[arg-space]
            env: {A: b}  # skaha-apply: ignore[env-value]
        """)
    assert spots(found) == [("unused-ignore", 11, 18)]


def test_two_diagnostics_about_one_field_stay_two():
    found = linted("""\
        sessions:
          - name: s_${tile}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            matrix: {tile: [t1, t2]}
        """)
    assert {one.summary.partition(" (with")[0] for one in found} == {
        f"the name `s_t1-{'a' * 54}…` has characters that the server refuses",
        "the name has 67 characters",
    }


# Variables, sensitive and without a value.

TOKEN = HEAD + "variables: {token: {sensitive: true}, night: {}}\n"
SENDS = """\
sessions:
  - name: s
    args: [--token, "${var.token}", --url, "https://me:${var.token}@example.org"]
    env: {TOKEN: "${var.token}", PLAIN: "x${var.token}"}
"""


def every_word(found):
    return " ".join(f"{one.summary} {one.detail} {one.snippet}" for one in found)


def test_a_sensitive_value_is_judged_and_never_shown():
    found = linted(SENDS, TOKEN, VariableValues({"token": SECRET, "night": "x"}))
    assert spots(found) == [("env-value", 8, 18), ("env-value", 8, 41)]
    assert "`${var.token}`" in found[0].summary
    assert found[0].detail.startswith("The server splits a variable at")
    for part in (SECRET, "hunter2", "is=it"):
        assert part not in every_word(found)


@pytest.mark.parametrize("secret", ["a b", "$x", "line\nline", "x" * 100 + "$", '"', "\\", "tab\tand space ", "é\x07="])
def test_no_rule_shows_a_part_of_a_sensitive_value(secret):
    found = linted(SENDS, TOKEN, VariableValues({"token": secret, "night": "x"}))
    assert found
    assert "x" * 10 not in every_word(found)
    rule = {one.id: one for one in RULES}
    for item in found:
        assert item.detail == f"{rule[item.rule].why} (Sensitive values are not shown.)"
        assert item.summary.startswith("with the value of `${var.token}`: ")


def test_text_with_a_value_that_was_not_given_has_no_diagnostic():
    assert linted(SENDS, TOKEN, VariableValues({"night": "x"}, missing=MissingValues.SENSITIVE)) == ()
    comment = SENDS.replace('"]\n', '"]  # skaha-apply: ignore[arg-space]\n')
    assert linted(comment, TOKEN, VariableValues({"night": "x"}, missing=MissingValues.SENSITIVE)) == ()
    assert spots(linted(comment, TOKEN, VariableValues({"night": "x", "token": "plain"}))) == [("unused-ignore", 7, 84)]


def test_clear_value_next_to_a_sensitive_one_is_found():
    body = """\
        sessions:
          - name: s
            env: {PASSWORD: "abc", TOKEN: "${var.token}", API_KEY: "${var.night}"}
        """
    found = linted(body, TOKEN, VariableValues({"token": "x", "night": "abc"}))
    assert spots(found) == [("clear-secret", 7, 21), ("clear-secret", 7, 60)]


def test_a_sensitive_default_is_found_and_not_shown():
    head = HEAD + "variables:\n  token: {sensitive: true, default: hunter2}\n"
    found = one(linted("sessions: [{name: s, args: ['${var.token}']}]\n", head))
    assert spots([found]) == [("clear-secret", 5, 3)]
    assert "SKAHA_VAR_token" in found.detail
    assert "hunter2" not in every_word([found])
    given = one(linted("sessions: [{name: s, args: ['${var.token}']}]\n", head, VariableValues({"token": "other"})))
    assert "hunter2" not in every_word([given])


@pytest.mark.parametrize(
    "body",
    [
        "args: ['${var.night} a']",
        "name: s-${var.night}_",
        "cores: ${var.night}",
        "cores: 2\n    ram: ${var.night}",
        "ram: 2\n    cores: ${var.night}",
        "kind: ${var.night}\n    renew: 2d",
        "retries: ${var.night}\n    replicas: 30",
        "image: ${var.night}",
        "kind: desktop\n    replicas: ${var.night}\n    cmd: ${var.night}",
        "args: ['${var.night} a']  # skaha-apply: ignore[arg-space]",
    ],
)
def test_text_that_depends_on_a_variable_without_a_value_has_no_diagnostic(body):
    head = f"version: 1\nproject: p\nvariables: {{night: {{}}}}\ndefaults: {{image: {IMAGE}}}\n"
    given = VariableValues(missing=MissingValues.ANY)
    cmd = "" if "kind" in body else "    cmd: p\n"
    name = "" if "name:" in body else "    name: s\n"
    text = f"sessions:\n  - {body}\n{name}{cmd}"
    found = linted(text, head, given)
    assert [one for one in found if one.rule not in ("headless-cmd", "headless-only")] == []


# needs


def test_needs_are_names_as_written():
    body = """\
        sessions:
          - name: r-${tile}
            matrix: {tile: [t1, t2]}
          - name: m-${tile}
            matrix: {tile: [t1, t2]}
            needs: ["R-${tile}", r-t1, "r-${tiel}"]
          - name: e-${tile}
            matrix: {tile: []}
          - name: last
            needs: ["e-${tile}", r-t2-1, {name: desk, require: 95%}]
          - {name: desk, kind: notebook, cmd: ~}
        """
    found = linted(body, select={"needs-unknown"})
    assert [
        (one.location.line, one.summary, one.detail.removeprefix("The session comes from a matrix. ").split(".")[0])
        for one in found
    ] == [
        (
            9,
            "no session of the project has the name `r-t1`",
            'Write the name as the manifest has it: needs: ["r-${tile}"]',
        ),
        (9, "no session of the project has the name `r-${tiel}`", "Did you mean r-${tile}?"),
        (
            13,
            "no session of the project has the name `r-t2-1`",
            'Write the name as the manifest has it: needs: ["r-${tile}"]',
        ),
        (13, "`desk` is a notebook session", "An interactive session is never done, so this session would never start"),
    ]


ROWS = "f,a,b,c\nEMU0,1,2,3\nEMU1,10,,30\nEMU2,11,,31\n"
SHIFTED = [
    ('args: ["${f}", "${a}", "${b}", "${c}"]', ROWS, 3, "`${b}` is left out and `30` takes its place (and in 1 more"),
    ('args: [--mask, "${b}", --out, "${f}"]', ROWS, 3, "the option `--mask` takes `--out` as its value"),
    ('args: [x, --mask, "${b}"]', ROWS, 3, "the option `--mask` has no value"),
    ('args: [x, -m, "${slug.b}"]', ROWS, 3, "the option `-m` has no value"),
    ("args: x --mask ${b} --out ${f}", ROWS, 3, "takes `--out`"),
    ('cmd: [bash, "${b}", x]', ROWS, 3, "`x` takes its place"),
    ('cmd: ["${b}"]\nargs: [x]', ROWS, 3, "`x` takes its place"),
    ('cmd: [bash, -c]\nargs: "${b}"', ROWS, 3, "the option `-c` has no value"),
    ('args: [x, "${a}", "${b}"]', "f,a,b\nE,--m,\n", 2, "the option `--m` has no value"),
    ('args: [x, "${b}", "${a}", z]', "f,a,b\nE,,\n", 2, "`${b}` is left out and `z`"),
    ('args: [x, --, "${b}"]', ROWS, 3, "the option `--` has no value"),
]
ABSENT = [
    'args: [x, "${b}"]',
    'args: [--mask, m, "${f}", "${b}"]',
    'args: [--dec, "-${a}", "${b}"]',
    'args: ["--mask=${b}", "${f}"]',
    'args: ["${f}", "${b}", "${b}"]',
    'env: {B: "${b}"}',
    "ram: ${b}\ncores: ${b}",
    "cmd: ${b}\nargs: [x]",
    'kind: notebook\nargs: ["${b}", x]  # skaha-apply: ignore[headless-only]',
    'args: ["${f}", "${b}", "${c}"]  # skaha-apply: ignore[arg-shifted]',
]


def table(rest, rows):
    Path("f.csv").write_text(rows)
    body = "sessions:\n  - name: s-${f}\n    matrix: {rows: {file: f.csv}}\n"
    return linted(body + textwrap.indent(rest, "    ") + "\n")


@pytest.mark.parametrize(("rest", "rows", "line", "words"), SHIFTED)
def test_an_empty_cell_that_shifts_arguments_is_an_error_at_its_row(rest, rows, line, words):
    found = [item for item in table(rest, rows) if item.rule != "headless-cmd"]
    assert {(item.rule, item.severity, item.location.file, item.location.line) for item in found} == {
        ("arg-shifted", Severity.ERROR, "f.csv", line)
    }
    assert words in found[0].summary
    assert found[0].snippet


@pytest.mark.parametrize("rest", ABSENT)
def test_an_empty_cell_may_leave_out_the_last_argument(rest):
    assert [item.rule for item in table(rest, ROWS) if item.rule in ("arg-shifted", "unused-ignore")] == []


def test_circles_are_of_entries():
    found = linted("""\
        sessions:
          - name: a-${tile}
            matrix: {tile: [t1, t2]}
            needs: ["b-${tile}"]
          - name: b-${tile}
            matrix: {tile: [t1, t2]}
            needs: ["a-${tile}"]
          - name: c-${tile}
            matrix: {tile: [t1, t2]}
            needs: ["c-${tile}"]
        """)
    assert [one.summary for one in found] == [
        "`a-${tile}` needs itself: a-${tile} -> b-${tile} -> a-${tile}",
        "`b-${tile}` needs itself: b-${tile} -> a-${tile} -> b-${tile}",
        "`c-${tile}` needs itself",
    ]


# What becomes of failures, and how much runs at once.


def cases(*rows):
    return pytest.mark.parametrize(("body", "expected"), rows)


@cases(
    ("{name: s, replicas: 20}", ["no-retries"]),
    ("{name: s, replicas: 19}", []),
    ("{name: s, replicas: 20, retries: 1}", []),
    ("{name: 's-${t}', matrix: {t: [a, b, c, d]}, replicas: 5}", ["no-retries"]),
    ("{name: 's-${t}', matrix: {t: [a, b, c, d], include: [{t: a, retries: 1}]}, replicas: 5}", []),
    ("{name: s, kind: notebook, replicas: 20}", ["interactive-limit"]),
    ("{name: s, renew: 2d}", ["ignored-key"]),
    ("{name: s, kind: notebook, renew: 2d}", []),
    ("{name: s, kind: carta, pilot: 1, stop_after: 3, retries: 1, rerun: 1d, vanished: rerun}", ["ignored-key"] * 5),
    ("{name: s, kind: carta, timeout: 1h, pending_timeout: 1h, when_removed: finish}", ["ignored-key"] * 2),
    ("{name: s, retry_wait: 1m}", ["ignored-key"]),
    ("{name: s, retry_wait: 1m, retries: 1}", []),
    ("{name: s, cores: 1, ram: 8, retry_ram: [16]}", ["ignored-key"]),
    ("{name: s, cores: 1, ram: 8, retry_ram: [16], kind: notebook}", ["ignored-key"]),
    ("{name: s, cores: 1, ram: 8, retry_ram: [8, 16], retries: 2}", []),
    ("{name: s, cores: 1, ram: 8, retry_ram: 16, retries: 2}", []),
    ("{name: s, retry_ram: 16, retries: 2}", ["retry-ram"]),
    ("{name: s, cores: 1, ram: 16, retry_ram: [32, 8], retries: 2}", ["retry-ram"]),
    ("{name: s, cores: 1, ram: 8, retry_ram: [16, 32, 64], retries: 1}", ["retry-ram"]),
    ("{name: s, cores: 1, ram: 8, retry_ram: [18], retries: 1}", ["stock-options"]),
    ("{name: s, cores: 1, ram: 8, retry_ram: [0.5], retries: 1}", ["resources-below-one", "retry-ram"]),
    ("{name: 's-${t}', matrix: {t: [8, 16]}, cores: 1, ram: 8, retry_ram: ['${t}', 16], retries: 2}", []),
    ("{name: 's-${t}', matrix: {t: [4]}, cores: 1, ram: 8, retry_ram: ['${t}'], retries: 2}", ["retry-ram"]),
    ("{name: s, timeout: 14d}", []),
    ("{name: s, timeout: 337h}", ["timeout-beyond"]),
    ("{name: s, replicas: 3, pilot: 3}", ["idle-cap"]),
    ("{name: s, replicas: 3, pilot: 2}", []),
    ("{name: 's-${t}', matrix: {t: [a, b, c]}, pilot: 2}", []),
    ("{name: 's-${t}', matrix: {t: [a, b, c]}, pilot: 3}", ["idle-cap"]),
    ("{name: s, retries: 10}", ["idle-cap"]),
    ("{name: s, retries: 10, stop_after: 11}", []),
    ("{name: 's-${t}', matrix: {t: []}}", ["empty-matrix"]),
)
def test_courses(body, expected):
    head = f"version: 1\nproject: p\ndefaults: {{image: {IMAGE}}}\n"
    found = linted(f"sessions: [{body}]\n", head, ignore={"headless-cmd"})
    assert [one.rule for one in found] == expected
    for item in found:
        assert item.location.line == 4, item
        assert "^" in item.snippet


def test_what_is_of_use_to_one_of_those_that_share_it_is_not_reported():
    keys = f"image: {IMAGE}, retries: 12, stop_after: 20, pilot: 2, renew: 1d"
    head = f"version: 1\nproject: p\ndefaults: {{{keys}}}\n"
    body = """\
        sessions:
          - {name: many, replicas: 10, cmd: p}
          - {name: one, cmd: p}
          - {name: desk, kind: notebook}
        """
    assert linted(body, head) == ()
    alone = "sessions: [{name: one, cmd: p}]\n"
    assert [one.rule for one in linted(alone, head)] == ["idle-cap", "ignored-key"]


def test_limit_of_the_project_above_the_limit_of_the_account():
    found = one(linted("max_active: {project: 300, account: 250}\nsessions: []\n"))
    assert spots([found]) == [("idle-cap", 4, 13)]
    assert linted("max_active: {project: 250, account: 250}\nsessions: []\n") == ()
    assert linted("max_active: 300\nsessions: []\n") == ()


def test_empty_list_is_reported_at_its_matrix():
    Path("tiles.txt").write_text("# all done\n", encoding="utf-8")
    found = one(linted("sessions:\n  - name: s-${tile}\n    matrix: {tile: {file: tiles.txt}}\n"))
    assert spots([found]) == [("empty-matrix", 6, 13)]
    assert "`s-${tile}`" in found.summary


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("args: [tiles.txt]", 1),
        ("args: [--list=lists/more.csv]", 1),
        ("env: {TILES: tiles.txt}", 1),
        ("args: [tiles.txt]\n    env: {TILES: tiles.txt}", 2),
        ("args: [/arc/tiles.txt, ../tiles.txt, other.txt, code.py, lists]", 0),
        ("args: [tiles.txt]  # skaha-apply: ignore[excess-replicas]", 0),
    ],
)
def test_more_replicas_than_a_list_has_items(body, count):
    Path("lists").mkdir()
    Path("code.py").write_text("x\n", encoding="utf-8")
    Path("tiles.txt").write_text("# two\na\n\nb\n", encoding="utf-8")
    Path("lists/more.csv").write_text("a,1\nb,2\n", encoding="utf-8")
    found = linted(f"sessions:\n  - name: s\n    replicas: 3\n    {body}\n")
    assert [one.rule for one in found] == ["excess-replicas"] * count
    for item in found:
        assert item.summary == "3 replicas of `s` share a list of 2"
        assert "Write replicas: 2 or less" in item.detail
    assert linted(f"sessions:\n  - name: s\n    replicas: 2\n    {body.partition('#')[0]}\n") == ()


def test_twenty_thousand_combinations():
    Path("tiles.txt").write_text("".join(f"t {number}\n" for number in range(20_000)), encoding="utf-8")
    found = linted("""\
        sessions:
          - name: s-${tile}
            matrix: {tile: {file: tiles.txt}}
            args: ["${tile}", "${slug.tile}"]
            env: {TILE: "${tile}="}
        """)
    assert spots(found) == [("arg-space", 7, 19 - 7), ("env-value", 8, 17)]
    assert all("and 19,999 more combinations" in one.summary for one in found)


# Rules about the whole of an entry.


@cases(
    ("{name: 's-${t}', matrix: {t: [a, b]}}", 1),
    ("{name: 's-${slug.t}', matrix: {t: [a, b]}}", 1),
    ("{name: 's-${t}', matrix: {t: [a]}}", 1),
    ("{name: 's-${t}-${u}', matrix: {t: [a, b], u: [c, d]}, args: ['${u}']}", 1),
    ("{name: 's-${t}-${u}', matrix: {t: [a, b], u: [c, d]}}", 2),
    ("{name: 's-${t}', matrix: {t: [a, b]}, args: [a, 'b']}", 1),
    ("{name: 's-${t}', matrix: {t: [a, b]}, args: ['$${t}']}", 1),
    ("{name: 's-${t}', matrix: {t: [a, b]}, args: ['x${t}']}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b]}, cmd: [p, '${slug.t}']}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b]}, env: {T: '${t}'}}", 0),
    ("{name: 's-${t}', matrix: {t: [8, 16]}, cores: 2, ram: '${t}'}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b], include: [{t: a, args: [x]}]}}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b], include: [{t: c}]}}", 1),
    ("{name: 's-${t}-${u}', matrix: {t: [a, b], u: [c, d], include: [{t: a, ram: 8, cores: 1}]}}", 1),
    ("{name: 's-${f}', matrix: {rows: {file: t.csv}}, cores: 1, ram: '${ram}'}", 1),
    ("{name: 's-${f}', matrix: {rows: {file: t.csv}}, args: ['${f}']}", 0),
    ("{name: 's-${f}', matrix: {rows: {file: t.csv}}, args: ['${note}']}", 0),
    ("{name: 's-${f}-${note}', matrix: {rows: {file: t.csv}}}", 2),
    ("{name: 's-${f}-${ram}', matrix: {rows: {file: t.csv}}, args: ['${f}'], cores: 1, ram: '${ram}'}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b]}, kind: notebook}", 0),
)
def test_axes_that_are_used_in_the_name_only(body, expected):
    Path("t.csv").write_text("f,ram,note\na,8,x\nb,16,y\n", encoding="utf-8")
    found = linted(
        f"sessions: [{body}]\n", HEAD.replace(", cmd: p", "").replace("retries: 1", ""), select={"name-only-value"}
    )
    assert len(found) == expected
    assert all(one.severity == "warning" and one.location.line == 4 for one in found)


def test_an_include_uses_the_values_that_it_names():
    body = """\
        sessions:
          - name: s-${t}
            matrix: {t: [a, b], include: [{t: a, env: {T: '${t}'}}]}
            # skaha-apply: ignore[name-only-value]
          - name: r-${t}
            matrix: {t: [a, b]}
        """
    assert linted(body, select={"name-only-value", "unused-ignore"}) == ()


@cases(
    ("{name: s, replicas: 101}", 1),
    ("{name: s, replicas: 100}", 0),
    ("{name: s, replicas: 101, pilot: 1}", 0),
    ("{name: s, replicas: 101, parallelism: 50}", 0),
    ("{name: 's-${t}', matrix: {t: [a, b]}, replicas: 51}", 1),
    ("{name: 's-${t}', matrix: {t: [a, b]}, replicas: 50}", 0),
    ("{name: s, replicas: 101, kind: notebook}", 0),
)
def test_many_sessions_that_start_at_once(body, expected):
    head = f"version: 1\nproject: p\ndefaults: {{image: {IMAGE}}}\n"
    assert [one.rule for one in linted(f"sessions: [{body}]\n", head, select={"no-pilot"})] == ["no-pilot"] * expected
    limited = head + "max_active: {account: 200}\n"
    assert linted(f"sessions: [{body}]\n", limited, select={"no-pilot"}) == ()


def test_a_combination_whose_dependency_has_no_partner():
    second = "`r-${t}-${u}` has no combination with u = `2`, which `k-2-x` needs"
    found = linted(
        """\
        sessions:
          - name: r-${t}-${u}
            matrix: {t: [a, b], u: [1, 01]}
          - name: m-${t}
            matrix: {t: [a, b, c]}
            needs: ["R-${t}-${u}"]
          - {name: all, needs: ["m-${t}"]}
          - name: e-${t}
            matrix: {t: []}
          - name: f-${t}
            matrix: {t: [a]}
            needs: ["e-${t}"]
          - name: k-${u}-${v}
            matrix: {u: [1, 2, 3], v: [x]}
            needs: ["m-${t}", "r-${t}-${u}"]
        """,
        select={"needs-partner"},
    )
    assert [(item.location.line, item.summary) for item in found] == [
        (9, "`R-${t}-${u}` has no combination with t = `c`, which `m-c` needs (with t = `c` (m.yaml:8))"),
        (18, f"{second} (with u = `2` (m.yaml:17), v = `x` (m.yaml:17) and 1 more combination)"),
    ]
    assert {item.severity for item in found} == {"warning"}


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("\u00a0", "U+00A0 (NO-BREAK SPACE)"),
        ("\ufeff", "U+FEFF (BYTE ORDER MARK)"),
        ("\u00ad", "U+00AD (SOFT HYPHEN)"),
        ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("\u200f", "U+200F (RIGHT-TO-LEFT MARK)"),
        ("\u2066", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("\u2060", "U+2060 (WORD JOINER)"),
        ("\u202f", "U+202F (NARROW NO-BREAK SPACE)"),
        ("\u3000", "U+3000 (IDEOGRAPHIC SPACE)"),
        ("\u3164", "U+3164 (HANGUL FILLER)"),
        ("\u2800", "U+2800 (BRAILLE PATTERN BLANK)"),
        ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
    ],
)
def test_invisible_characters_are_named(char, name):
    escaped = f"\\U{ord(char):08x}"
    Path("tiles.txt").write_text(f"t1\nt2{char}x\n", encoding="utf-8")
    body = f"""\
        sessions:
          - name: s-${{tile}}
            matrix: {{tile: {{file: tiles.txt}}}}
            cmd: "p{escaped}"
            args: ["${{tile}}", "a{escaped}b"]
            env: {{A: "${{tile}}{escaped}"}}
        """
    found = linted(body, select={"invisible-character"})
    assert [(item.location.file, item.location.line) for item in found] == [
        ("m.yaml", 7),
        ("m.yaml", 8),
        ("m.yaml", 9),
        ("tiles.txt", 2),
    ]
    assert all(name in item.summary and char not in item.summary for item in found)
    assert {item.severity for item in found} == {"warning"}


def test_visible_characters_cause_no_diagnostic():
    body = "sessions: [{name: s, args: [é, Čeněk, 日本, '☆', 'a\\tb'], env: {A: 'ß'}}]\n"
    assert linted(body, select={"invisible-character"}) == ()
