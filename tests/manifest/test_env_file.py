"""`--var-file` with `.env` files: what a line gives, and which lines are errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.manifest import read_values
from skaha_apply.manifest.variables.env_file import is_env_file, read_env
from skaha_apply.model.errors import ManifestError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("night=2026-11-22", {"night": "2026-11-22"}),
        ("\ufeffnight=1\r\n\r\n# c\r\nBAND=r\r\n", {"night": "1", "BAND": "r"}),
        ("export NIGHT = a b  # the night", {"NIGHT": "a b"}),
        ("SKAHA_VAR_token=x#y", {"token": "x#y"}),
        ("A=\nB=''\nC= # c", {"A": "", "B": "", "C": ""}),
        ("A='a \\n # $B \"'  # c", {"A": 'a \\n # $B "'}),
        ('A="a\\n\\"b\\" \\\\ # $B"', {"A": 'a\n"b" \\ # $B'}),
        ("K='-----BEGIN\nabc\n-----END'\nA=1", {"K": "-----BEGIN\nabc\n-----END", "A": "1"}),
        ("A=${B}\nB=a=b==", {"A": "${B}", "B": "a=b=="}),
        ("", {}),
    ],
)
def test_a_line_gives_the_value_as_written(tmp_path, text, expected):
    (tmp_path / "a.env").write_bytes(text.encode())
    assert read_values(tmp_path / "a.env") == expected


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("A=1\nsecret-word", 2, "this line is not NAME=VALUE"),
        ("# c\nnight: secret-word", 2, "this line is not NAME=VALUE"),
        ("A='1\n2'\nA=secret-word", 3, "`A` is given twice"),
        ("1A=secret-word", 1, "this is not a name for a variable"),
        ("A='secret-word", 1, "the quotes of this value do not end"),
        ("A='x' secret-word", 1, "there is text after the quotes of this value"),
        ("A B=secret-word", 1, "this line is not NAME=VALUE"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line_and_never_shown(tmp_path, monkeypatch, text, line, shown):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ManifestError) as caught:
        read_values(".env")
    (found,) = caught.value.diagnostics
    assert (str(found.location).rpartition(":")[0], found.summary) == (f".env:{line}", shown)
    assert "secret-word" not in str(caught.value)


def test_all_bad_lines_are_reported():
    with pytest.raises(ManifestError) as caught:
        read_env("a\nB=1\nc\n", ".env")
    assert [one.location.line for one in caught.value.diagnostics] == [1, 3]


@pytest.mark.parametrize(
    ("name", "expected"),
    [(".env", True), (".env.local", True), ("a/survey.env", True), ("env.yaml", False), (".envs/a.yaml", False)],
)
def test_the_name_decides(name, expected):
    assert is_env_file(name) is expected


@given(st.text(alphabet="aA=#'\"\\ \n\r\t$", max_size=40))
def test_any_text_is_read_or_refused(text):
    found = ()
    try:
        read_env(text, "f")
    except ManifestError as error:
        found = error.diagnostics
    assert all(1 <= one.location.line <= text.count("\n") + 1 for one in found)
