"""The client against the sandbox: both must agree about the server."""

import asyncio
import json

import pytest
from adversary import awaited
from jobs import create_request

from skaha_apply.model.errors import Forbidden, Unauthorized
from skaha_apply.model.request import Accepted, Refused
from skaha_apply.model.session import Kind, Phase
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.client import Client, ClientOptions

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def client(sandbox, token=None):
    return Client(ClientOptions(sandbox.url, lambda: token_login(token or sandbox.token, "the sandbox")))


@awaited
async def test_a_session_from_its_create_to_its_delete(sandbox):
    job = create_request(
        "Reduce-1", IMAGE, Kind.HEADLESS, cores=8, ram=32, cmd="bash", args=("-c", "exit"), env={"REPLICA_ID": "1"}
    )
    async with client(sandbox) as skaha:
        made = await skaha.create(job)
        assert isinstance(made, Accepted)
        listing = await skaha.sessions()
        session = listing.by_id[made.id]
        assert (session.name, session.kind, session.image) == ("reduce-1", "headless", IMAGE)
        assert (session.cores, session.ram, session.gpus) == (8, 32, None)
        assert listing.account == session.userid
        assert (await skaha.session(made.id)).id == made.id
        assert isinstance(await skaha.logs(made.id), str)
        assert await skaha.events(made.id)
        assert await skaha.delete(made.id) == Accepted()
        for _ in range(200):
            if await skaha.session(made.id) is None:
                break
            await asyncio.sleep(0.02)
        assert await skaha.session(made.id) is None
        assert await skaha.logs("abcd1234") == ""
        assert await skaha.events("abcd1234") is None
        assert skaha.has_server_time
    (truth,) = sandbox.sessions()
    assert truth["env"]["REPLICA_ID"] == "1"


WORDS = ("é", "Čeněk", "日本", "\N{EN DASH}", "€", "😀", "Ångström")
SHOW = "import json, os, sys; print(json.dumps([[os.fsencode(one).decode() for one in sys.argv[1:]], "
SHOW += "[os.environb[b'W%d' % i].decode() for i in range(int(sys.argv[1]))]]))"


@awaited
async def test_text_of_any_language_arrives_in_the_process(sandbox):
    (sandbox.workdir / "show.py").write_text(SHOW)
    args = ("show.py", str(len(WORDS)), *WORDS)
    env = {f"W{number}": word for number, word in enumerate(WORDS)}
    async with client(sandbox) as skaha:
        made = await skaha.create(create_request("words", IMAGE, Kind.HEADLESS, cmd="python", args=args, env=env))
        assert isinstance(made, Accepted)
        sandbox.wait_idle()
        assert json.loads(await skaha.logs(made.id)) == [list(args[1:]), list(WORDS)]


@awaited
async def test_an_interactive_session_is_flexible_and_renewed(sandbox):
    async with client(sandbox) as skaha:
        made = await skaha.create(create_request("desk", IMAGE, Kind.NOTEBOOK))
        session = await skaha.session(made.id)
        assert (session.cores, session.ram) == (None, None)
        for _ in range(200):
            if (await skaha.session(made.id)).phase is Phase.RUNNING:
                break
            await asyncio.sleep(0.02)
        assert await skaha.renew(made.id) == Accepted()
        assert isinstance(await skaha.renew("abcd1234"), Refused)
        await skaha.delete(made.id)


@awaited
async def test_what_the_sandbox_offers_and_refuses(sandbox):
    async with client(sandbox) as skaha:
        offer = await skaha.offer()
        assert 8 in offer.cores
        assert 32 in offer.ram
        assert IMAGE in offer.images
        assert "images.canfar.net" in offer.registries
        refused = await skaha.create(create_request("a_b", IMAGE, Kind.HEADLESS))
        assert refused == Refused(400, "name can only contain alpha-numeric chars and '-'")


@awaited
async def test_credentials_that_the_sandbox_refuses(sandbox):
    async with client(sandbox, "token-denied") as skaha:
        with pytest.raises(Forbidden):
            await skaha.sessions()
    async with client(sandbox, "token-expired") as skaha:
        with pytest.raises(Unauthorized, match="expired"):
            await skaha.sessions()
        assert (await skaha.create(create_request("a", IMAGE, Kind.HEADLESS))).auth
