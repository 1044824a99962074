"""cmd, args and env as tables: what a client sends, and what the container gets."""

from __future__ import annotations

import pytest
from facts import BAD_YAML, IMAGE, NO_JOB, Answer, differences, names

from skaha_apply.sandbox.text.yaml_words import is_retyped

ILLEGAL = Answer(400, "Illegal group reference\n")
YAML = Answer(500, BAD_YAML)
JOB = Answer(500, NO_JOB)


def create(sandbox, fields):
    given = {"image": IMAGE, "name": "p", **fields}
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    return sandbox.http.post("/skaha/v1/session", data=given, headers=headers)


# cmd and args, and the words of the process, or the error response.
COMMANDS = [
    ("cmd is one word", "bash -c", "x", ["bash -c", "x"]),
    ("cmd empty", "", "x", ["", "x"]),
    ("split at spaces", "x", "a b", ["x", "a", "b"]),
    ("runs of spaces", "x", "a  b ", ["x", "a", "", "b"]),
    ("only spaces", "x", "   ", ["x"]),
    ("empty", "x", "", ["x", ""]),
    ("tabs do not split", "x", "a\tb", ["x", "a\tb"]),
    ("newline", "x", "a\nb", ["x", "a b"]),
    ("CR", "x", "a\rb", ["x", "a b"]),
    ("U+0085", "x", "a\x85b", ["x", "a b"]),
    ("U+FEFF passes", "x", "a\ufeffb", ["x", "a\ufeffb"]),
    ("control character", "x", "a\x07b", YAML),
    ("DEL", "x", "a\x7fb", YAML),
    ("backslash vanishes", "x", r"a\tb", ["x", "atb"]),
    ("YAML escape", "x", r"a\\tb", ["x", "a\tb"]),
    ("unknown YAML escape", "x", r"a\\qb", YAML),
    ("variable", "x", "$HOME", ILLEGAL),
    ("variable in braces", "x", "${HOME}", Answer(400, "No group with name {HOME}\n")),
    (
        "group 1",
        "x",
        "$1",
        Answer(500, "unexpected exception: java.lang.IndexOutOfBoundsException: No group 1"),
    ),
    ("group 0", "x", "$0", ["x", "${headless.image.bundle}"]),
    ("escaped variable", "x", r"\$HOME", ["x", "$HOME"]),
    ("in cmd", "$x", "", ILLEGAL),
    ("quote", "x", 'a"b', YAML),
    ("injected argument", "x", 'a","b', ["x", "a", "b"]),
    ("injected null", "x", 'a",null,"b', YAML),
    ("injected boolean", "x", 'a",yes,"b', ["x", "a", "true", "b"]),
    ("injected comment", "x", 'a" #"', YAML),
    ("comment that ends with its line", "x", 'a"#\x85"b', YAML),
    ("passes", "x", ", # % & + : * [x] {x} ' -a", ["x", ",", "#", "%", "&", "+", ":", "*", "[x]", "{x}", "'", "-a"]),
    ("expansion", "x", r"\$(A)", ["x", "val"]),
    ("expansion of the platform's", "x", r"\$(skaha_username)", ["x", "sandbox"]),
    ("unknown name", "x", r"\$(NONE)", ["x", "$(NONE)"]),
    ("two dollars", "x", r"\$\$(A)", ["x", "$(A)"]),
    ("placeholder name", "x", r"\${software.hostname}", ["x", "p"]),
    ("placeholder user", "x", r"\${skaha.userid}", ["x", "sandbox"]),
    ("placeholder ram", "x", r"\${software.requests.ram}", ["x", "4.0Gi"]),
    ("placeholder cores", "x", r"\${software.limits.cores}", ["x", "8.0"]),
    ("placeholder type", "x", r"\${skaha.sessiontype}", ["x", "headless"]),
    ("no placeholder", "x", r"\${skaha.nothing}", ["x", "${skaha.nothing}"]),
    ("escaped space", "x", r"a\\x20b", ["x", "a b"]),
    ("escaped equals", "x", r"\\x3d", ["x", "="]),
    ("escaped quote", "x", r"\\x22", ["x", '"']),
    ("escaped dollar", "x", r"\\x24\\x24HOME", ["x", "$HOME"]),
    ("escaped emoji", "x", r"\\U0001f600", ["x", "\U0001f600"]),
    ("escaped pair", "x", r"\\ud83d\\ude00", ["x", "\U0001f600"]),
    ("escaped control character", "x", r"\\x07", ["x", "\x07"]),
    ("escaped empty argument", "x", "\\\\\n b", ["x", "", "b"]),
    ("escaped word", "x", r"\\x24(E_)y", ["x", "y"]),
]


@pytest.mark.parametrize(("cmd", "args", "expected"), [row[1:] for row in COMMANDS], ids=names(COMMANDS))
def test_commands(sandbox, cmd, args, expected):
    reply = create(sandbox, {"cmd": cmd, "args": args, "env": ['E_=" #', "A=val"]})
    if isinstance(expected, Answer):
        assert differences(reply, expected) == []
    else:
        assert reply.status_code == 200, reply.text
        assert sandbox.sessions()[0]["argv"] == expected


# One env entry, and the variables that the session gets.
VARIABLES = [
    ("plain", "A=b", {"A": "b"}),
    ("no =", "A", {}),
    ("empty", "A=", {}),
    ("two =", "A=b=c", {}),
    ("base64", "A=YQ==", {"A": "YQ"}),
    ("cut at a hash", 'A=say "#1"', {"A": "say "}),
    ("escaped empty", 'A=" #', {"A": ""}),
    ("spaces", "A= b  c ", {"A": " b  c "}),
    ("true", "ON=x", {"true": "x"}),
    ("yes", "yes=x", {"true": "x"}),
    ("True", "True=x", {"true": "x"}),
    ("no", "NO=x", {"false": "x"}),
    ("off", "Off=x", {"false": "x"}),
    ("yEs is text", "yEs=x", {"yEs": "x"}),
    ("y", "y=x", JOB),
    ("Y", "Y=x", JOB),
    ("n", "n=x", JOB),
    ("null", "null=x", JOB),
    ("NULL", "NULL=x", JOB),
    ("tilde", "~=x", JOB),
    ("-08", "-08=x", JOB),
    ("-007", "-007=x", {"-7": "x"}),
    ("-010", "-010=x", {"-8": "x"}),
    ("-0.5", "-.5=x", {"-0.5": "x"}),
    ("quoted", '"A"=x', {"A": "x"}),
    ("single quotes", "'A'=x", {"A": "x"}),
    ("list", "[A]=x", {"A": "x"}),
    ("comment", "A #b=x", {"A": "x"}),
    ("digit first", "1A=x", JOB),
    ("space", "A B=x", JOB),
    ("colon", "A:B=x", JOB),
    ("é", "é=x", JOB),
    ("empty name", "=x", JOB),
    ("leading dot", ".A=x", {".A": "x"}),
    ("a dot", ".=x", JOB),
    ("two leading dots", "..A=x", JOB),
    ("leading dot, underscore in the exponent", ".5e1_1=x", JOB),
    ("a number without digits", "-._E1=x", Answer(400, 'For input string: ".e1"\n')),
    ("a point and an underscore", "._=x", Answer(400, 'For input string: "."\n')),
    ("own PWD loses", "skaha_username=me", {"skaha_username": "sandbox"}),
    ("own HOME is not known yet", r"A=\$(HOME)", {"A": "$(HOME)"}),
    ("host of the API", "A=b", {"A": "b", "skaha_hostname": "127.0.0.1"}),
]


@pytest.mark.parametrize(("entry", "expected"), [row[1:] for row in VARIABLES], ids=names(VARIABLES))
def test_variables(sandbox, entry, expected):
    reply = create(sandbox, {"cmd": "true", "env": entry})
    if isinstance(expected, Answer):
        assert differences(reply, expected) == []
        return
    assert reply.status_code == 200, reply.text
    given = sandbox.sessions()[0]["env"]
    platform = {"HOME", "PWD", "OMP_NUM_THREADS", "skaha_hostname", "skaha_username", "skaha_sessionid"}
    assert {name: value for name, value in given.items() if name in expected or name not in platform} == expected


@pytest.mark.parametrize(("cores", "threads"), [(None, "1"), ("2", "2"), ("2.9", "2"), ("1.5", "1"), ("16", "16")])
def test_threads(sandbox, cores, threads):
    assert sandbox.create(cores=cores).status_code == 200
    assert sandbox.sessions()[0]["env"]["OMP_NUM_THREADS"] == threads


# Words that kubectl reads as a boolean or a number, and that the server writes without quotes.
RETYPED = [
    *"yYnN", "0o7", "-0o17", "+0O17", "0o_7", "0X1F", "0B11", "0_x1", "-08", "+0800", "-0_9", "+_1", "-_.8", "+0_",
    "1e_1", "1e1_", "0o644", "-0X1f", ".5e1_1", ".5e+1_1",
]  # fmt: skip
FINE = [
    "yes", "no", "on", "off", "true", "false", "null", "~", "08", "0089", "0800", "007", "-007", "+007", "+0530",
    "-0530", "0x1F", "0b11", "1e3", ".5", "-.5", "1:30", "2026-01-02", "1_000", "0_8", "-1", "+1", "<<", "yy", "Yn",
    "nO", "0o8", "0x", "1e", "1e+", ".", "-", "+", "_", "_1", "0xg", "1.2.3", "1e999", "+1e_999", "--1", "a1", "1a",
    ".5_e1_1", ".5e1__1", ".5e9_999",
]  # fmt: skip


@pytest.mark.parametrize("word", RETYPED)
def test_words_that_end_in_500_wherever_they_stand(sandbox, word):
    places = [{"cmd": word}, {"cmd": "x", "args": f"a {word}"}, {"cmd": "x", "env": f"A={word}"}]
    places.append({"cmd": "x", "args": "".join(rf"\\x{ord(char):02x}" for char in word)})
    assert [create(sandbox, place).status_code for place in places] == [500] * 4
    assert sandbox.sessions() == []
    assert create(sandbox, {"cmd": "x", "args": f"{word}, a{word}"}).status_code == 200


def test_words_that_are_fine(sandbox):
    assert create(sandbox, {"cmd": "x", "args": " ".join(FINE)}).status_code == 200
    assert sandbox.sessions()[0]["argv"] == ["x", *FINE]
    assert not any(map(is_retyped, [*FINE, ""]))
