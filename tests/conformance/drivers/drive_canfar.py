"""Run by the interpreter that has `canfar`: one session's whole life, each step reported as JSON."""

import asyncio
import json
import sys
import time

from canfar.sessions import AsyncSession


async def main(url, token, image, script):
    seen = {}
    async with AsyncSession(url=url, token=token) as session:
        ids = await session.create(
            name="Conform",
            image=image,
            kind="headless",
            cores=2,
            ram=4,
            cmd="bash",
            args=script,
            env={"BAND": "r"},
            replicas=3,
        )
        seen["ids"] = ids
        until = time.monotonic() + 60
        while time.monotonic() < until:
            seen["listed"] = await session.fetch(kind="headless")
            if {one["status"] for one in seen["listed"]} == {"Completed"}:
                break
            await asyncio.sleep(0.1)
        seen["info"] = await session.info(ids)
        seen["logs"] = await session.logs(ids)
        seen["events"] = await session.events(ids)
        seen["stats"] = await session.stats()
        desk = await session.create(name="desk", image=image, kind="notebook")
        seen["desk"] = desk
        seen["renewed"] = await session.renew(desk)
        seen["desk_info"] = await session.info(desk)
        seen["destroyed"] = await session.destroy([*ids, *desk])
        seen["left"] = await session.fetch()
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:])), default=str) + "\n")
