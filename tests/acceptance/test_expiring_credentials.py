"""Logins that end during a wait: renewed by a command, by another program, or late; nothing is lost or run twice."""

from __future__ import annotations

import json
import stat
import sys
import time
from threading import Thread

import pytest

PROGRAM = """
import json, pathlib, sys, urllib.request

def issue(lifetime, claims):
    body = json.dumps({{"lifetime_s": lifetime, "claims": claims}}).encode()
    headers = {{"Authorization": "Bearer {token}"}}
    request = urllib.request.Request("{origin}/sandbox/tokens", body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    return json.load(opener.open(request))["token"]
"""
PRINT = """
token = issue({lifetime}, {claims})
with open("issued.txt", "a") as file:
    print(token, file=file)
print(token)
print("a-secret-on-stderr", token, file=sys.stderr)
"""
FAST = ("--yes", "--settle", "0.5s", "--poll", "0.5s", "--wait", "complete")
STEPS = {"name": "step", "replicas": 3, "parallelism": 1, "cmd": "sleep", "args": ["0.7"]}


@pytest.fixture
def command(desk, sandbox):
    """A function that writes a program which prints a new token at each run; returns its command line."""

    def write(lifetime=1, *, claims=False, then=""):
        text = PROGRAM.format(token=sandbox.token, origin=sandbox.origin)
        (desk.folder / "renew.py").write_text(text + PRINT.format(lifetime=lifetime, claims=claims) + then)
        return f"'{sys.executable}' renew.py"

    return write


@pytest.fixture
def login(desk, sandbox):
    """A function that writes the client's file with a token that the sandbox issues; gives the token."""

    def write(lifetime=3600, expires=0.0, **more):
        token = sandbox.control("POST", "/tokens", json={"lifetime_s": lifetime})["token"]
        record = {"mode": "oidc", "token": {"access": token, **more}, "expiry": {"access": expires}}
        document = {
            "version": 2,
            "active": {"authentication": "lab", "server": "lab"},
            "authentication": {"lab": record},
            "servers": {"lab": {"idp": "lab", "url": sandbox.url}},
        }
        path = desk.folder / "home" / ".canfar" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.with_name("new").write_text(json.dumps(document))
        path.with_name("new").replace(path)
        return token

    return write


def of_the_file(desk):
    """The desk without a server and a token in the environment."""
    desk.environment = {**desk.environment, "SKAHA_URL": "", "SKAHA_TOKEN": ""}
    return desk


def expire_in_the_middle(sandbox, begun=1):
    """End all tokens once sessions were created, and wait until the client has tried in vain a few times."""
    sandbox.wait_until(lambda: len(sandbox.sessions()) >= begun)
    sandbox.control("DELETE", "/tokens")
    sandbox.wait_until(lambda: sandbox.requests(0)["statuses"].get("401", 0) >= 3)


def issued(desk):
    return (desk.folder / "issued.txt").read_text().split()


def assert_no_token(desk, ended, tokens):
    kept = {name: data for name, data in desk.files().items() if name not in ("issued.txt", "renew.py", "bin/canfar")}
    for token in (*tokens, "a-secret-on-stderr"):
        assert token not in ended.out + ended.err
        assert not [name for name, data in kept.items() if token.encode() in data]


@pytest.mark.parametrize("claims", [False, True])
def test_a_wait_over_many_tokens_of_a_command(desk, sandbox, command, claims):
    desk.write(STEPS)
    given = ["--credential-command", command(claims=claims)]
    ended = desk("apply", *FAST, *given, SKAHA_TOKEN="not-used", code=0)
    assert "3 done" in ended.out
    assert len(sandbox.sessions()) == 3
    assert len(issued(desk)) > 2
    assert_no_token(desk, ended, issued(desk))


def test_a_command_of_the_environment_runs_once_while_its_token_is_good(desk, sandbox, command):
    desk.write(STEPS)
    desk("plan", SKAHA_TOKEN="", SKAHA_CREDENTIAL_COMMAND=command(3600, claims=True))
    ended = desk("apply", *FAST, SKAHA_TOKEN="", SKAHA_CREDENTIAL_COMMAND=command(3600, claims=True))
    assert len(issued(desk)) == 2
    assert_no_token(desk, ended, issued(desk))


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("sys.exit(3)", "failed with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed with exit code -9"),
        ("print('two words')", "contains no usable token"),
    ],
)
def test_a_command_that_fails_is_one_message_without_its_output(desk, command, one_line, then, says):
    desk.write(STEPS)
    ended = desk("plan", "--credential-command", command(then=then), SKAHA_TOKEN="", code=1)
    one_line(ended, "the credential command", says)
    assert_no_token(desk, ended, issued(desk))
    assert "two words" not in ended.err


@pytest.mark.parametrize("words", ["", "'unclosed", " "])
def test_a_command_that_cannot_be_split_is_a_usage_error(desk, one_line, words):
    desk.write(STEPS)
    one_line(desk("plan", "--credential-command", words, code=4), "--credential-command")


def test_a_command_that_is_not_there(desk, one_line):
    desk.write(STEPS)
    one_line(desk("plan", "--credential-command", "no-such-program --x", code=1), "`no-such-program` cannot run")


def test_a_command_gets_no_shell(desk, command):
    desk.write(STEPS)
    desk("plan", "--credential-command", f"{command()} ; touch made-by-a-shell", SKAHA_TOKEN="")
    assert not (desk.folder / "made-by-a-shell").exists()


def test_nobody_renews_for_a_while(desk, sandbox, login):
    """The reason is printed once, and the work continues with the new token of the file."""
    of_the_file(desk).write(STEPS)
    first = login()
    process = desk.start("apply", *FAST)
    expire_in_the_middle(sandbox)
    second = login()
    ended = desk.finish(process)
    assert ended.err.count("waiting for a valid credential") == 1
    assert ended.err.count("Token has expired") == 1
    assert "`canfar login`" in ended.err
    assert ended.err.count("the work continues") == 1
    assert len(sandbox.sessions()) == 3
    assert_no_token(desk, ended, (first, second))


def test_nobody_renews_until_the_timeout(desk, sandbox, login):
    of_the_file(desk).write(STEPS)
    login()
    process = desk.start("apply", *FAST, "--timeout", "3s")
    expire_in_the_middle(sandbox)
    ended = desk.finish(process, 10)
    assert ended.err.count("waiting for a valid credential") == 1
    assert "no valid credential within" in ended.out + ended.err
    login()
    desk("apply", *FAST)
    assert len(sandbox.sessions()) == 3


def test_a_token_whose_date_is_over_in_the_middle(desk, sandbox, login, watched):
    """The file states the end, so that the server does not see the token any more."""
    of_the_file(desk).write(STEPS)
    login()
    view = watched("apply", *FAST, terminal=False)
    sandbox.wait_until(sandbox.sessions)
    login(3600, time.time() - 1)
    view.until("the token from ~/.canfar/config.yaml expired on")
    login()
    assert view.wait() == 0
    assert view.screen.count("expired on") == 1
    assert "401" not in sandbox.requests(0)["statuses"]
    assert len(sandbox.sessions()) == 3


def test_several_projects_report_an_expired_login_once(desk, sandbox, login):
    of_the_file(desk).write(STEPS, project="one", name="one.yaml")
    desk.write({**STEPS, "name": "other"}, project="two", name="two.yaml")
    login()
    process = desk.start("apply", *FAST, "one.yaml", "two.yaml")
    expire_in_the_middle(sandbox, begun=2)
    login()
    ended = desk.finish(process)
    assert ended.err.count("waiting for a valid credential") == 1
    assert len(sandbox.sessions()) == 6


def test_a_refusal_in_the_middle_of_the_creates(desk, sandbox):
    """Without a wait as well: what was approved is carried out once the same token is accepted again."""
    desk.write({**STEPS, "replicas": 12, "parallelism": 12})
    step = {"match": {"method": "POST", "route": "/session"}, "nth": 5, "times": 3, "fault": "refuse", "status": 401}
    sandbox.faults(script=[step])
    ended = desk.apply("--poll", "0.5s")
    assert "refuses the credential from SKAHA_TOKEN" in ended.err
    assert "12 created" in ended.out
    assert len(sandbox.sessions()) == 12


def test_a_refusal_while_the_log_of_a_replaced_session_is_saved(desk, sandbox):
    """The session is not deleted before its log is saved."""
    desk.script("echo important; sleep 600")
    desk.write({"name": "long", "cmd": "bash", "args": ["run.sh"]})
    desk.apply()
    sandbox.wait_until(lambda: sandbox.get().json()[0]["status"] == "Running")
    desk.write({"name": "long", "cmd": "bash", "args": ["run.sh", "again"]})
    view = {
        "match": {"method": "GET", "route": "/session/{id}"},
        "nth": 1,
        "times": 2,
        "fault": "refuse",
        "status": 401,
    }
    sandbox.faults(script=[view])
    ended = desk.apply("--poll", "0.5s")
    assert "waiting for a valid credential" in ended.err
    (log,) = [data for name, data in desk.files().items() if "/logs/" in name and b"important" in data]
    assert log
    assert len(desk.live()) == 1


def test_an_account_without_access_stays_an_error(desk, sandbox):
    desk.write(STEPS)
    step = {"match": {"method": "POST", "route": "/session"}, "nth": 2, "times": 9, "fault": "refuse", "status": 403}
    sandbox.faults(script=[{**step, "text": "Not authorized to use the skaha system"}])
    ended = desk.apply("--wait", "complete", "--poll", "0.5s", check=False)
    assert ended.code in (1, 8)
    assert "waiting for a valid credential" not in ended.err


def test_the_client_renews_its_own_file(desk, sandbox, login, tmp_path):
    """An expired record with a refresh token lets the installed client run; its output is dropped."""
    of_the_file(desk).write(STEPS)
    good = sandbox.control("POST", "/tokens", json={"lifetime_s": 3600})["token"]
    login(3600, time.time() + 3, refresh="a-refresh-token")
    client = tmp_path / "bin" / "canfar"
    client.parent.mkdir()
    client.write_text(f"""#!{sys.executable}
import json, os, pathlib, sys
print("a-secret-on-stderr"); print("a-secret-on-stderr", file=sys.stderr)
path = pathlib.Path(os.environ["HOME"], ".canfar", "config.yaml")
document = json.loads(path.read_text())
record = document["authentication"]["lab"]
record["token"]["access"], record["expiry"]["access"] = "{good}", 4102444800.0
path.write_text(json.dumps(document))
with open("{tmp_path}/calls.txt", "a") as file:
    print(sys.argv[1:], sorted(name for name in os.environ if name.startswith(("CANFAR_", "SKAHA_"))), file=file)
""")
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    desk.environment["PATH"] = f"{client.parent}:{desk.environment['PATH']}"
    ended = desk("apply", *FAST, CANFAR_TIMEOUT="30")
    assert (tmp_path / "calls.txt").read_text() == "['ps', '--quiet'] []\n"
    assert len(sandbox.sessions()) == 3
    assert_no_token(desk, ended, ("a-refresh-token", good))


def test_without_the_client_the_hint_names_its_command(desk, login, one_line):
    of_the_file(desk).write(STEPS)
    login(3600, time.time() - 5, refresh="a-refresh-token")
    one_line(desk("plan", code=1), "the token from ~/.canfar/config.yaml expired on", "`canfar login`")


def test_a_command_that_hangs_can_be_interrupted(desk, sandbox):
    desk.write(STEPS)
    desk.environment["SKAHA_TOKEN"] = ""
    process = desk.start("plan", "--credential-command", "sh -c 'touch started; sleep 600'")
    sandbox.wait_until((desk.folder / "started").exists)
    thread = Thread(target=process.terminate)
    thread.start()
    desk.finish(process, 130, limit=20)
    thread.join()


def test_the_own_token_in_a_log_is_masked_wherever_it_is_kept_or_shown(desk, sandbox, login):
    """A session prints the user's token, as `env` or a copied configuration file would."""
    of_the_file(desk)
    token = login()
    desk.script(f"echo my token is {token}; exit 1")
    desk.write({"name": "leak", "cmd": "bash", "args": ["run.sh"]})
    ended = desk("apply", *FAST, code=9)
    sources = ("run.sh", "home")
    kept = {name: data for name, data in desk.files().items() if name not in sources}
    assert any(b"my token is (sensitive)" in data for data in kept.values())
    assert not [name for name, data in kept.items() if token.encode() in data]
    for shown in (ended, desk("logs", "leak"), desk("events", "leak"), desk("status", code=0)):
        assert token not in shown.out + shown.err
    (path,) = desk.folder.glob(".skaha-apply/localhost/logs/**/*.log")
    path.write_text(f"kept by an older version: {token}\n")
    sandbox.expire(sandbox.sessions()[0]["id"])
    assert "kept by an older version: (sensitive)" in desk("logs", "leak").out


def test_a_private_image_with_and_without_a_registry_login(desk, sandbox):
    desk.write({"name": "mine", "cmd": "true", "image": "images.canfar.net/private/mine:1"})
    ended = desk.apply(code=8)
    assert "SKAHA_REGISTRY_USERNAME" in ended.out + ended.err
    login = {"SKAHA_REGISTRY_USERNAME": "me", "SKAHA_REGISTRY_SECRET": "registry-secret"}
    desk("apply", *FAST, **login)
    assert [one["name"] for one in sandbox.sessions()] == ["mine"]
    assert not [name for name, data in desk.files().items() if b"registry-secret" in data]
