"""The fate of 256 sessions when responses are lost: the published clients and this tool, on the same sandbox.

Run by hand, from the root of the checkout: `python tests/chaos/measure_clients.py`. The clients' environments are made
by `pytest -m clients tests/conformance`. The figures are those of docs/reliability.md.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REPLICAS = 256
IMAGE = "images.canfar.net/skaha/astroml:24.07"
PYTHON = f"py{sys.version_info.major}.{sys.version_info.minor}"
FAULTS = {
    "one answer in twenty lost": {"latency_ms": 50, "rate_drop_after": 0.05, "only": ["POST /session"], "seed": 1},
    "one request in twenty 503": {"latency_ms": 50, "rate_503": 0.05, "only": ["POST /session"], "seed": 1},
}
MANIFEST = f"""\
version: 1
project: survey
sessions: [{{name: reduce, image: "{IMAGE}", replicas: {REPLICAS}, cmd: "true"}}]
"""
# What users do: call it; then call it again, for as many as are missing or for each missing name.
DRIVER = """
import asyncio, json, sys
from {module} import AsyncSession

async def main():
    session = AsyncSession(**json.loads(sys.argv[1]))
    more = dict(image="{image}", kind="headless", cmd="true")
    ids = await session.create(name="reduce", replicas={replicas}, **more)
    if sys.argv[2] == "count" and len(ids) < {replicas}:
        await session.create(name="reduce", replicas={replicas} - len(ids), **more)
    if sys.argv[2] == "names":
        there = {{one["name"] for one in await session.fetch()}}
        for number in range(1, {replicas} + 1):
            if f"reduce-{{number}}" not in there:
                await session.create(name=f"reduce-{{number}}", **more)
    print(len(ids))

asyncio.run(main())
"""


def _start_sandbox(folder):
    spec = importlib.util.spec_from_file_location("sandboxes", ROOT / "tests" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sandboxes"] = module
    spec.loader.exec_module(module)
    return module.start_sandbox(folder)


def _published(module, sandbox, again):
    version, place = {"canfar": ("1.5.2", sandbox.url), "skaha": ("1.7.0", f"{sandbox.origin}/skaha")}[module]
    options = {"url": place} if module == "canfar" else {"server": place, "version": "v1"}
    python = ROOT / ".cache" / "clients" / f"{module}-{version}-{PYTHON}" / "bin" / "python"
    source = "canfar.sessions" if module == "canfar" else "skaha.session"
    script = DRIVER.format(module=source, image=IMAGE, replicas=REPLICAS)
    arguments = json.dumps({**options, "token": sandbox.token})
    environment = {"HOME": str(sandbox.workdir), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [python, "-c", script, arguments, again], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip().rpartition("\n")[2]


def _this_tool(sandbox):
    (sandbox.workdir / "m.yaml").write_text(MANIFEST)
    environment = {**os.environ, "SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token, "HOME": str(sandbox.workdir)}
    command = [sys.executable, "-m", "skaha_apply", "apply", "--yes", "-o", "json"]
    done = subprocess.run(command, cwd=sandbox.workdir, env=environment, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    return str(sum(session["id"] is not None for session in report["sessions"]))


def _figures(sandbox):
    """The figures of the server: sessions, missing names, duplicate sessions, and wrong shares."""
    made = Counter(session["name"] for session in sandbox.sessions())
    wanted = {f"reduce-{replica}": replica for replica in range(1, REPLICAS + 1)}
    wrong = 0
    for session in sandbox.sessions():
        env = session["env"]
        share = (env.get("REPLICA_ID"), env.get("REPLICA_COUNT"))
        wrong += share != (str(wanted.get(session["name"])), str(REPLICAS))
    doubles = sum(count - 1 for count in made.values())
    return sum(made.values()), len(wanted.keys() - made.keys()), doubles, wrong


def _print_row(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    """Print one row of the table for each client, fault and habit."""
    runs = [
        *((f"{module}, {words}", lambda sandbox, m=module, a=again: _published(m, sandbox, a))
          for module in ("canfar", "skaha")
          for again, words in (("no", "called once"), ("count", "again for the missing number"),
                               ("names", "again for the missing names"))),
        ("skaha-apply, once", _this_tool),
    ]  # fmt: skip
    _print_row("| faults | client | returned IDs | sessions | missing | duplicates | wrong share | seconds |")
    _print_row("|---|---|---|---|---|---|---|---|")
    for name, faults in FAULTS.items():
        for who, run in runs:
            with tempfile.TemporaryDirectory() as folder:
                sandbox = _start_sandbox(Path(folder))
                try:
                    sandbox.faults(**faults)
                    begun = time.monotonic()
                    told = run(sandbox)
                    took = time.monotonic() - begun
                    sandbox.faults()
                    _print_row(f"| {name} | {who} | {told} | {' | '.join(map(str, _figures(sandbox)))} | {took:.1f} |")
                finally:
                    sandbox.close()


if __name__ == "__main__":
    main()
