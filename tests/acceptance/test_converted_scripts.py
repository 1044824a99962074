"""A script and the manifest that `convert` makes of it create the same sessions, on the same sandbox."""

from __future__ import annotations

import argparse
import os
import subprocess

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"
OWN = ("SKAHA_APPLY_", "skaha_")

LOOP_OVER_A_FILE = f"""#!/bin/bash
# Reduces each tile of the list that has no result yet.
IMAGE={IMAGE}
MAX=200
while IFS= read -r tile; do
  [ -z "$tile" ] && continue
  [ -f "/arc/projects/survey/$tile.OK" ] && continue
  while [ "$(canfar ps | wc -l)" -gt $MAX ]; do sleep 60; done
  canfar create -c 2 -m 8 -n "reduce-$tile" -e BAND=r headless $IMAGE -- python /arc/reduce.py --tile "$tile" \\
    --out /arc/out/$tile.fits > /dev/null
done < tiles.txt
echo "all submitted"
"""

NESTED = f"""#!/usr/bin/env bash
set -euo pipefail
bands=(g r i)
for tile in $(cat tiles.txt); do
  for band in "${{bands[@]}}"; do
    for run in {{01..03}}; do
      name="stack-${{tile}}-${{band}}-$run"
      canfar create --name "$name" --cpu 4 --memory 16 --env TILE=$tile --env BAND=$band headless {IMAGE} -- \\
        bash stack.sh $tile $band $((10#$run))
    done
  done
done
"""

FUNCTION = f"""#!/bin/bash
submit() {{
  local tile=$1 ram=${{2:-4}}
  canfar create -n "tile-$(basename ${{tile//_/-}} .fits)" -c 1 -m $ram headless {IMAGE} -- \\
    python r.py "${{tile%.fits}}" "$tile" &
}}
for f in a_1.fits a_2.fits b_7.fits; do
  submit $f
done
submit special.fits 64
submit other.fits 64 &
wait
for ((i = 1; i <= 4; i++)); do
  if (( i % 2 == 0 )); then continue; fi
  canfar create -n "$(printf 'night-%03d' $i)" -r $i headless {IMAGE} -- python n.py $i
done
seq 5 | xargs -I{{}} canfar create -n flat-{{}} headless {IMAGE} -- python flat.py {{}}
"""

PLAIN = "".join(
    f"canfar create -c 2 -m 4 -n fit-{number:03d} headless {IMAGE} -- python fit.py --field {number:03d}\n"
    for number in range(1, 301)
)
TABLE = f"""
while IFS=, read -r name ra dec; do
  case $name in \\#*) continue ;; esac
  canfar create -n "f-$name" headless {IMAGE} -- python f.py --ra $ra --dec=$dec
done <<'END'
# name, ra, dec
cosmos,150.116,2.210
elais,242.750,55.000
END
"""

ROWS = f"""#!/bin/bash
tail -n +2 fields.csv | while IFS=, read -r name ra dec rest; do
  canfar create -n "row-$name" -c 2 -m 8 -e DEC=$dec headless {IMAGE} -- python f.py --ra $ra "--dec=$dec"
done
while read -r tile run band; do
  canfar create -n "run-$tile-$run" headless {IMAGE} -- bash run.sh "${{tile}}_$band" "$run" "$band.fits"
done <<'END'
t001 1 g
t001 2 r
t002 1 i
END
"""

FIELDS = "field,ra,dec,depth\ncosmos,150.1,+2.2,3\nelais,242.7,55.0,3\nxmm,34.5,-5,1\n"

LOOPS = {"loop": LOOP_OVER_A_FILE, "nested": NESTED, "function": FUNCTION}
SCRIPTS = {**LOOPS, "plain": PLAIN, "table": TABLE, "rows": ROWS}
ENTRIES = {"loop": 1, "nested": 1, "function": 5, "plain": 1, "table": 2, "rows": 2}


@pytest.fixture
def stand_in(desk):
    """A program `canfar` that keeps its arguments in a file; gives the function that runs a script with it."""
    folder = desk.folder / "bin"
    folder.mkdir()
    program = folder / "canfar"
    program.write_text(
        '#!/bin/bash\n[ "$1" = create ] || exit 0\n{ printf "%s\\0" "$@"; printf "\\1\\0"; } >> "$CALLS"\n'
    )
    program.chmod(0o755)

    def run(script):
        calls = desk.folder / "calls"
        environment = {**desk.environment, "CALLS": str(calls), "PATH": f"{folder}:{os.environ['PATH']}"}
        words = ["bash", script]
        subprocess.run(words, cwd=desk.folder, env=environment, check=True, capture_output=True, timeout=60)
        return [call.strip("\0").split("\0") for call in calls.read_text().split("\1\0") if call]

    return run


def parsed(call):
    """The arguments of one `canfar create`, read as the client reads them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", "--name")
    parser.add_argument("-c", "--cpu")
    parser.add_argument("-m", "--memory")
    parser.add_argument("-r", "--replicas", type=int, default=1)
    parser.add_argument("-e", "--env", action="append", default=[])
    parser.add_argument("kind")
    parser.add_argument("image")
    split = call.index("--")
    return parser.parse_args(call[1:split]), call[split + 1 :]


def post(sandbox, call):
    options, command = parsed(call)
    for number in range(1, options.replicas + 1):
        env = [*options.env, f"REPLICA_ID={number}", f"REPLICA_COUNT={options.replicas}"]
        form = {"name": options.name if options.replicas == 1 else f"{options.name}-{number}", "image": options.image}
        form |= {"type": options.kind, "cores": options.cpu, "ram": options.memory}
        form |= {"cmd": command[0], "args": " ".join(command[1:]), "env": env}
        assert sandbox.create(**form).status_code == 200


def created(sandbox):
    """What was created: names with image, resources, argv and env, without what only skaha-apply sets."""
    found = {}
    for one in sandbox.sessions():
        if one["name"] == "blocker":
            continue
        env = {name: text for name, text in one["env"].items() if not name.startswith(OWN)}
        assert one["name"] not in found
        found[one["name"]] = (one["image"], one.get("cores"), one.get("ram"), one["argv"], env)
    return found


def empty(sandbox):
    sandbox.reset()
    sandbox.settings(slots=1)
    assert sandbox.create(name="blocker", cmd="sleep", args="600").status_code == 200


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_and_its_manifest_create_the_same_sessions(desk, sandbox, stand_in, name):
    (desk.folder / "tiles.txt").write_text("t001\nt002\n\nNGC-4501\n")
    (desk.folder / f"{name}.sh").write_text(SCRIPTS[name])
    (desk.folder / "fields.csv").write_text(FIELDS)
    tables = ["--tables", "."] if name == "rows" else []
    converted = desk("convert", f"{name}.sh", *tables).out
    (desk.folder / "m.yaml").write_text(converted)
    assert desk("lint", "m.yaml").out == "no problems found\n"
    assert converted.count("  - name: ") == ENTRIES[name], converted
    empty(sandbox)
    for call in stand_in(f"{name}.sh"):
        post(sandbox, call)
    by_script = created(sandbox)
    empty(sandbox)
    desk("apply", "m.yaml", "--yes", "--settle", "0.5s")
    assert created(sandbox) == by_script
    assert len(by_script) >= 2
