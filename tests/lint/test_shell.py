"""Shell syntax is reported where no shell reads it, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skaha_apply.lint import check
from skaha_apply.manifest import load

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def linted(**keys):
    manifest = {"version": 1, "project": "p", "sessions": [{"name": "s", "image": IMAGE, "cmd": "python", **keys}]}
    result = load(["-"], root=Path(), stdin=json.dumps(manifest).encode)
    assert result.diagnostics == ()
    return check(result.projects, select={"no-shell"})


@pytest.mark.parametrize(
    "words",
    [
        "*.fits",
        "data/*.fits",
        "tile?.fits",
        "t00{1,2,3}.fits",
        "t{001..300}",
        "image_*.fits[1]",
        "--in=*.fits",
        "~",
        "~/data",
        "~me/data",
        "--out=~/data",
        "|",
        "||",
        "&&",
        "&",
        ";",
        ">",
        ">>",
        "<",
        "2>",
        "2>&1",
        "&>",
        ">out.log",
        "2>/dev/null",
        ">>log",
        "<in.txt",
        "a.py;",
        "`date`",
        "`pwd`/x",
        "$(date)",
        "$(nproc)",
        "--n=$(nproc)",
    ],
)
def test_arguments_with_shell_syntax(words):
    (found,) = linted(args=["x.py", words, "last"])
    assert (found.severity, found.path) == ("warning", "sessions[0].args[1]")
    (found,) = linted(cmd="bash", args=["run.sh", words])
    assert found.path == "sessions[0].args[1]"
    script = linted(cmd="bash", args=["-c", f"x\t{words}"])
    assert script == ()


@pytest.mark.parametrize("cmd", ["cd", "source", "export", "~/bin/run", "OMP=4", "./run-*.sh"])
def test_programs_that_only_a_shell_knows(cmd):
    (found,) = linted(cmd=cmd, args=["a"])
    assert found.path == "sessions[0].cmd"


@pytest.mark.parametrize("value", ["~/data", "$(date)", "`hostname`"])
def test_variables_with_shell_syntax(value):
    (found,) = linted(env={"A": value})
    assert found.path == "sessions[0].env.A"


@pytest.mark.parametrize(
    "keys",
    [
        {"cmd": "bash", "args": ["-c", "ls\t*.fits\t|\twc"]},
        {"cmd": "/bin/sh", "args": ["-ec", "a;b"]},
        {"cmd": ["bash", "-l", "-c", "a&&b"]},
        {"cmd": ["env", "A=1", "bash", "-c", "ls\t~"]},
        {"cmd": ["conda", "run", "-n", "x", "sh", "-c", "a\t>\tb"]},
        {"args": ["-c", "import x;print(2*3)"]},
        {"cmd": "julia", "args": ["-e", "x>2"]},
        {"cmd": "find", "args": ["/arc", "-name", "*.fits", "-exec", "rm", "{}", ";"]},
        {"cmd": "grep", "args": ["-c", "a*b", "x"]},
        {"args": ["x.py", "--pattern", "*.fits"]},
        {"args": ["x.py", "--include=*.fits"]},
        {"args": ["x.py", "https://example.org/a?b=c*d"]},
        {"args": ["x.py", "img.fits[1]", "img.fits[*,1:100]", "evt.fits[PI>100&&PI<200]"]},
        {"args": ["x.py", "^t.*$", "a.*b", "2*3", ">5", "<none>", "a=b", "a;b", "a~b", "a&b", "-", "--", "k:v"]},
        {"args": ["x.py", "{a:1}", "{}", "{x}", "what?", "50%", "#1", "!", "[a]"]},
        {"args": ["x.py", "$(BAND)", "$(REPLICA_ID)", "$(HOME)/x"], "env": {"BAND": "r"}},
        {"env": {"FILES": "*.fits", "CUT": "a>b", "X": "a|b"}},
        {"kind": "notebook", "cmd": None},
    ],
)
def test_texts_that_need_no_shell(keys):
    assert linted(**{key: value for key, value in keys.items() if value is not None or key != "cmd"}) == ()


def test_the_command_line_is_advised_as_a_script_of_a_shell():
    found = linted(args=["x.py", "*.fits", "|", "tee", "log"])
    assert [one.path for one in found] == ["sessions[0].args[1]", "sessions[0].args[2]"]
    assert 'Write cmd: bash and args: [-c, "python\\tx.py\\t*.fits\\t|\\ttee\\tlog"]' in found[0].detail


def test_the_advice_shows_no_invisible_character():
    manifest = {"name": "s", "image": IMAGE, "cmd": "p", "args": ["a b\u202ec"]}
    text = json.dumps({"version": 1, "project": "p", "sessions": [manifest]})
    (found,) = check(load(["-"], root=Path(), stdin=text.encode).projects, select={"arg-space"})
    assert 'write "a\\tb\\u202ec"' in found.detail


def test_the_advice_keeps_references():
    manifest = {
        "version": 1,
        "project": "p",
        "sessions": [
            {
                "name": "s-${t}",
                "matrix": {"t": ["a", "b"]},
                "image": IMAGE,
                "cmd": "cat",
                "args": ["${t}.txt", ">", "${t}"],
            }
        ],
    }
    result = load(["-"], root=Path(), stdin=json.dumps(manifest).encode)
    (found,) = check(result.projects, select={"no-shell"})
    assert '"cat\\t${t}.txt\\t>\\t${t}"' in found.detail
