"""What a container receives equals the manifest, through Tomcat, the JDK, SnakeYAML and kubectl themselves.

The sandbox implements these parts again; this test catches a mistake that client, linter and sandbox share.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from api_server import received

from skaha_apply.model.request import Accepted, CreateRequest
from skaha_apply.model.spec import SessionSpec
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.client import Client, ClientOptions

IMAGE = "images.canfar.net/skaha/astroml:24.07"
IN_A_SESSION = 25

# One text a line: other scripts, words of YAML 1.1 and 1.2, signs that mean something to one of the readings.
LISTED = (Path(__file__).parent / "texts.txt").read_text(encoding="utf-8").splitlines()
ODD = [
    "",
    " ",
    "a b",
    " a",
    "a ",
    "a  b",
    "a=b",
    "A=",
    "=x",
    "a\tb",
    "a\nb",
    "a\rb",
    "\x01",
    "\x7f",
    "\x9f",
    "a\u00a0b",
]
ODD += ["a\u200bb", "\ufeffx", "a\u2028b", "x" * 5000, "é" * 300, "k=v,k2=v2", 'say "#1"', "# x", "a #b", "null #"]


# The server passes these on; lint refuses them because nobody sees them in a manifest.
INVISIBLE = ("\ufeff", "\u2028")


def random_texts(count: int) -> list[str]:
    """Short mixtures of what matters to one of the readings, always the same ones."""
    draw = random.Random(7)
    alphabet = "abyn01-+_.:=$\\\"'#{}[](),&*!|>%@` éΩ\N{EN DASH}日\t~xXoO/"
    return ["".join(draw.choices(alphabet, k=draw.randint(1, 7))) for _ in range(count)]


TEXTS = list(dict.fromkeys([*LISTED, *ODD, *random_texts(250)]))


@pytest.fixture
def run(tmp_path, parts):
    """Run a command of the tool against the real parts, in a folder of its own."""

    def run(*words, code=(0,)):
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {"SKAHA_URL": parts.url, "SKAHA_TOKEN": "x"}
        command = [sys.executable, "-m", "skaha_apply", *words]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300, check=False)
        assert ended.returncode in code, ended.stderr.decode()
        return ended.stdout.decode()

    return run


def manifest(sessions):
    document = {"version": 1, "project": "texts", "defaults": {"image": IMAGE}, "sessions": sessions}
    # Escapes of JSON are escapes of YAML, except for the two halves of a character above U+FFFF.
    pairs = re.compile(r"\\ud[89ab]..\\ud[c-f]..")
    return pairs.sub(lambda pair: "\\U" + format(ord(json.loads('"' + pair[0] + '"')), "08x"), json.dumps(document))


def accepted(texts, run, folder, session_of):
    """The texts that lint accepts in the session that `session_of` makes of each."""
    path = folder / "candidates.yaml"
    sessions = [{"name": f"s{at}", **session_of(text)} for at, text in enumerate(texts)]
    path.write_text(manifest(sessions), encoding="utf-8")
    found = json.loads(run("lint", str(path), "-o", "json", code=(0, 1)))
    path.unlink()
    wrong = {one["session"] for one in found["diagnostics"] if one["severity"] == "error"}
    return [text for at, text in enumerate(texts) if f"s{at}" not in wrong]


def as_argument(text):
    return {"cmd": "printf", "args": [text]}


def as_variable(text):
    return {"cmd": "true", "env": {"VALUE": text}}


def test_what_lint_accepts_arrives_exactly(run, tmp_path, parts):
    """Several hundred texts of every class, in cmd, args and env, by `apply` as users call it."""
    arguments = accepted(TEXTS, run, tmp_path, as_argument)
    variables = accepted(TEXTS, run, tmp_path, as_variable)
    assert {"é", "Čeněk", "日本", "\N{EN DASH}", "yes", "0x1F", "+0530", "x" * 5000} <= {*arguments} & {*variables}
    sessions = []
    for at in range(0, max(len(arguments), len(variables)), IN_A_SESSION):
        some = slice(at, at + IN_A_SESSION)
        env = {f"V{number}": text for number, text in enumerate(variables[some])}
        cmd = next((text for text in arguments[some] if "\t" not in text), "true")
        sessions.append({"name": f"batch-{at}", "cmd": cmd, "args": arguments[some], "env": env})
    (tmp_path / "texts.yaml").write_text(manifest(sessions), encoding="utf-8")
    run("apply", "texts.yaml", "--yes", "--settle", "0.1s")
    for session in sessions:
        words, env = received(parts.containers[session["name"]])
        assert words == [session["cmd"], *session["args"]]
        assert {name: env.get(name) for name in session["env"]} == session["env"]


@pytest.mark.parametrize("session_of", [as_argument, as_variable])
def test_what_lint_refuses_does_not_arrive(run, tmp_path, parts, session_of):
    """An error of the linter is not a false alarm: the server refuses the text, fails, or changes it."""
    fine = set(accepted(TEXTS, run, tmp_path, session_of))
    candidates = [text for text in TEXTS if text not in fine and not any(mark in text for mark in INVISIBLE)]
    refused = random.Random(11).sample(candidates, 40)

    async def send():
        async with Client(ClientOptions(parts.url, lambda: token_login("x", "the test"), concurrency=2)) as client:
            for at, text in enumerate(refused):
                name = f"{session_of.__name__.replace('_', '-')}-{at}"
                spec = session_of(text)
                texts = {"cmd": spec["cmd"], "args": tuple(spec.get("args", ())), "env": spec.get("env", {})}
                request = CreateRequest(SessionSpec(name=name, image=IMAGE).model_copy(update=texts))
                if isinstance(await client.create(request), Accepted):
                    words, env = received(parts.containers[name])
                    arrived = words[1:] if "args" in spec else [env.get("VALUE")]
                    assert arrived != [text], f"{text!r} arrives as it is"

    asyncio.run(send())
