"""Scripts that run with the published clients, and the manifests of `convert`, create the same sessions."""

from __future__ import annotations

import json

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

BASH = f"""#!/bin/bash
IMAGE=skaha/astroml:24.07
submit() {{
  canfar create -n "tile-$1" -c 1 -m 2 -e "TILE=$1" headless $IMAGE -- python r.py --tile $1
}}
while read -r tile; do
  submit "$tile" &
done < tiles.txt
wait
canfar create -r 2 -n mosaic headless {IMAGE} -- bash mosaic.sh
"""

PYTHON = f'''"""Submits each tile in each band."""
import asyncio

from canfar.sessions import AsyncSession

BANDS = ("g", "r")


async def submit(session, tile, band):
    return await session.create(
        name=f"stack-{{tile}}-{{band}}",
        image="{IMAGE}",
        cores=2,
        ram=4,
        cmd="python",
        args=f"stack.py --tile {{tile}} --band {{band}}",
        env={{"TILE": tile}},
    )


async def main():
    with open("tiles.txt") as listing:
        tiles = [line.strip() for line in listing if line.strip()]
    async with AsyncSession() as session:
        await asyncio.gather(*[submit(session, tile, band) for tile in tiles for band in BANDS])
        for number in range(9, 12):
            await session.create(f"night-{{number:03d}}", "{IMAGE}", cmd="python", args=f"n.py {{number}}")


if __name__ == "__main__":
    asyncio.run(main())
'''

OLD = f"""import os
from skaha.session import Session

session = Session(server=os.environ["SERVER"], token=os.environ["TOKEN"])
for tile in ["t1", "t2"]:
    session.create(name="old-" + tile, image="{IMAGE}", cmd="python", args="r.py %s" % tile, env={{"TILE": tile}})
session.create(name="many", image="{IMAGE}", cores=1, ram=2, cmd="python", args="m.py", replicas=2)
"""


def created(sandbox):
    """What was created: names with image, resources, argv and env, without what only skaha-apply sets."""
    found = {}
    for one in sandbox.sessions():
        env = {name: text for name, text in one["env"].items() if not name.startswith(("SKAHA_APPLY_", "skaha_"))}
        assert one["name"] not in found
        found[one["name"]] = (one["image"], one.get("cores"), one.get("ram"), one["argv"], env)
    found.pop("blocker")
    return found


def empty(sandbox):
    """Forget everything; one long session takes the only slot, so that no other one starts."""
    sandbox.reset()
    sandbox.settings(slots=1)
    assert sandbox.create(name="blocker", cmd="sleep", args="600").status_code == 200


@pytest.mark.parametrize(
    ("name", "script", "counts"),
    [("canfar", BASH, (5, 2)), ("canfar", PYTHON, (9, 3)), ("skaha", OLD, (4, 2))],
    ids=["bash", "python", "skaha"],
)
def test_a_script_and_its_manifest(client, prepared, sandbox, name, script, counts):  # noqa: PLR0917
    published, (count, entries) = client(name), counts
    python = script.startswith(("import", '"""'))
    path = published.home / ("survey.py" if python else "survey.sh")
    path.write_text(script)
    (published.home / "tiles.txt").write_text("t001\nt002\nt003\n")
    account = {"CANFAR_TOKEN": sandbox.token, "CANFAR_URL": sandbox.url, "SERVER": f"{sandbox.origin}/skaha"}
    environment = {"HOME": str(published.home), "SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}

    def run(*words):
        done = prepared.run(words, cwd=published.home, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    empty(sandbox)
    programs = f"{published.bin}:/usr/bin:/bin"
    words = [published.bin / "python", path] if python else ["/bin/bash", path]
    published.run(words, **account, TOKEN=sandbox.token, PATH=programs)
    by_script = created(sandbox)
    assert len(by_script) == count
    (published.home / "m.yaml").write_text(run("convert", path.name))
    assert run("lint", "m.yaml") == "no problems found\n"
    empty(sandbox)
    plan = json.loads(run("plan", "m.yaml", "-o", "json"))
    assert plan["summary"]["create"] == count
    assert (published.home / "m.yaml").read_text().count("  - name: ") == entries
    run("apply", "m.yaml", "--yes", "--settle", "0.5s")
    assert created(sandbox) == by_script
