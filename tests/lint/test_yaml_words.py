"""Words that kubectl reads as a boolean or a number, and words near them that arrive.

Both lists were made with SnakeYAML 2.5 and kubectl 1.32: a text that SnakeYAML writes without quotes and that kubectl
does not read as text is refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from skaha_apply.lint import check
from skaha_apply.lint.yaml_words import is_plain, is_refused
from skaha_apply.manifest import load
from skaha_apply.model.project import MissingValues, VariableValues

IMAGE = "images.canfar.net/skaha/astroml:24.07"
REFUSED_TEXT = """
y Y n N 0o7 0o17 0o644 0O17 -0o7 +0O17 0o_7 0_o17 -0_o0_0_070 0X1F 0B11 0X_1 +0X71A1F8_ -0Xf017 0_x1 0_b_0_1 -08 +08
-0089 +0800 -0800 -0_9 -0_88_ +00071018 -0111780 +_1 -_1 +_7.5 -_.8 +0_ -0_ +_77__81 1e_1 1e1_ 0e1_ -1.5e1_ +1e+1_
.5e1_1 0b+1 0b-10
"""
REFUSED = REFUSED_TEXT.split()
CLEAN_TEXT = """
yes Yes YES no No NO on ON off OFF true True TRUE false FALSE null Null NULL ~ << = 08 0089 0800 09_ 0_8 0_ 00 0 007
-007 +007 +0530 -0530 -0 +0 0x1F 0x_1f -0x1f 0b11 0b12 0b_1 1e3 1E3 1e+3 .5 -.5 +.5 ._5 5. 1.5_ -1 +1 -12 +12 1_000
-1_0 1:30 +1:30 1:30.5 +08:00 2026-1-2 2026-01-02 2026-01-02T03:04:05Z .inf -.inf +.inf .nan +.nan nan inf NaN -y yy
ny Yn 0o8 0o 0x 0X 0xG 0B2 0b 1e 1e+ e1 -e1 - + . _ _1 0x1p3 1e400_ 0X1FFFFFFFFFFFFFFFFF +08h --08 -08- t001 a1
"""
CLEAN = CLEAN_TEXT.split()


@pytest.mark.parametrize("word", REFUSED)
def test_words_that_are_refused(word):
    assert is_refused(word)
    assert not is_refused(f"x{word}")


@pytest.mark.parametrize("word", ["", *CLEAN])
def test_words_that_arrive(word):
    assert not is_refused(word)


def test_names_that_are_text_without_quotes():
    assert not [
        name
        for name in ["A", "NO1", "_NO", "yes_", "TRUE2", "nul", "y1", "yN", "--x", "a.b", "e1", "-x", "_", "BAND"]
        if not is_plain(name)
    ]
    other = [
        "yes",
        "On",
        "TRUE",
        "no",
        "Off",
        "FALSE",
        "y",
        "Y",
        "n",
        "N",
        "null",
        "Null",
        "NULL",
        "~",
        "-08",
        "-007",
        "-1",
        "-1.5",
        ".5",
        "-.5",
        ".inf",
        "-.INF",
        ".nan",
        "-0o7",
        "-_1",
        "-1e3",
    ]
    assert not [name for name in other if is_plain(name)]


def linted(folder, session, given=VariableValues(), **options):  # noqa: B008 - a frozen value
    text = f"""version: 1
project: p
variables: {{zone: {{default: "01"}}, flag: {{sensitive: true, default: x}}}}
defaults: {{image: {IMAGE}, cmd: p}}
sessions:
  - {session}
"""
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    result = load(["m.yaml"], root=folder, given=given)
    assert result.diagnostics == ()
    return check(result.projects, select={"yaml-word"}, **options)


@pytest.mark.parametrize(
    ("session", "given", "words"),
    [
        ("{name: s, args: [a, y]}", {}, "the argument is `y`, which kubectl reads as a boolean"),
        ("{name: s, args: a -08}", {}, "the argument is `-08`, which kubectl reads as a number"),
        ("{name: s, cmd: [N]}", {}, "cmd is `N`"),
        ("{name: s, env: {MODE: 0o644}}", {}, "the variable MODE has the value `0o644`"),
        ("{name: 's-${t}', matrix: {t: [a, '+0800']}, args: ['${t}']}", {}, "`+0800`"),
        ("{name: 's-${t}', matrix: {t: [a, b], include: [{t: b, env: {A: n}}]}}", {}, "`n`"),
        ("{name: s, args: ['-${var.zone}']}", {"zone": "08"}, "`-08`"),
        ("{name: s, args: ['-0${replica.id}'], replicas: 8}", {}, "`-08`"),
        ("{name: s, args: ['0o${replica.id}'], replicas: 2}", {}, "`0o1`"),
    ],
)
def test_where_words_come_from(tmp_path, monkeypatch, session, given, words):
    monkeypatch.chdir(tmp_path)
    (found,) = linted(tmp_path, session, VariableValues(given))
    assert found.severity == "error"
    assert found.location.line == 6
    assert words in found.summary


@pytest.mark.parametrize("session", ["{name: s, args: ['-0${replica.id}'], replicas: 7}", "{name: s, args: [--x=-08]}"])
def test_texts_that_are_not_words(tmp_path, monkeypatch, session):
    monkeypatch.chdir(tmp_path)
    assert linted(tmp_path, session) == ()


def test_a_sensitive_word_is_found_and_not_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = "{name: s, args: ['${var.flag}']}"
    (found,) = linted(tmp_path, session, VariableValues({"flag": "-0899"}))
    assert "-0899" not in f"{found.summary}{found.detail}{found.snippet}"
    text = (tmp_path / "m.yaml").read_text(encoding="utf-8").replace(", default: x", "")
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    without = load(["m.yaml"], root=Path(tmp_path), given=VariableValues(missing=MissingValues.SENSITIVE))
    assert check(without.projects, select={"yaml-word"}) == ()


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("y", "yes"),
        ("N", "no"),
        ("0o644", "0644"),
        ("+0800", "+08:00"),
        ("-08", "-8"),
        ("0X1F", "0x1f"),
        ("1e1_", "1e1"),
    ],
)
def test_what_to_write_instead(tmp_path, monkeypatch, word, instead):
    monkeypatch.chdir(tmp_path)
    (found,) = linted(tmp_path, f"{{name: s, args: ['{word}']}}")
    assert f"Write {instead} if your program accepts it" in found.detail
    assert not is_refused(instead)
