"""Every way in which a create, delete or renewal can end, over real HTTP."""

import asyncio
import base64

import pytest
from adversary import TOKEN, Adversary, FastClock, awaited, client, cut, drop, hang, raw, reply
from jobs import create_request

from skaha_apply.model.errors import Unauthorized
from skaha_apply.model.request import Accepted, Refused, Unconfirmed
from skaha_apply.model.session import Kind
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.auth.registry import RegistryLogin
from skaha_apply.skaha.auth.secret import Secret

pytestmark = pytest.mark.both_transports

IMAGE = "images.canfar.net/skaha/astroml:24.07"
JOB = create_request("reduce-1", IMAGE, Kind.HEADLESS)
MADE = reply(200, "k2j3h4g5\n")
OWN_503 = reply(503, "temporarily unavailable: /session\n", Retry_After="3")
LOGIN_PAGE = reply(200, "<!DOCTYPE html><title>Log in</title>", kind="text/html")


@awaited
async def test_parameters_go_in_the_body_and_nowhere_else():
    job = create_request(
        "reduce-1",
        IMAGE,
        Kind.HEADLESS,
        cores=8,
        ram=2.5,
        gpus=1,
        cmd="python",
        args=("reduce.py", "--night", "2026-11-22"),
        env={"BAND": "r", "REPLICA_ID": "1", "NAME": "Ångström & co="},
    )
    async with Adversary(MADE) as server, client(server) as skaha:
        assert await skaha.create(job) == Accepted("k2j3h4g5")
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/skaha/v1/session")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"].startswith("skaha-apply/")
    assert "x-skaha-registry-auth" not in request.headers
    assert request.form == [
        ("name", "reduce-1"),
        ("image", IMAGE),
        ("type", "headless"),
        ("cores", "8"),
        ("ram", "2.5"),
        ("gpus", "1"),
        ("cmd", "python"),
        ("args", "reduce.py --night 2026-11-22"),
        ("env", "BAND=r"),
        ("env", "REPLICA_ID=1"),
        ("env", "NAME=Ångström & co="),
    ]


@awaited
async def test_what_is_not_asked_for_is_not_sent():
    async with Adversary(MADE) as server, client(server) as skaha:
        await skaha.create(create_request("a", IMAGE, Kind.HEADLESS, gpus=0, cores=4.0))
        await skaha.create(create_request("b", IMAGE, Kind.NOTEBOOK, cmd="x", args=("y",), env={"A": "b"}))
    assert server.requests[0].form == [("name", "a"), ("image", IMAGE), ("type", "headless"), ("cores", "4")]
    assert server.requests[1].form == [("name", "b"), ("image", IMAGE), ("type", "notebook")]


@awaited
async def test_a_registry_login_goes_only_with_images_of_that_registry():
    def login():
        found = token_login(TOKEN, "the test")
        return type(found)(
            found.source, found.identity, found.token, registry=RegistryLogin("images.canfar.net", "me", Secret("cli"))
        )

    async with Adversary(MADE) as server, client(server, login=login) as skaha:
        await skaha.create(JOB)
        await skaha.create(create_request("b", "images.canfar.net.evil.org/a/b:1", Kind.HEADLESS))
        assert skaha.private(IMAGE)
        assert not skaha.private("images.canfar.net.evil.org/a/b:1")
        await skaha.renew("abcd1234")
    assert base64.b64decode(server.requests[0].headers["x-skaha-registry-auth"]) == b"me:cli"
    assert all("x-skaha-registry-auth" not in request.headers for request in server.requests[1:])


@pytest.mark.parametrize(
    "act",
    [
        drop(),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nk2j3"),
        raw(b"garbage\r\n\r\n"),
        reply(500, "unexpected exception: java.lang.RuntimeException: x"),
        reply(502, "<html>Bad Gateway</html>", kind="text/html"),
        reply(504),
        reply(503, "<html>no server is available</html>", kind="text/html"),
        reply(408),
        reply(303, Location="https://host.example/jobs/1"),
        LOGIN_PAGE,
        reply(200, ""),
        reply(200, "id/../../other"),
        reply(202, "accepted"),
    ],
)
@awaited
async def test_create_that_the_server_might_have_accepted_is_unconfirmed_and_never_repeated(act):
    async with Adversary(act, MADE) as server, client(server) as skaha:
        outcome = await skaha.create(JOB)
    assert isinstance(outcome, Unconfirmed), outcome
    assert "<" not in outcome.text
    assert server.methods == ["POST"]


@awaited
async def test_a_create_without_a_response_in_time_is_unconfirmed():
    async with Adversary(hang()) as server, client(server, clock=FastClock(real=0.8)) as skaha:
        assert await skaha.create(JOB) == Unconfirmed("no response within 120 s")
    assert server.methods == ["POST"]


@pytest.mark.parametrize(
    ("act", "status", "says"),
    [
        (reply(400, "Invalid value for 'gpus': 0\n"), 400, "Invalid value for 'gpus': 0"),
        (reply(400, "<html><head><title>Too\nlong</title></head><body>x</body>", kind="text/html"), 400, "Too long"),
        (reply(405), 405, "status 405"),
        (reply(413, "\x1b[31mtoo large\x07"), 413, "[31mtoo large"),
        (reply(404, "404 page not found"), 404, "404 page not found"),
        (reply(307, Location="https://elsewhere.example/x?token=1"), 307, "elsewhere.example"),
    ],
)
@awaited
async def test_refused_request_is_reported_on_one_line_and_not_repeated(act, status, says):
    async with Adversary(act, MADE) as server, client(server) as skaha:
        outcome = await skaha.create(JOB)
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.auth, outcome.stopped) == (status, False, False)
    assert says in outcome.text
    assert outcome.text.isprintable()
    assert server.methods == ["POST"]


@awaited
async def test_a_404_refuses_a_write_at_once_although_the_server_was_known():
    """A gateway or a wrong address: the message names the address, and the create is not repeated (design 5.7)."""
    acts = (reply(200, "[]"), reply(404, "404 page not found"), MADE)
    async with Adversary(*acts) as server, client(server, patience=600) as skaha:
        await skaha.sessions()
        outcome = await skaha.create(JOB)
    assert (outcome.status, server.methods) == (404, ["GET", "POST"])
    assert f"{server.url}/session" in outcome.text
    assert "404 page not found" in outcome.text


@pytest.mark.parametrize(
    ("text", "sent", "outcome"),
    [
        ("No active job for user me with session k2j3h4g5\n", 1, Refused),
        ('For input string: "connect"\n', 3, Unconfirmed),
        ("something else\n", 3, Unconfirmed),
    ],
)
@awaited
async def test_only_no_active_job_ends_a_renewal(text, sent, outcome):
    async with Adversary(reply(400, text)) as server, client(server) as skaha:
        assert type(await skaha.renew("k2j3h4g5")) is outcome
    assert len(server.requests) == sent


@pytest.mark.parametrize("act", [OWN_503, reply(429, "slow down"), reply(503, "temporarily unavailable: /session")])
@awaited
async def test_a_create_refused_for_the_moment_is_repeated(act):
    async with Adversary(act, act, MADE) as server, client(server) as skaha:
        assert await skaha.create(JOB) == Accepted("k2j3h4g5")
    assert len(server.requests) == 3


@awaited
async def test_retry_after_is_the_least_that_is_waited():
    clock = FastClock()
    async with Adversary(reply(503, Retry_After="7"), MADE) as server, client(server, clock=clock) as skaha:
        server.clock = clock.monotonic
        await skaha.create(JOB)
    assert 7 <= server.times[1] - server.times[0] < 9


@awaited
async def test_a_longer_retry_after_than_patience_is_not_waited_for():
    clock = FastClock()
    async with (
        Adversary(reply(503, "away", Retry_After="30"), MADE) as server,
        client(server, clock=clock, patience=10) as skaha,
    ):
        assert await skaha.create(JOB) == Refused(503, "503 Service Unavailable: away (the server asks to wait 30s)")
    assert clock.passed < 10


@awaited
async def test_timed_out_request_reports_the_last_response():
    clock = FastClock()
    async with Adversary(reply(429, "slow down")) as server, client(server, clock=clock, patience=60) as skaha:
        assert await skaha.create(JOB) == Refused(429, "429 Too Many Requests: slow down")
    assert 55 <= clock.passed <= 95
    assert 4 <= len(server.requests) < 20


@awaited
async def test_a_server_that_is_not_there_refuses_after_patience():
    async with Adversary(MADE) as server:
        pass
    clock = FastClock()
    async with client(server, clock=clock, patience=20) as skaha:
        outcome = await skaha.create(JOB)
    assert outcome == Refused(0, "Connection refused")
    assert 19 <= clock.passed <= 40


@awaited
async def test_a_server_that_comes_back_gets_the_create():
    async with Adversary(MADE) as first:
        port = first.port
    clock = FastClock()
    async with client(first, clock=clock, patience=600) as skaha:
        creating = asyncio.ensure_future(skaha.create(JOB))
        await clock.sleep(5)
        second = await asyncio.start_server(Adversary(MADE)._connected, "127.0.0.1", port)
        assert await creating == Accepted("k2j3h4g5")
        second.close()


@awaited
async def test_unconfirmed_delete_is_repeated_three_times_at_most():
    async with Adversary(drop(), drop(), reply(200)) as server, client(server) as skaha:
        assert await skaha.delete("abcd1234") == Accepted()
    assert [request.target for request in server.requests] == ["/skaha/v1/session/abcd1234"] * 3
    async with Adversary(drop()) as server, client(server) as skaha:
        assert isinstance(await skaha.delete("abcd1234"), Unconfirmed)
    assert server.methods == ["DELETE"] * 3
    async with Adversary(LOGIN_PAGE) as server, client(server) as skaha:
        assert isinstance(await skaha.delete("abcd1234"), Unconfirmed)


@awaited
async def test_delete_that_the_server_might_have_accepted_stays_unconfirmed_after_a_refusal():
    async with Adversary(drop(), reply(503, "away", Retry_After="99")) as server, client(server) as skaha:
        assert isinstance(await skaha.delete("abcd1234"), Unconfirmed)


@awaited
async def test_a_renewal_is_a_form_without_fields():
    async with Adversary(reply(200), reply(400, "No active job for user me")) as server, client(server) as skaha:
        assert await skaha.renew("abcd1234") == Accepted()
        assert await skaha.renew("abcd1234") == Refused(400, "No active job for user me")
    assert server.requests[0].target == "/skaha/v1/session/abcd1234?action=renew"
    assert server.requests[0].headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert server.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize("bad", ["", "..", "a/b", "a?b", "a b", "é", "x" * 64, "-a"])
@awaited
async def test_only_ids_go_into_a_path(bad):
    async with Adversary(reply(200, "{}")) as server, client(server) as skaha:
        assert (await skaha.delete(bad)).status == 0
        assert (await skaha.renew(bad)).status == 0
        assert await skaha.session(bad) is None
        assert await skaha.logs(bad) == ""
        assert await skaha.events(bad) is None
    assert server.requests == []


@awaited
async def test_a_401_reads_the_credential_again_once():
    tokens = iter(["old", "new", "newer"])
    async with (
        Adversary(reply(401, "Token has expired"), MADE) as server,
        client(server, login=lambda: token_login(next(tokens), "the test")) as skaha,
    ):
        assert await skaha.create(JOB) == Accepted("k2j3h4g5")
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize(
    "act", [reply(401, "Token has expired"), reply(400, "cannot get group memberships for anonymous")]
)
@awaited
async def test_an_unchanged_credential_is_refused_for_good(act):
    async with Adversary(act) as server, client(server) as skaha:
        outcome = await skaha.create(JOB)
    assert isinstance(outcome, Refused)
    assert outcome.auth
    assert server.methods == ["POST"]


@awaited
async def test_a_credential_that_changes_each_time_is_not_tried_for_ever():
    tokens = (f"token-{number}" for number in range(99))
    async with (
        Adversary(reply(401)) as server,
        client(server, login=lambda: token_login(next(tokens), "the test")) as skaha,
    ):
        assert (await skaha.create(JOB)).auth
    assert len(server.requests) == 2


@awaited
async def test_many_401_at_once_read_the_credential_once():
    reads = []

    def login():
        reads.append(1)
        return token_login("old" if len(reads) == 1 else "new", "the test")

    async def act(request):
        await (MADE if request.headers["authorization"] == "Bearer new" else reply(401))(request)

    async with Adversary(act) as server, client(server, login=login) as skaha:
        outcomes = await asyncio.gather(*(skaha.create(JOB) for _ in range(20)))
    assert set(outcomes) == {Accepted("k2j3h4g5")}
    assert len(reads) == 2


@awaited
async def test_account_without_access_has_its_own_error():
    async with Adversary(reply(403, "Not authorized to use the skaha system")) as server, client(server) as skaha:
        assert (await skaha.create(JOB)).auth
    async with Adversary(reply(403, "permission denied: this image")) as server, client(server) as skaha:
        assert not (await skaha.create(JOB)).auth


@awaited
async def test_deleted_credential_ends_as_refused():
    answers = iter([token_login("one", "the test")])

    def login():
        try:
            return next(answers)
        except StopIteration:
            raise Unauthorized("there is none any more") from None

    async with Adversary(reply(401)) as server, client(server, login=login) as skaha:
        assert (await skaha.create(JOB)).auth


@awaited
async def test_response_cut_in_the_middle_leaves_a_create_unconfirmed():
    async with Adversary(cut(b"k2j3h4g5")) as server, client(server) as skaha:
        assert isinstance(await skaha.create(JOB), Unconfirmed)


@awaited
async def test_endless_response_leaves_a_create_unconfirmed():
    endless = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"a" * (3 << 20))
    async with Adversary(endless) as server, client(server) as skaha:
        assert isinstance(await skaha.create(JOB), Unconfirmed)
    assert server.methods == ["POST"]


@awaited
async def test_text_that_is_not_unicode_breaks_nothing():
    async with Adversary(MADE) as server, client(server) as skaha:
        assert await skaha.create(create_request("a", IMAGE, Kind.HEADLESS, args=("\ud800",))) == Accepted("k2j3h4g5")
