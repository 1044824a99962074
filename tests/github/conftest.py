"""A GitHub on this machine: jobs of workflow files run step by step with bash, and the API for comments is a server.

A job runs the `run:` text of the files as a runner does: an empty environment, and the files `GITHUB_*`.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ci" / "github"
ACTION = ROOT / "action.yml"
REUSABLE = ROOT / ".github" / "workflows" / "skaha-apply.yml"
REPOSITORY, FORK = "astro/survey", "someone/survey"
TOKEN = "token-of-the-job"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
IMAGE = "images.canfar.net/skaha/astroml:24.07"
# Makes an environment whose Python is that of the tests, and whose pip records what it would install.
PYTHON3 = """#!/bin/bash
[ "$1 $2" = "-m venv" ] || exit 9
mkdir -p "$3/bin"
printf '#!/bin/bash\\nexec {python} "$@"\\n' > "$3/bin/python"
cat > "$3/bin/pip" <<'END'
#!/bin/bash
printf '%s\\n' "$*" >> {log}
touch "$(dirname "$0")/skaha-apply"
chmod +x "$(dirname "$0")"/*
END
chmod +x "$3/bin/"*
"""


def read_yaml(path):
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def evaluated(text, context):
    """A value of a workflow, with each `${{ expression }}` replaced."""
    if not isinstance(text, str):
        return "" if text is None else str(text).lower() if isinstance(text, bool) else str(text)

    def value(found):
        result = _expression(found[1], context)
        return str(result).lower() if isinstance(result, bool) else str(result)

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def _expression(text, context):
    """The value of an expression with names, texts, `==`, `!=`, `&&`, `||` and `!`."""
    words = re.findall(r"'[^']*'|==|!=|&&|\|\||!|[\w.-]+(?:\(\))?", text)
    python = {"&&": "and", "||": "or", "!": "not", "==": "==", "!=": "!=", "cancelled()": "False"}
    terms = [python.get(word) or (word if word[0] == "'" else repr(_lookup(word, context))) for word in words]
    return eval(" ".join(terms), {})


def _lookup(name, context):
    for part in name.split("."):
        context = context.get(part, "") if isinstance(context, dict) else ""
    return context


class Job:
    """One job on a fresh runner: `steps` has the outputs of each step, `codes` the exit codes."""

    def __init__(self, hub, name, checkout, event=None, **github):
        self.hub, self.checkout, self.home = hub, checkout, hub.folder / name
        (self.home / "temp").mkdir(parents=True)
        (self.home / "bin").mkdir()
        self.installed = self.home / "installed"
        shim = self.home / "bin" / "python3"
        shim.write_text(PYTHON3.format(python=sys.executable, log=self.installed))
        shim.chmod(0o755)
        (self.home / "event.json").write_text(json.dumps(event or {}))
        given = {"event": event or {}, "repository": REPOSITORY, "token": TOKEN, "server_url": "https://github.invalid"}
        self.context = {"github": given | github, "secrets": {}, "inputs": {}, "steps": {}, "runner": {}}
        self.codes, self.log, self.artifact = [], "", None

    @property
    def summary(self):
        return "".join(path.read_text() for path in sorted(self.home.glob("summary-*")))

    def outputs(self, step):
        return self.context["steps"][step]["outputs"]

    def run(self, file, job, *, state, secrets=None, inputs=None):
        """Run the steps of a job until one fails; returns the exit code of the last one. `state` replaces theirs."""
        self.context |= {"secrets": secrets or {}, "inputs": inputs or {}}
        for step in read_yaml(file)["jobs"][job]["steps"]:
            if evaluated(step.get("if", "true"), self.context) != "true":
                continue
            name = step.get("uses", "").partition("@")[0]
            environment = {key: evaluated(value, self.context) for key, value in step.get("env", {}).items()}
            given = {key: evaluated(value, self.context) for key, value in step.get("with", {}).items()}
            if name == "OWNER/skaha-apply":
                given |= {"state": state} if "state" in given else {}
                self.act(given, environment, step.get("id", ""))
            elif name == "actions/upload-artifact":
                self.artifact = zipped({Path(given["path"]).name: Path(given["path"]).read_bytes()})
            elif not name:
                self.shell(step["run"], environment, step.get("id", ""))
            if self.codes and self.codes[-1]:
                break
        return self.codes[-1]

    def act(self, given, environment=None, name=""):
        """Run the action with these inputs; returns its exit code."""
        action = read_yaml(ACTION)
        inputs = {key: given.get(key, one.get("default", "")) for key, one in action["inputs"].items()}
        assert set(given) <= set(inputs)
        context = {**self.context, "inputs": inputs, "steps": {}}
        for step in action["runs"]["steps"]:
            variables = {key: evaluated(value, context) for key, value in step.get("env", {}).items()}
            code, context["steps"][step.get("id", "")] = self._bash(step["run"], {**(environment or {}), **variables})
            if code:
                break
        outputs = {key: evaluated(one["value"], context) for key, one in action["outputs"].items()}
        self.context["steps"][name] = {"outputs": outputs}
        self.codes.append(code)
        return code

    def cancel(self, given, is_ready):
        """Run the command of the action with this environment, and cancel it as GitHub does once `is_ready`.

        SIGINT to the first process of the step, SIGTERM 7.5 s later, SIGKILL 2.5 s after that. Returns the exit code.
        """
        self.act({"command": "lint"})
        words, output = self.words(read_yaml(ACTION)["runs"]["steps"][-1]["run"], given)
        process = subprocess.Popen(
            words, cwd=self.checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        is_ready()
        for number, wait in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 10)):
            process.send_signal(number)
            until = time.monotonic() + wait
            while process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            if process.poll() is not None:
                break
        self.log += process.communicate()[0]
        assert f"exit-code={process.returncode}\n" in output.read_text()
        return process.returncode

    def shell(self, text, environment, name):
        code, self.context["steps"][name] = self._bash(text, environment)
        self.codes.append(code)

    def words(self, text, environment):
        """The command line that a runner executes for a step, and its file of outputs."""
        number = len([*self.home.glob("script-*")])
        script, output = self.home / f"script-{number:02}", self.home / f"output-{number:02}"
        script.write_text(text)
        output.touch()
        variables = {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.home / f"summary-{number:02}"),
            "GITHUB_EVENT_PATH": str(self.home / "event.json"),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": self.hub.address,
            "GITHUB_SHA": self.context["github"].get("sha", ""),
            "SKAHA_URL": self.hub.skaha,
            "SKAHA_APPLY_RETRY_TIME": "1s",
            **environment,
        }
        settings = [f"{name}={value}" for name, value in variables.items()]
        return ["env", "-i", *settings, "bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], output

    def _bash(self, text, environment):
        words, output = self.words(text, environment)
        done = subprocess.run(words, cwd=self.checkout, capture_output=True, text=True, timeout=120, check=False)
        self.log += done.stdout + done.stderr
        assert "Traceback" not in self.log, self.log
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        return done.returncode, {"outputs": {name: value for name, _, value in pairs}}


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


class Hub(ThreadingHTTPServer):
    """The API of GitHub for one repository: pull requests, artifacts and comments, and what was requested."""

    def __init__(self, folder, skaha):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.skaha = folder, skaha
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.pulls, self.comments, self.artifacts, self.requested = [], [], {}, []
        self.refused = ()  # the methods without permission

    def pull(self, number, sha, branch="more", repo=REPOSITORY, merged=None):
        head = {"sha": sha, "ref": branch, "repo": {"full_name": repo}}
        base = {"repo": {"full_name": REPOSITORY}}
        self.pulls.append({"number": number, "head": head, "base": base, "merge_commit_sha": merged})

    def finished(self, sha, archive, *, branch="more", repo=REPOSITORY):
        """The event of a finished run that uploaded an archive; its artifact also names another pull request."""
        self.artifacts = {41: archive} if archive else {}
        owner = {"login": repo.partition("/")[0]}
        run = {"id": 7, "event": "pull_request", "head_sha": sha, "head_branch": branch, "pull_requests": []}
        return {"workflow_run": {**run, "head_repository": {"full_name": repo, "owner": owner}}}

    def writes(self):
        return [one for one in self.requested if not one.startswith("GET")]


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, parts = self.server, urlsplit(self.path)
        hub.requested.append(f"GET {parts.path}")
        if parts.path.startswith("/blob/"):
            assert self.headers["Authorization"] is None, "the token went to the store of artifacts"
            return self._reply(200, hub.artifacts[int(parts.path[6:])])
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        path, query = parts.path.removeprefix(f"/repos/{REPOSITORY}"), parse_qs(parts.query)
        if path.endswith("/zip"):
            return self._reply(302, b"", {"Location": f"{hub.address}/blob/{path.split('/')[-2]}"})
        start, size = (int(query["page"][0]) - 1) * int(query["per_page"][0]), int(query["per_page"][0])
        if path == "/pulls":
            owner, _, branch = query["head"][0].partition(":")
            found = [one for one in hub.pulls if self._is_head(one, owner, branch)]
        elif path.endswith("/pulls"):
            found = [one for one in hub.pulls if one["merge_commit_sha"] == path.split("/")[2]]
        elif path.endswith("/artifacts"):
            listed = [{"id": number, "name": "skaha-apply-plan", "expired": False} for number in hub.artifacts]
            return self._reply(200, json.dumps({"artifacts": listed}).encode())
        else:
            number = int(path.split("/")[2])
            found = [one for one in hub.comments if one["number"] == number]
        return self._reply(200, json.dumps(found[start : start + size]).encode())

    @staticmethod
    def _is_head(one, owner, branch):
        return one["head"]["ref"] == branch and one["head"]["repo"]["full_name"].partition("/")[0] == owner

    def _write(self):
        hub, path = self.server, self.path.removeprefix(f"/repos/{REPOSITORY}")
        hub.requested.append(f"{self.command} {path}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.command in hub.refused or len(body) > 65_536:
            return self._reply(403, b"{}")
        identifier = int(path.split("/")[3]) if self.command == "PATCH" else 100 + len(hub.comments)
        if self.command == "PATCH":
            next(one for one in hub.comments if one["id"] == identifier)["body"] = body
        else:
            hub.comments.append({"id": identifier, "number": int(path.split("/")[2]), "user": BOT, "body": body})
        return self._reply(200, b"{}")

    do_POST = do_PATCH = _write  # noqa: N815 - the names of the library

    def _reply(self, code, data, headers=()):
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def hub(sandbox, tmp_path):
    server = Hub(tmp_path, sandbox.url)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a manifest: `write(text)` changes it."""
    folder = tmp_path / "checkout"
    (folder / "manifests").mkdir(parents=True)
    write(folder)
    return folder


def write(folder, replicas=3, more=""):
    (folder / "manifests" / "survey.yaml").write_text(
        f"version: 1\nproject: survey\ndefaults: {{image: '{IMAGE}', cores: 1, ram: 4}}\nsessions:\n"
        f"  - {{name: reduce, replicas: {replicas}, cmd: sleep, args: ['600']}}\n{more}"
    )


@pytest.fixture(scope="session")
def kit():
    """The names of this module."""
    return SimpleNamespace(**globals())
