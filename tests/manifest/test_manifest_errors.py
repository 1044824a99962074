"""Every syntax error: one diagnostic with its location, its snippet and the fix, and never a traceback."""

from __future__ import annotations

import pytest

from skaha_apply.manifest import SYNTAX_RULES, load
from skaha_apply.manifest.expansion.entry_template import EntryTemplate
from tests.counted_calls import times_called

IMAGE = "images.canfar.net/skaha/astroml:24.07"
HEAD = "version: 1\nproject: p\n"


def diagnostics(tmp_path, text):
    (tmp_path / "m.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load([tmp_path / "m.yaml"], root=tmp_path).diagnostics


def of_session(tmp_path, body):
    return diagnostics(tmp_path, f"{HEAD}sessions:\n  - name: s\n    image: {IMAGE}\n    {body}\n")


SESSION_ERRORS = [
    ("nmae: x", "unknown-key", (6, 5, 9), "`nmae`", "name"),
    ("matrxi: {a: [1]}", "unknown-key", (6, 5, 11), "`matrxi`", "Did you mean matrix?"),
    ("cores: 2\n    cores: 3", "duplicate-key", (7, 5, 10), "line 6", "Remove"),
    ('cores: "8"', "wrong-type", (6, 12, 15), "the text `8`", "Write cores: 8, without quotes."),
    ("cores: many", "wrong-type", (6, 12, 16), "`many`", "cores: 2"),
    ("cores: 0", "wrong-value", (6, 12, 13), "more than 0", ""),
    ("cores: .inf", "wrong-type", (6, 12, 16), "`.inf`", ""),
    ("cores: 1e999", "wrong-type", (6, 12, 17), "`1e999`", ""),
    (f"cores: {'9' * 5000}", "wrong-type", (6, 12, 5012), "cores", ""),
    ("cores:", "wrong-type", (6, 11, 11), "has no value", "remove the key"),
    ("cores: [1]", "wrong-type", (6, 12, 15), "a list", ""),
    (
        "ram: 32GB",
        "wrong-type",
        (6, 10, 14),
        "`32GB`",
        "Write ram: 32. The number is in GB as the server counts them (GiB).",
    ),
    ("ram: 32Gi", "wrong-type", (6, 10, 14), "`32Gi`", "Write ram: 32."),
    ("ram: 32G", "wrong-type", (6, 10, 13), "`32G`", "Write ram: 32."),
    ("gpus: 1.5", "wrong-type", (6, 11, 14), "whole number", "gpus: 2"),
    ("gpus: -1", "wrong-value", (6, 11, 13), "negative", ""),
    ("replicas: 0", "wrong-value", (6, 15, 16), "from 1 to", "remove the session"),
    ("replicas: 1000001", "wrong-value", (6, 15, 22), "from 1 to 1,000,000", "larger share of the work"),
    ("parallelism: 0", "wrong-value", (6, 18, 19), "at least 1", "Remove parallelism"),
    ("pilot: 1.5", "wrong-type", (6, 12, 15), "whole number", "pilot: 2"),
    ("stop_after: 0", "wrong-value", (6, 17, 18), "at least 1", ""),
    ("retries: -1", "wrong-value", (6, 14, 16), "negative", ""),
    ("retries: two", "wrong-type", (6, 14, 17), "`two`", "retries: 2"),
    ("retry_wait: 0s", "wrong-value", (6, 17, 19), "more than 0", "Remove retry_wait"),
    ("retry_wait: 0", "wrong-value", (6, 17, 18), "more than 0", ""),
    ("retry_ram: []", "wrong-type", (6, 16, 18), "not an empty list", "retry_ram: [16, 32]"),
    ("retry_ram: {2: 16}", "wrong-type", (6, 16, 23), "a list of numbers, not a mapping", ""),
    ("retry_ram: 16G", "wrong-type", (6, 16, 19), "`16G`", "Write retry_ram: 16."),
    ("retry_ram: [8, 16 GB]", "wrong-type", (6, 20, 25), "retry_ram[1] must be a number", "Write 16."),
    ("retry_ram: [8, 0]", "wrong-value", (6, 20, 21), "more than 0", ""),
    ('retry_ram: ["16"]', "wrong-type", (6, 17, 21), "the text `16`", "Write 16, without quotes."),
    ("timeout: -5m", "wrong-value", (6, 14, 17), "a duration", "10s, 30m, 12h or 2d"),
    ("timeout: 2w", "wrong-value", (6, 14, 16), "`2w`", "10s, 30m, 12h or 2d"),
    ("timeout: 1h30m", "wrong-value", (6, 14, 19), "`1h30m`", ""),
    ("timeout: 1000d", "wrong-value", (6, 14, 19), "`1000d`", "at most 999d"),
    ("timeout: 1e9", "wrong-value", (6, 14, 17), "`1e9`", "at most 999d"),
    ("pending_timeout: [1h]", "wrong-type", (6, 22, 26), "must be text, not a list", ""),
    ("renew: soon", "wrong-value", (6, 12, 16), "`soon`", "renew: 10s"),
    ("rerun: on_change", "wrong-value", (6, 12, 21), "`on_change`", "Did you mean on-change?"),
    ("rerun: daily", "wrong-value", (6, 12, 17), "`daily`", "an age: 1d"),
    ("rerun: 1day", "wrong-value", (6, 12, 16), "`1day`", ""),
    ("rerun: true", "wrong-value", (6, 12, 16), "`true`", "always"),
    ("vanished: redo", "wrong-value", (6, 15, 19), "`redo`", "hold, rerun or complete"),
    ("vanished: Hold", "wrong-value", (6, 15, 19), "`Hold`", "Did you mean hold?"),
    ("when_removed: keep", "wrong-value", (6, 19, 23), "`keep`", "delete or finish"),
    ("needs: [[a]]", "wrong-type", (6, 13, 16), "a name, not a list", "require: 95%"),
    ("needs: [{require: 95%}]", "missing-key", (6, 13, 27), "has no name", "{name: NAME"),
    ("needs: [{name: a, share: 1}]", "unknown-key", (6, 23, 28), "`share`", "require"),
    ("needs: [{name: a, require: 0.95}]", "wrong-value", (6, 32, 36), "`0.95`", "require: 95%."),
    ("needs: [{name: a, require: 95}]", "wrong-value", (6, 32, 34), "`95`", "require: 95%."),
    ("needs: {name: a, require: 101%}", "wrong-value", (6, 31, 35), "`101%`", "ended"),
    ("needs: {name: a, require: all}", "wrong-value", (6, 31, 34), "`all`", "95%"),
    ("protect: yes", "wrong-type", (6, 14, 17), "`yes`", "Write protect: true."),
    ("kind: headles", "wrong-value", (6, 11, 18), "`headles`", "Did you mean headless?"),
    ("kind: desktop-app", "wrong-value", (6, 11, 22), "`desktop-app`", "kind: desktop"),
    ("cmd: []", "wrong-type", (6, 10, 12), "empty list", "Remove the key"),
    ("cmd:", "wrong-type", (6, 9, 9), "has no value", ""),
    ('args: ""', "wrong-type", (6, 11, 13), "empty text", "[]"),
    ("args: {a: b}", "wrong-type", (6, 11, 17), "a mapping", "args: [one, two]"),
    ("args: [a: b]", "wrong-type", (6, 12, 16), "args[0]", "quotes"),
    ("args: [[a]]", "wrong-type", (6, 12, 15), "args[0]", ""),
    ("env: [A=b]", "wrong-type", (6, 10, 15), "a mapping", "NAME: value"),
    ("env: {A: }", "wrong-type", (6, 13, 13), "env.A has no value", ""),
    ("env: {A: 1, A: 2}", "duplicate-key", (6, 17, 18), "line 6", ""),
    ("env: {[a]: b}", "wrong-type", (6, 11, 14), "a key must be text", ""),
    ("<<: 3", "wrong-type", (6, 9, 10), "<<", ""),
    ("args: *nobody", "yaml", (6, 11, 18), "&nobody", "quotes"),
    ("args: !!python/object:os.system [a]", "wrong-type", (6, 11, 0), "the tag", ""),
    ("args: &a [*a]", "yaml", (6, 15, 0), "is inside the value that it repeats", ""),
]


@pytest.mark.parametrize(
    ("body", "rule", "place", "summary", "detail"), SESSION_ERRORS, ids=lambda value: str(value)[:24]
)
def test_errors_in_a_session(tmp_path, body, rule, place, summary, detail):  # noqa: PLR0917 - a table with these columns
    found = of_session(tmp_path, body)
    assert [item.rule for item in found] == [rule]
    where = found[0].location
    line, column, end_column = place
    assert (where.line, where.column) == (line, column)
    assert where.end_column == (end_column or where.end_column)
    assert summary in found[0].summary
    assert detail in found[0].detail
    assert "^" in found[0].snippet
    assert rule in SYNTAX_RULES


WHOLE_ERRORS = [
    ("", "empty", 1, "is empty"),
    ("# only a comment\n", "empty", 1, "is empty"),
    ("---\n", "empty", 1, "is empty"),
    ("- a\n", "wrong-type", 1, "a manifest is a mapping"),
    ("just text\n", "wrong-type", 1, "a manifest is a mapping"),
    ("project: p\nsessions: []\n", "missing-key", 1, "`version`"),
    ("version: 1\nsessions: []\n", "missing-key", 1, "`project`"),
    (HEAD, "missing-key", 1, "`sessions`"),
    (HEAD + "sessions:\n", "wrong-type", 3, "must be a list"),
    (HEAD + "sessions: {a: b}\n", "wrong-type", 3, "must be a list"),
    (HEAD + "sessions: [a]\n", "wrong-type", 3, "sessions[0] must be a mapping"),
    (HEAD + "sessions:\n  -\n", "wrong-type", 4, "sessions[0] must be a mapping"),
    (HEAD + f"sessions: [{{image: {IMAGE}}}]\n", "missing-key", 3, "has no name"),
    (HEAD + "sessions: [{name: s}]\n", "missing-key", 3, "has no image"),
    (HEAD + f"sessions: [{{name: , image: {IMAGE}}}]\n", "wrong-type", 3, "name has no value"),
    (HEAD + "defaults:\nsessions: []\n", "wrong-type", 3, "defaults must be a mapping"),
    (HEAD + "defaults: {name: x}\nsessions: []\n", "unknown-key", 3, "`name` is not a key of defaults"),
    (HEAD + "defaults: {cores: x}\nsessions: []\n", "wrong-type", 3, "defaults.cores"),
    (HEAD + "session: []\nsessions: []\n", "unknown-key", 3, "`session`"),
    (HEAD + "cores: 2\nsessions: []\n", "unknown-key", 3, "`cores`"),
    ("version: 2\nproject: p\nnews: x\n", "version", 1, "version `2`"),
    ('version: "1"\nproject: p\nsessions: []\n', "version", 1, "version `1`"),
    ("version: 1\nproject: ../x\nsessions: []\n", "wrong-value", 2, "not a name for a project"),
    (HEAD + "sessions: []\n---\na: b\n", "yaml", 4, "several documents"),
    (HEAD + "sessions:\n\t- name: x\n", "yaml", 4, "a tab"),
    (HEAD + "sessions: [\n", "yaml", 4, "broken YAML"),
    (HEAD + "sessions: a: b\n", "yaml", 3, "broken YAML"),
    (HEAD + 'sessions: "abc\n', "yaml", 4, "broken YAML"),
    (HEAD + "x-a: " + "[" * 200 + "\n", "too-large", 3, "deep"),
    (HEAD + "x-a:\n" + "- " * 5000 + "\n", "too-large", 4, "deep"),
    (b"version: 1\nproject: caf\xe9\nsessions: []\n", "encoding", 2, "0xE9"),
    (b"version: 1\nproject: \x07\nsessions: []\n", "encoding", 2, "U+0007"),
    ("version: 1\nproject: a\u2028b\nsessions: []\n", "encoding", 2, "U+2028"),
    (b"\x00\x01\x02\xff", "encoding", 1, "not a text file"),
    (b"\xff\xfev\x00", "encoding", 1, "UTF-16"),
    (b"#" + b"x" * (32 << 20), "too-large", 1, "larger than 32 MB"),
]


@pytest.mark.parametrize(("text", "rule", "line", "summary"), WHOLE_ERRORS, ids=lambda value: repr(value)[:40])
def test_errors_of_the_whole(tmp_path, text, rule, line, summary):
    found = diagnostics(tmp_path, text)
    assert [item.rule for item in found] == [rule]
    assert found[0].location.line == line
    assert summary in found[0].summary


@pytest.mark.parametrize(
    "written",
    ["args: [a, ${tile}]", "args: [--x=${replica.id}, b]", "env: {A: ${tile}}", "args: [\n      a,\n      ${tile}]"],
)
def test_reference_within_brackets_requires_quotes(tmp_path, written):
    found = of_session(tmp_path, written)
    assert [(item.rule, '["${name}"]' in item.detail) for item in found] == [("yaml", True)]


def test_every_error_is_reported_at_once_and_the_valid_part_is_kept(tmp_path):
    (tmp_path / "m.yaml").write_text(
        f"{HEAD}oops: 1\nsessions:\n  - {{name: good, image: {IMAGE}}}\n"
        f"  - {{name: bad, image: {IMAGE}, cores: x, gpus: y}}\n",
    )
    result = load([tmp_path / "m.yaml"], root=tmp_path)
    assert [item.rule for item in result.diagnostics] == ["unknown-key", "wrong-type", "wrong-type"]
    assert [spec.name for spec in result.projects[0].sessions] == ["good"]


def test_error_in_the_defaults_is_reported_once(tmp_path):
    body = "".join(f"  - {{name: s{index}}}\n" for index in range(20))
    found = diagnostics(tmp_path, f"{HEAD}defaults: {{image: {IMAGE}, cores: x}}\nsessions:\n{body}")
    assert len(found) == 1


def test_snippet_marks_the_location(tmp_path):
    found = of_session(tmp_path, "protect: yes")
    assert found[0].snippet == "    protect: yes\n             ^^^"


def test_a_snippet_has_no_escape_codes_and_is_short(tmp_path):
    found = of_session(tmp_path, "kind: " + "é" * 5000)
    assert max(map(len, found[0].snippet.splitlines())) < 200
    assert len(found[0].summary) < 200


def test_bombs_of_aliases_are_bounded(tmp_path):
    anchors = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for depth in range(1, 30):
        anchors += f"x-{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]\n"
    found = diagnostics(tmp_path, f"{HEAD}{anchors}sessions:\n  - {{name: s, image: {IMAGE}, args: *a29}}\n")
    assert {item.rule for item in found} == {"wrong-type"}
    assert len(found) <= 10


def test_bombs_of_merges_are_bounded(tmp_path):
    anchors = "x-0: &a0 {cores: 1}\n"
    for depth in range(1, 40):
        anchors += f"x-{depth}: &a{depth} {{<<: [{', '.join([f'*a{depth - 1}'] * 10)}]}}\n"
    found = diagnostics(tmp_path, f"{HEAD}{anchors}sessions:\n  - {{name: s, image: {IMAGE}, <<: *a39}}\n")
    assert {item.rule for item in found} == {"too-large"}


LONG = {
    "env": f"&v {{{', '.join(f'V{index}: x' for index in range(2000))}}}",
    "args": f"&v [{', '.join(f'a{index}' for index in range(2000))}]",
    "needs": f"&v [{', '.join(f's{index}' for index in range(2000))}]",
    "matrix": f"&v {{tile: [{', '.join(map(str, range(2000)))}]}}",
    "text": f"&v {'x' * 200_000}",
}
REPEATS = {
    "env": ("env: *v", "the first 1,000 sessions have 2,000,000 variables"),
    "args": ("args: *v", "the first 1,000 sessions have 2,000,000 arguments"),
    "needs": ("needs: *v", "the first 1,000 sessions have 2,000,000 dependencies"),
    "matrix": ("matrix: *v", "the first 1,001 sessions have 2,002,000 combinations"),
    "text": ("args: [*v]", "more than 100,000,000 characters"),
}


@pytest.mark.parametrize("part", REPEATS)
def test_repeated_values_are_counted_before_anything_is_expanded(tmp_path, part):
    """A small file repeats a long value by an alias: one message, at the entry that passes the limit."""
    repeated, summary = REPEATS[part]
    sessions = "".join(f"  - {{name: s{index}, image: {IMAGE}, {repeated}}}\n" for index in range(2000))
    text, reported = f"{HEAD}x-v: {LONG[part]}\nsessions:\n{sessions}", []
    assert times_called(EntryTemplate.__init__, lambda: reported.extend(diagnostics(tmp_path, text))) == 0
    (found,) = reported
    assert (found.rule, found.location.column) == ("too-large", 5)
    assert summary in found.summary
    assert "plit the manifest: the files of one project are merged" in found.detail


@pytest.mark.parametrize(
    ("defaults", "count"),
    [("env", "1,000 sessions have 2,000,000 variables"), ("args", "1,000 sessions have 2,000,000 a")],
)
def test_repeated_defaults_are_counted(tmp_path, defaults, count):
    sessions = "".join(f"  - {{name: s{index}, image: {IMAGE}}}\n" for index in range(2000))
    (found,) = diagnostics(tmp_path, f"{HEAD}defaults: {{{defaults}: {LONG[defaults]}}}\nsessions:\n{sessions}")
    assert count in found.summary


def test_repeated_merges_are_counted(tmp_path):
    sessions = "".join(f"  - {{name: s{index}, image: {IMAGE}, env: {{<<: *v, A: b}}}}\n" for index in range(2000))
    (found,) = diagnostics(tmp_path, f"{HEAD}x-v: {LONG['env']}\nsessions:\n{sessions}")
    assert (found.rule, found.location.line) == ("too-large", 3)
    assert "<< repeats more than 1,000,000 keys" in found.summary


def test_repeated_lists_in_files_are_counted(tmp_path, monkeypatch):
    """Comments do not count, so the lines are counted exactly before a refusal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("skaha_apply.manifest.expansion.file_size.MAX_VALUES", 2_000)
    sessions = "".join(f"  - {{<<: *s, name: 's{index}-${{tile}}'}}\n" for index in range(11))
    base = f"{HEAD}x-s: &s {{image: {IMAGE}, args: [a], matrix: {{tile: {{file: t.txt}}}}}}\nsessions:\n"
    (tmp_path / "t.txt").write_text("".join(f"t{index}\n" for index in range(100)))
    (found,) = diagnostics(tmp_path, base + sessions)
    assert "more than 2,000 values" in found.summary
    (tmp_path / "t.txt").write_text("# comment\n" * 200 + "t1\n")
    assert diagnostics(tmp_path, base + sessions) == ()


def test_repeated_entries_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("skaha_apply.manifest.expansion.file_size.MAX_ENTRIES", 1_000)
    repeated = ", ".join(["*s"] * 1_001)
    (found,) = diagnostics(tmp_path, f"{HEAD}x-s: &s {{name: s, image: {IMAGE}}}\nsessions: [{repeated}]\n")
    assert "1,001 sessions in one file, more than 1,000" in found.summary
