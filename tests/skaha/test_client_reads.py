"""Listings and look-ups over real HTTP: the values of good responses, and the errors of bad ones."""

import asyncio
import json

import pytest
from adversary import NOON, TOKEN, Adversary, FastClock, awaited, client, cut, drop, hang, raw, reply

from skaha_apply.model.errors import Forbidden, NotSkaha, ServerError, Unauthorized, Unreachable
from skaha_apply.skaha.transport.clock import SystemClock

pytestmark = pytest.mark.both_transports

ONE = {"id": "k2j3h4g5", "name": "Reduce-1", "type": "headless", "status": "Running", "userid": "me"}
LIST = reply(200, json.dumps([ONE]), kind="application/json")
HTML = reply(200, "<html><title>Log in</title></html>", kind="text/html")


async def listing(*acts, **options):
    async with Adversary(*acts) as server, client(server, **options) as skaha:
        try:
            return await skaha.sessions(), server
        except ServerError as error:
            return error, server


@awaited
async def test_a_list_is_read_with_names_in_lower_case():
    found, server = await listing(LIST)
    assert [session.name for session in found.sessions] == ["reduce-1"]
    assert found.account == "me"
    assert server.requests[0].target == "/skaha/v1/session"


@pytest.mark.parametrize(
    ("body", "headers", "account"),
    [
        ([], {"X_VO_Authenticated": " alice "}, "alice"),
        ([ONE], {"X_VO_Authenticated": "alice"}, "alice"),
        ([ONE], {}, "me"),
        ([ONE], {"X_VO_Authenticated": " "}, "me"),
        ([], {}, None),
    ],
)
@awaited
async def test_the_account_is_the_user_that_the_server_reports_else_that_of_a_session(body, headers, account):
    found, _ = await listing(reply(200, json.dumps(body), kind="application/json", **headers))
    assert found.account == account


@pytest.mark.parametrize(
    "act",
    [
        drop(),
        cut(b'[{"id": "k2j3'),
        raw(b"nonsense\r\n\r\n"),
        reply(500, "unexpected exception"),
        reply(502),
        reply(503, "<html>gateway</html>", kind="text/html"),
        reply(504),
        reply(429),
        reply(503, Retry_After="2"),
        reply(200, '[{"id": "k2j3'),
        HTML,
    ],
)
@awaited
async def test_a_read_that_fails_is_repeated(act):
    found, server = await listing(act, act, LIST)
    assert not isinstance(found, Exception), found
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("act", "error", "says", "tries"),
    [
        (reply(500, "unexpected exception: x"), ServerError, "unexpected exception: x", 3),
        (HTML, NotSkaha, "Log in", 3),
        (reply(200, "[{", kind="application/json"), NotSkaha, "breaks off", 3),
        (reply(200, ""), NotSkaha, "empty", 3),
        (reply(200, '{"a": 1}'), NotSkaha, "not a list", 3),
        (reply(404, "404 page not found"), NotSkaha, "is not from a Skaha server", 3),
        (reply(403, "Not authorized to use the skaha system"), Forbidden, "has no access to", 1),
        (reply(401, "Token has expired"), Unauthorized, "Token has expired", 1),
        (reply(401, "", WWW_Authenticate='Bearer error="invalid_token"'), Unauthorized, "invalid_token", 1),
        (reply(400, "cannot get group memberships for anonymous"), Unauthorized, "anonymous", 1),
        (reply(302, Location="https://login.example/?next=x"), NotSkaha, "login.example", 1),
        (reply(301, Location="http://[broken"), NotSkaha, "301", 1),
        (reply(405), ServerError, "405", 1),
    ],
)
@awaited
async def test_each_failure_has_its_error(act, error, says, tries):
    found, server = await listing(act)
    assert type(found) is error, found
    assert says in str(found)
    assert TOKEN not in f"{found} {found.hint}"
    assert len(server.requests) == tries


@pytest.mark.parametrize("act", [drop(), reply(503), reply(429, Retry_After="1")])
@awaited
async def test_unavailable_server_times_out(act):
    clock = FastClock()
    found, server = await listing(act, clock=clock, patience=10)
    assert type(found) is Unreachable
    assert clock.passed <= 12
    assert len(server.requests) >= 3


@awaited
async def test_a_missing_response_times_out_after_patience_too():
    clock = FastClock(real=6.0)
    found, server = await listing(hang(), clock=clock)
    assert type(found) is Unreachable
    assert "no response within 10 s" in str(found)
    assert clock.passed == 10
    assert len(server.requests) == 1


@awaited
async def test_a_redirect_is_not_followed():
    async with Adversary(LIST) as elsewhere:
        found, _ = await listing(reply(307, Location=f"{elsewhere.url}/session"))
        assert type(found) is NotSkaha
        assert elsewhere.requests == []


@awaited
async def test_a_server_that_was_known_and_is_being_redeployed_is_waited_for():
    page = reply(404, "404 page not found")
    async with Adversary(LIST, page, page, page, page, LIST) as server, client(server, patience=600) as skaha:
        await skaha.sessions()
        await skaha.sessions()
    assert len(server.requests) == 6


@awaited
async def test_only_the_servers_own_404_means_gone():
    for own in ("session k2j3h4g5 not found\n", "no such thing: k2j3h4g5", "Session not found"):
        async with Adversary(reply(404, own)) as server, client(server) as skaha:
            assert await skaha.session("k2j3h4g5") is None
            assert await skaha.events("k2j3h4g5") is None
    for page in (reply(404, "<html>k2j3h4g5 Not Found</html>", kind="text/html"), reply(404, "404 page not found")):
        async with Adversary(page) as server, client(server) as skaha:
            with pytest.raises(NotSkaha):
                await skaha.session("k2j3h4g5")
            with pytest.raises(NotSkaha):
                await skaha.events("k2j3h4g5")


@awaited
async def test_one_session_its_log_and_its_events():
    async with Adversary(reply(200, json.dumps(ONE))) as server, client(server) as skaha:
        assert (await skaha.session("k2j3h4g5")).status == "Running"
        server.acts = [reply(200, "line 1\nline \xff 2\n".encode("latin-1"))]
        assert await skaha.logs("k2j3h4g5") == "line 1\nline � 2\n"
        server.acts = [reply(200, "")]
        assert await skaha.logs("k2j3h4g5") == ""
        server.acts = [reply(200, "<none>\n")]
        assert await skaha.events("k2j3h4g5") == "<none>\n"
        server.acts = [reply(200, "<html>a page that the job printed</html>")]
        assert "printed" in await skaha.logs("k2j3h4g5")
    assert server.requests[1].target == "/skaha/v1/session/k2j3h4g5?view=logs"
    assert server.requests[3].target == "/skaha/v1/session/k2j3h4g5?view=events"


@awaited
async def test_a_login_page_is_never_taken_for_a_log():
    async with Adversary(HTML) as server, client(server) as skaha:
        with pytest.raises(NotSkaha):
            await skaha.logs("k2j3h4g5")


@awaited
async def test_a_list_of_ten_megabytes():
    entries = [{**ONE, "id": f"a{number:07}", "image": "x" * 300} for number in range(25_000)]
    body = json.dumps(entries)
    assert len(body) > 10_000_000
    found, _ = await listing(reply(200, body))
    assert len(found.sessions) == 25_000


@awaited
async def test_times_are_the_servers():
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    clock = FastClock()
    async with (
        Adversary(reply(200, "[]"), reply(200, "[]", Date=date)) as server,
        client(server, clock=clock) as skaha,
    ):
        await skaha.sessions()
        assert not skaha.has_server_time
        assert skaha.now() == NOON
        found = await skaha.sessions()
        assert skaha.has_server_time
        assert abs(skaha.now() - 1767225600) <= 1
        assert found.asked <= found.at
        assert abs(found.at - 1767225600) <= 1


@awaited
async def test_what_the_server_offers():
    context = {
        "cores": {"defaultRequest": 1, "options": [1, 2, 4]},
        "memoryGB": {"defaultRequest": 4, "options": [1, 2, 4, 8]},
        "gpus": {"options": [1, "x", None]},
        "maxInteractiveSessions": "5",
    }

    async def act(request):
        answers = {
            "/skaha/v1/context": reply(200, json.dumps(context)),
            "/skaha/v1/image": reply(200, json.dumps([{"id": "images.x.net/a/b:1", "types": ["headless"]}, {}, 3])),
            "/skaha/v1/repository": reply(500, "no"),
        }
        await answers[request.target](request)

    async with Adversary(act) as server, client(server) as skaha:
        offer = await skaha.offer()
        assert (offer.cores, offer.ram, offer.gpus) == ({1, 2, 4}, {1, 2, 4, 8}, {1})
        assert (offer.images, offer.registries) == ({"images.x.net/a/b:1"}, None)
        assert (offer.default_cores, offer.default_ram, offer.max_interactive) == (1, 4, 5)
        server.acts = [reply(200, '["images.x.net"]')]
        offer = await skaha.offer()
        assert (offer.cores, offer.images, offer.registries) == (None, None, ("images.x.net",))
        server.acts = [reply(401)]
        with pytest.raises(Unauthorized):
            await skaha.offer()


@awaited
async def test_a_list_counts_as_asked_for_when_its_last_try_was_sent():
    clock = FastClock()
    async with Adversary(reply(503, Retry_After="8"), LIST) as server, client(server, clock=clock) as skaha:
        found = await skaha.sessions()
    assert found.asked >= NOON + 8


@awaited
async def test_requests_without_a_response_are_repeated():
    async def slow(request):
        request.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlog ")
        await asyncio.sleep(1.3)
        request.writer.write(b"text")

    async with Adversary(slow) as server, client(server, clock=SystemClock(), patience=0.1) as skaha:
        assert await skaha.logs("k2j3h4g5") == "log text"


@awaited
async def test_endless_response_times_out():
    async def endless(request):
        request.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 800000\r\n\r\n")
        while True:
            request.writer.write(b" ")
            await asyncio.sleep(0.05)

    found, _ = await listing(endless, clock=SystemClock(), patience=0.1, response=0.4)
    assert type(found) is Unreachable
    assert "was not complete after" in str(found)


@pytest.mark.parametrize("start", [b"", b"["], ids=["headers", "first-byte"])
@awaited
async def test_a_body_that_stops_arriving_ends_with_the_patience(start):
    async def stalled(request):
        request.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n" + start
        )
        await asyncio.sleep(3600)

    clock = FastClock(real=6.0)
    found, server = await listing(stalled, clock=clock, patience=10)
    assert type(found) is Unreachable
    assert "was not complete after 10 s" in str(found)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("act", "says", "hint"),
    [
        (
            reply(429, "slow down", Retry_After="120"),
            "429 Too Many Requests: slow down (the server asks to wait 2m)",
            "in 2m",
        ),
        (reply(503, "temporarily unavailable: /session\n"), "503 Service Unavailable: temporarily", "later"),
        (reply(502, "<html>Bad Gateway</html>", kind="text/html"), "502 Bad Gateway", "gateway"),
    ],
)
@awaited
async def test_a_server_that_refuses_for_the_moment_is_named_by_its_status(act, says, hint):
    found, _ = await listing(act, patience=10)
    assert type(found) is Unreachable
    assert says in str(found)
    assert hint in found.hint
    assert "check the network" not in found.hint
