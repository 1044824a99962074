"""Many requests at once: overload, outage, stop and cancellation, over real HTTP."""

import asyncio
from itertools import pairwise

import httpx
import pytest
from adversary import Adversary, FastClock, awaited, client, hang, reply
from jobs import create_request

from skaha_apply.model.errors import Unreachable, UsageError
from skaha_apply.model.request import Accepted, Refused, Unconfirmed
from skaha_apply.model.session import Kind
from skaha_apply.skaha.transport.clock import SystemClock
from skaha_apply.skaha.transport.throttle import Admission, RequestThrottle

JOBS = [create_request(f"reduce-{number}", "images.canfar.net/a/b:1", Kind.HEADLESS) for number in range(300)]
MADE = reply(200, "k2j3h4g5\n")
AWAY = reply(503, "temporarily unavailable: /session\n")


async def create_all(skaha, jobs):
    return await asyncio.gather(*(skaha.create(job) for job in jobs))


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("waited in vain")


@pytest.mark.both_transports
@awaited
async def test_never_more_in_flight_than_asked_for():
    async def slow(request):
        await asyncio.sleep(0.005)
        await MADE(request)

    async with Adversary(slow) as server, client(server, concurrency=5) as skaha:
        assert await create_all(skaha, JOBS[:60]) == [Accepted("k2j3h4g5")] * 60
    assert server.most_in_flight == 5


@pytest.mark.parametrize("concurrency", [0, 257, -1])
def test_concurrency_has_bounds(concurrency):
    with pytest.raises(UsageError, match="1 to 256"):
        client("http://localhost/skaha", concurrency=concurrency)


@awaited
async def test_an_outage_is_waited_for_by_one_request_at_a_time():
    clock = FastClock()
    in_outage, after_it = [], []

    async def act(request):
        if clock.passed < 120:
            in_outage.append(clock.passed)
            await AWAY(request)
        else:
            after_it.append(server.in_flight)
            await asyncio.sleep(0.01)
            await MADE(request)

    async with Adversary(act) as server, client(server, clock=clock, patience=600) as skaha:
        outcomes = await create_all(skaha, JOBS)
    assert set(outcomes) == {Accepted("k2j3h4g5")}
    # The first 32 were in flight when it went away; then single probes, ever further apart.
    assert 32 < len(in_outage) < 70
    probes = in_outage[40:]
    assert all(later - earlier > 0.2 for earlier, later in pairwise(probes))
    assert after_it[0] == 1
    assert max(after_it) > 16


@pytest.mark.parametrize(("seconds", "notes"), [(120, 2), (3, 0)])
@awaited
async def test_long_outage_is_reported_once_and_its_end_too(seconds, notes):
    clock, said = FastClock(), []

    async def act(request):
        await (AWAY if clock.passed < seconds else MADE)(request)

    async with Adversary(act) as server, client(server, clock=clock, patience=600, observe=said.append) as skaha:
        await create_all(skaha, JOBS)
    assert len(said) == notes
    assert all("the server" in one.text for one in said)
    if notes:
        assert "the server responds 503 Service Unavailable for" in said[0].text
        assert "waiting for at most 10m in all" in said[0].text
        assert "the server is back after 1" in said[1].text


@pytest.mark.both_transports
@awaited
async def test_an_outage_without_a_connection_names_the_reason_and_a_short_limit():
    async with Adversary(AWAY) as server:
        pass
    said = []
    async with client(server, patience=20, observe=said.append) as skaha:
        await create_all(skaha, JOBS[:4])
    assert "the server cannot be reached (Connection refused) for" in said[0].text
    assert "waiting for at most 20s in all" in said[0].text


@awaited
async def test_an_outage_longer_than_patience_refuses_everybody_at_about_the_same_time():
    clock = FastClock()
    async with Adversary(AWAY) as server, client(server, clock=clock, patience=60) as skaha:
        outcomes = await create_all(skaha, JOBS)
    assert {outcome.status for outcome in outcomes} <= {0, 503}
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert clock.passed < 120
    assert len(server.requests) < 100


@awaited
async def test_retry_after_of_429_holds_for_all_requests():
    clock = FastClock()
    first = []

    async def act(request):
        if not first:
            first.append(1)
            await reply(429, "slow down", Retry_After="20")(request)
        else:
            await MADE(request)

    async with Adversary(act) as server, client(server, clock=clock, concurrency=4, patience=60) as skaha:
        server.clock = clock.monotonic
        await create_all(skaha, JOBS[:20])
    early = [time for time in server.times if time < 20]
    assert len(early) <= 4


@awaited
async def test_a_single_503_delays_no_other_request():
    clock = FastClock(ready=lambda: len(server.requests) >= 100)
    first = []

    async def act(request):
        if b"name=reduce-7&" in request.body and not first:
            first.append(1)
            await reply(503, "temporarily unavailable", Retry_After="30")(request)
        else:
            await MADE(request)

    async with Adversary(act) as server, client(server, clock=clock, patience=60, concurrency=4) as skaha:
        server.clock = clock.monotonic
        outcomes = await create_all(skaha, JOBS[:100])
    assert set(outcomes) == {Accepted("k2j3h4g5")}
    assert sum(time < 30 for time in server.times) == 100
    assert sum(time >= 30 for time in server.times) == 1


@pytest.mark.both_transports
@awaited
async def test_stop_ends_waits_at_once_and_requests_in_flight_continue():
    gate = asyncio.Event()

    async def act(request):
        if b"name=reduce-0&" in request.body:
            await hang(gate, MADE)(request)
        else:
            await reply(503, "temporarily unavailable", Retry_After="3000")(request)

    async with Adversary(act) as server, client(server, concurrency=2, patience=1e6, clock=SystemClock()) as skaha:
        creating = asyncio.ensure_future(create_all(skaha, JOBS[:10]))
        await until(lambda: len(server.requests) >= 4)
        skaha.stop()
        sent = len(server.requests)
        await asyncio.sleep(0.05)
        assert not creating.done()
        gate.set()
        outcomes = await creating
        assert outcomes[0] == Accepted("k2j3h4g5")
        assert all(isinstance(outcome, Refused) and outcome.stopped for outcome in outcomes[1:])
        assert len(server.requests) == sent
        assert await skaha.create(JOBS[0]) == Refused(0, "not sent, because the command was stopped", stopped=True)
        with pytest.raises(Unreachable, match="the command was stopped"):
            await skaha.sessions()
        assert len(server.requests) == sent


@pytest.mark.both_transports
@awaited
async def test_an_unconfirmed_delete_in_flight_at_stop_stays_unconfirmed():
    gate = asyncio.Event()
    async with Adversary(hang(gate, reply(500, "x"))) as server, client(server) as skaha:
        deleting = asyncio.ensure_future(skaha.delete("abcd1234"))
        await until(lambda: server.requests)
        skaha.stop()
        gate.set()
        assert isinstance(await deleting, Unconfirmed)
    assert len(server.requests) == 1


@pytest.mark.both_transports
@awaited
async def test_cancellation_passes_through_and_leaves_a_client_that_works():
    async with Adversary(hang()) as server, client(server, concurrency=2) as skaha:
        creating = [asyncio.ensure_future(skaha.create(job)) for job in JOBS[:6]]
        await until(lambda: len(server.requests) == 2)
        for task in creating:
            task.cancel()
        ended = await asyncio.gather(*creating, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        server.acts = [MADE]
        assert await create_all(skaha, JOBS[:6]) == [Accepted("k2j3h4g5")] * 6


@pytest.mark.both_transports
@awaited
async def test_leaving_while_requests_rest_leaves_no_task_behind():
    async with (
        Adversary(AWAY) as server,
        client(server, patience=1e6, clock=SystemClock(), concurrency=3) as skaha,
    ):
        creating = asyncio.ensure_future(create_all(skaha, JOBS[:9]))
        await until(lambda: len(server.requests) >= 3)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
        await asyncio.sleep(0.02)
        left = [task for task in asyncio.all_tasks() if "skaha_apply" in repr(task.get_coro())]
        assert left == []


@awaited
async def test_a_place_that_is_granted_as_the_stop_comes_sends_nothing():
    async with Adversary(MADE) as server, client(server, concurrency=1) as skaha:
        gate = skaha._exchange.throttle
        await gate.enter()
        creating = asyncio.ensure_future(skaha.create(JOBS[0]))
        await asyncio.sleep(0.01)
        gate.leave()
        skaha.stop()
        assert (await creating).stopped
    assert server.requests == []


@awaited
async def test_a_place_that_is_granted_as_the_cancellation_comes_is_given_back():
    gate = RequestThrottle(1, 10.0, SystemClock())
    await gate.enter()
    second = asyncio.ensure_future(gate.enter())
    await asyncio.sleep(0)
    gate.leave()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    async with asyncio.timeout(5):
        assert await gate.enter() is Admission.GRANTED


@awaited
async def test_a_connection_that_failed_is_closed_and_not_used_again():
    made = []

    class Failing(httpx.AsyncBaseTransport):
        def __init__(self):
            self.requests = self.closed = 0
            made.append(self)

        async def handle_async_request(self, request):
            self.requests += 1
            raise httpx.ReadError("gone")

        async def aclose(self):
            self.closed += 1

    async with client("http://localhost/skaha", transport=Failing) as skaha:
        await skaha.delete("abcd1234")
    assert [(one.requests, one.closed) for one in made] == [(1, 1)] * 3


@pytest.mark.both_transports
@awaited
async def test_a_cancellation_while_the_client_is_closed_leaves_no_connection_open():
    async with Adversary(MADE) as server:
        skaha = await client(server.url).__aenter__()
        await create_all(skaha, JOBS[:5])
        assert server.connections == server.open > 2
        closing = asyncio.ensure_future(skaha.__aexit__(None, None, None))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await until(lambda: not server.open)
