"""Variables on the command line; what is sensitive reaches the session, and no screen, file or message."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, quote

import pytest

SECRET = "tok-7Kq9.Zx4+vB2"
SHORT = "z9Q+4v"  # too short for the last guard before the screen
SCRIPT = "run.sh"


@pytest.fixture
def survey(desk):
    """A manifest with a plain and a sensitive variable, whose sessions print both and how they were called."""
    (desk.folder / SCRIPT).write_text('echo "night $1 of $2, token $TOKEN, asked $3"\n')

    def write(night="2026-11-22", **more):
        session = {
            "name": "tile-${tile}",
            "matrix": {"tile": ["t1", "270.280"]},
            "cmd": "bash",
            "args": [SCRIPT, "${var.night}", "${tile}", "--token=${var.token}"],
            "env": {"TOKEN": "${var.token}"},
            **more,
        }
        default = {} if night is None else {"default": night}
        return desk.write(session, variables={"night": default, "token": {"sensitive": True}})

    return write


def stored_text(desk):
    """Everything that is kept in the folder, but for what the user wrote there."""
    written = {"secret.yaml", "home"}
    return {name: text for name, text in desk.files().items() if name.split("/")[0] not in written}


def assert_secret_is_nowhere(desk, *ended):
    for one in ended:
        assert SECRET not in one.out + one.err
        assert "tok-7Kq9" not in one.out + one.err
    for name, text in stored_text(desk).items():
        assert b"tok-7Kq9" not in text, name


def argvs(sandbox):
    return sorted(" ".join(one["argv"]) for one in sandbox.sessions())


# where values come from


def test_each_source_yields_to_the_one_above(desk, survey):
    survey()
    (desk.folder / "one.yaml").write_text("night: 0843  # as it is written\n")
    (desk.folder / "two.json").write_text('{"night": "1e5"}')

    def night(*words, **environment):
        plan = desk("plan", "m.yaml", "--out", "p", *words, **environment)
        assert "2 to create" in plan.out
        return json.loads((desk.folder / "p").read_text())["variables"].get("night")

    assert night() is None
    assert night(SKAHA_VAR_night="from-env", SKAHA_VAR_NIGHT="other") == "from-env"
    one, two = ("--var-file", "one.yaml"), ("--var-file", "two.json")
    assert night(*one, SKAHA_VAR_night="from-env") == "0843"
    assert night(*one, *two) == "1e5"
    assert night(*two, *one) == "0843"
    assert night("--var", "night=a=b", *one) == "a=b"
    assert night("--var", "night=first", "--var", "night=") == ""


def test_values_arrive_as_they_are_written(desk, survey, sandbox):
    survey()
    (desk.folder / "secret.yaml").write_text(f"night: 270.280\ntoken: {SECRET}\n")
    desk.apply("--var-file", "secret.yaml")
    sandbox.wait_idle()
    assert argvs(sandbox) == [
        f"bash {SCRIPT} 270.280 270.280 --token={SECRET}",
        f"bash {SCRIPT} 270.280 t1 --token={SECRET}",
    ]
    assert {one["env"]["TOKEN"] for one in sandbox.sessions()} == {SECRET}
    log = sandbox.get(f"/session/{desk.live()['tile-t1']['id']}", view="logs").text
    assert log == f"night 270.280 of t1, token {SECRET}, asked --token={SECRET}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--var", "nihgt=1"], "nihgt: no manifest of this invocation declares .*\n.*did you mean night"),
        (["--var", SECRET], "write NAME=VALUE"),
        (["--var", f"={SECRET}"], "the name is missing"),
        (["--var-file", "none.yaml"], "cannot read the values in none.yaml: No such file"),
    ],
)
def test_misuse_is_exit_code_4_and_repeats_no_value(desk, survey, one_line, words, said):
    survey()
    ended = desk("plan", *words, code=4)
    one_line(ended, said)
    assert_secret_is_nowhere(desk, ended)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[{SECRET}]", "secret.yaml:1:1: error: this is not a mapping"),
        (f"token: [{SECRET}]", "secret.yaml:1:1: error: the value of `token` must be a scalar"),
        (f"token: *{SECRET}", "secret.yaml:1:.*this is not YAML"),
        (f"token: !{SECRET} x", "secret.yaml:1:.*this is not YAML"),
        (f"token: '{SECRET}", "secret.yaml:.*this is not YAML"),
        (f"token: {SECRET}\ntoken: {SECRET}", "secret.yaml:2:1: error: `token` is given twice"),
        (f"{SECRET} x: 1", "secret.yaml:1:1: error: this is not a name for a variable"),
        (f"night: 1\ntoken:\nother: {SECRET}", "secret.yaml:2:1: error: `token` has no value"),
    ],
)
def test_malformed_file_is_an_error_with_its_location_and_without_its_text(desk, survey, text, said):
    survey()
    (desk.folder / "secret.yaml").write_text(text)
    ended = desk("plan", "--var-file", "secret.yaml", code=1)
    assert_secret_is_nowhere(desk, ended)
    assert re.search(said, ended.err), ended.err


def test_a_name_of_a_file_that_nobody_declares_is_a_warning_and_one_of_the_environment_nothing(desk, survey):
    survey()
    (desk.folder / "secret.yaml").write_text(f"nihgt: {SECRET}\n")
    ended = desk("plan", "--var-file", "secret.yaml", SKAHA_VAR_other="1")
    assert "warning: secret.yaml: no manifest declares the variable nihgt" in ended.err
    assert "did you mean night?" in ended.err
    assert "other" not in ended.err
    assert_secret_is_nowhere(desk, ended)


def test_what_lacks_a_value(desk, survey, sandbox):
    survey(night=None)
    for words in (["plan"], ["apply", "--yes"], ["status"], ["destroy", "--yes"]):
        ended = desk(*words, code=1)
        assert "variable `night` has no value" in ended.err
        assert "--var night=" in ended.err
    survey()
    for words in (["plan"], ["status"], ["refresh"], ["mark", "complete", "tile-t1", "--yes"], ["destroy", "--yes"]):
        desk(*words)
    ended = desk("apply", "--yes", code=1)
    assert "sensitive variable `token` has no value" in ended.err
    assert "SKAHA_VAR_token" in ended.err
    assert desk.writes() == {}


# what is sensitive


def test_a_sensitive_value_is_in_the_session_and_nowhere_else(desk, survey, sandbox):
    survey()
    given = {"SKAHA_VAR_token": SECRET}
    plans = [desk("plan", "-o", form, "--out", "plan.bin", **given) for form in ("text", "json", "markdown")]
    lint = [desk("lint", "-o", form, code=None, check=False, **given) for form in ("text", "json", "sarif")]
    applied = desk("apply", "-v", "--yes", "--wait", "complete", "--poll", "0.1s", "--settle", "0.5s", **given)
    assert_secret_is_nowhere(desk, *plans, *lint, applied)
    assert {one["env"]["TOKEN"] for one in sandbox.sessions()} == {SECRET}
    looks = [desk(*words, **given) for words in (["status"], ["status", "-o", "json"], ["refresh"], ["schema", "plan"])]
    looks += [desk("logs", "tile-${tile}", **given), desk("state", "show"), desk("state", "pull")]
    assert_secret_is_nowhere(desk, *looks)
    assert "${var.token}" in desk("state", "show").out
    # what a session prints of it is masked in what is saved and shown
    (saved,) = desk.folder.glob(".skaha-apply/localhost/logs/survey/tile-t1/*.log")
    assert saved.read_text() == "night 2026-11-22 of t1, token (sensitive), asked --token=(sensitive)\n"
    # another value is not a change; the value in another place is a change, and is shown
    assert desk.plan(SKAHA_VAR_token="another-value")["has_changes"] is False
    survey(env={"TOKEN": "x${var.token}"})
    changed = [desk("plan", "-o", form) for form in ("text", "json", "markdown")]
    for one in changed:
        assert "x(sensitive)" in one.out
        assert "${var.token}" not in one.out
    report = desk.apply("-o", "json", **given)
    assert_secret_is_nowhere(desk, *changed, report)


def test_log_that_is_saved_without_the_value_is_reported_as_unmasked(desk, survey, sandbox):
    survey()
    desk.apply(SKAHA_VAR_token=SHORT)
    sandbox.wait_idle()
    ended = desk("refresh")
    assert "the tool cannot mask token in logs, because this invocation gives no value" in ended.err
    assert "token" not in desk("refresh", SKAHA_VAR_token=SHORT).err
    assert "token" not in desk("refresh", "--no-logs").err
    shown = desk("logs", "tile-t1")
    assert SHORT in shown.out
    assert "cannot mask" in shown.err
    assert "token (sensitive), asked --token=(sensitive)" in desk("logs", "tile-t1", SKAHA_VAR_token=SHORT).out


class Echo(BaseHTTPRequestHandler):
    """A server that refuses each create with all that was sent, and as it was decoded."""

    def do_GET(self):
        self._answer(200, "[]" if self.path.rstrip("/").endswith("session") else "{}", "application/json")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        decoded = json.dumps(parse_qsl(body))
        self._answer(400, f"cannot make this: {body} that is {decoded}", "text/plain")

    def _answer(self, status, text, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        """Nothing is printed."""


@pytest.mark.parametrize("secret", [SECRET, SHORT])
def test_a_server_that_repeats_the_request_does_not_give_it_away(desk, survey, odd_server, secret):
    survey()
    given = {"SKAHA_URL": f"{odd_server(Echo)}/skaha/v1", "SKAHA_VAR_token": secret}
    for more in ([], ["-v"], ["-o", "json"]):
        ended = desk("apply", "--yes", "--settle", "0.5s", *more, code=8, **given)
        assert "cannot make this" in ended.out
        assert "(sensitive)" in ended.out
        for form in (secret, quote(secret)):
            assert form not in ended.out + ended.err
            assert all(form.encode() not in text for text in stored_text(desk).values())


# saved plans


def test_saved_plan_has_plain_values_and_requires_sensitive_ones(desk, survey, sandbox):
    survey(night=None)
    desk("plan", "--var", "night=n1", "--out", "plan.bin")
    ended = desk("apply", "plan.bin", code=1)
    assert "sensitive variable `token` has no value" in ended.err
    given = {"SKAHA_VAR_token": SECRET, "SKAHA_VAR_night": "another"}
    ended = desk("apply", "plan.bin", "--var", "night=n2", code=4, **given)
    assert "the saved plan fixes the variable night" in ended.err
    desk("apply", "plan.bin", "--var", "night=n1", "--settle", "0.5s", **given)
    sandbox.wait_idle()
    assert argvs(sandbox)[1] == f"bash {SCRIPT} n1 t1 --token={SECRET}"
    assert_secret_is_nowhere(desk, ended)


def test_saved_plan_reads_no_file_of_values_as_a_manifest(desk, survey, sandbox):
    survey(night=None)
    (desk.folder / "n.yaml").write_text("night: n1\n")
    desk("plan", "--var-file", "n.yaml", "--out", "plan.bin")
    desk("apply", "plan.bin", "--settle", "0.5s", SKAHA_VAR_token=SECRET)
    assert len(sandbox.sessions()) == 2


def test_a_list_or_a_default_that_changed_makes_a_saved_plan_stale(desk, survey):
    (desk.folder / "tiles.txt").write_text("t1\nt2\n")
    survey(matrix={"tile": {"file": "tiles.txt"}})
    given = {"SKAHA_VAR_token": SECRET}
    desk("plan", "--out", "plan.bin")
    (desk.folder / "tiles.txt").write_text("t1\nt2\nt3\n")
    assert "tile-t3/1 is desired now" in desk("apply", "plan.bin", code=5, **given).err
    (desk.folder / "tiles.txt").write_text("t1\nt2\n")
    survey("2026-11-23", matrix={"tile": {"file": "tiles.txt"}})
    assert "would run other work" in desk("apply", "plan.bin", code=5, **given).err
    assert desk.writes() == {}


def test_the_command_of_a_refusal_has_the_variables_and_runs(desk, survey, sandbox):
    given = ("--var", "night=n1", "--var", f"token={SECRET}")
    survey(night=None)
    desk.script("exec sleep 60\n")
    desk.apply(*given)
    desk.write(variables={"night": {}, "token": {"sensitive": True}})
    refused = desk("plan", *given)
    assert "to delete them, run `skaha-apply destroy --var night=n1`, or add --force" in " ".join(refused.out.split())
    assert_secret_is_nowhere(desk, refused)
    desk("destroy", "--yes", "--var", "night=n1", SKAHA_VAR_token=SECRET)
    assert desk.writes()["DELETE"] == 2
