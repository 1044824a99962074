"""The key `notify`: its form, and the variables in it."""

from __future__ import annotations

import pytest

from skaha_apply.manifest import load
from skaha_apply.model.project import MissingValues, VariableValues

TOP = "version: 1\nproject: p\nsessions: []\nvariables: {key: {sensitive: true}, host: {default: chat.example.org}}\n"


def loaded(tmp_path, *texts, **given):
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(TOP + text)
    return load([tmp_path], root=tmp_path, given=VariableValues(**given))


def test_plain_variables_are_filled_in_and_sensitive_ones_stay_names(tmp_path):
    text = "notify:\n  url: https://${var.host}/${var.key}\n  command: [send, '${var.key}', '$${HOME}']\n  on: end\n"
    found = loaded(tmp_path, text, values={"key": "secret"})
    assert found.diagnostics == ()
    notify = found.projects[0].notify
    assert notify.url == "https://chat.example.org/${var.key}"
    assert (notify.command, notify.on) == (("send", "${var.key}", "${HOME}"), ("end",))
    assert "=secret" not in repr(found.projects)
    assert "chat.example.org" not in repr(notify)


@pytest.mark.parametrize("missing", list(MissingValues))
def test_a_sensitive_variable_without_a_value_is_accepted_and_no_session_requires_it(tmp_path, missing):
    found = loaded(tmp_path, "notify: {url: '${var.key}'}\n", missing=missing)
    assert found.diagnostics == ()
    assert found.projects[0].withheld == frozenset()


@pytest.mark.parametrize(
    ("text", "rule", "line", "shown"),
    [
        ("notify: {url: 'https://a/', to: me}", "unknown-key", 5, "`to` is not a key of notify"),
        ("notify:\n  url: example.org", "wrong-value", 6, "notify.url is not an http or https address"),
        ("notify: {command: run it}", "wrong-type", 5, "notify.command must be a list of texts, not a plain value"),
        ("notify: {command: ['']}", "wrong-value", 5, "notify.command has no program"),
        ("notify: {on: [end]}", "missing-key", 5, "notify has neither url nor command"),
        ("notify: {url: 'https://a/', on: [end, begin]}", "wrong-value", 5, "notify.on[1] cannot be `begin`"),
        ("notify: {command: [a, '${tile}']}", "interpolation", 5, "`${tile}` is not known"),
        ("notify: {command: [a, '${replica.id}']}", "interpolation", 5, "a replica is not known here"),
        ("notify: {url: 'https://${var.hots}/'}", "interpolation", 5, "no variable `hots` is declared"),
        ("notify:", "wrong-type", 5, "notify must be a mapping, not empty"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, rule, line, shown):
    (found,) = loaded(tmp_path, text + "\n").diagnostics
    assert (found.rule, found.location.line) == (rule, line)
    assert shown in found.summary


def test_files_of_a_project_agree(tmp_path):
    same = "notify: {url: 'https://a/'}\n"
    assert loaded(tmp_path, same, same).diagnostics == ()
    (found,) = loaded(tmp_path, same, "notify: {url: 'https://b/'}\n").diagnostics
    assert "notify differs from that of" in found.summary
