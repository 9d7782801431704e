"""Calls under policies, carried out on real sockets: what the plan decides is what happens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from time import monotonic
from typing import Any

import pytest

from faultwire.failures import Failure, FailureKind
from faultwire.http.address import Origin, parse_origin
from faultwire.http.client import Reply
from faultwire.policy.attempt import Attempt
from faultwire.policy.retry import Refusal
from faultwire.policy.sets import read_set
from faultwire.services.addresses import Addresses
from faultwire.services.calls import Calls, Ended
from tests.ports import unused_port
from tests.socket.calling import LONG_S, in_thread, run, timed, until
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, Upstream, answers, ok, resets, stalls

OK = ok()
BUSY = ok(b"busy", status=b"503 Service Unavailable")
QUICK = "retry(base=1ms,cap=1ms)"


@asynccontextmanager
async def calls_to(policies: str, *urls: str) -> AsyncIterator[Calls]:
    origins = [parse_origin(url) for url in urls]
    calls = Calls(origins, read_set(policies), most=100, random=Random(7))  # noqa: S311
    try:
        yield calls
    finally:
        calls.close()


def request(attempt: Attempt, origin: Origin) -> bytes:
    hurry = attempt.deadline_header
    told = f"X-Deadline-Ms: {hurry}\r\n" if hurry is not None else ""
    return f"GET /{attempt.number} HTTP/1.1\r\nHost: {origin.authority}\r\n{told}\r\n".encode()


def judge(reply: Reply, _: Origin) -> bytes:
    if reply.status >= 300:
        raise Failure(FailureKind.UPSTREAM_STATUS, "it said so", status=reply.status)
    return reply.body


def call(calls: Calls, timeout_s: float = LONG_S) -> Coroutine[Any, Any, Ended[bytes]]:
    return calls.call(request, judge, timeout_s=timeout_s)


def kind(ended: Ended[bytes]) -> FailureKind | None:
    return None if ended.failure is None else ended.failure.kind


def test_a_retry_saves_the_call_and_every_try_is_told(new_loop: NewLoop) -> None:
    async def main(url: str) -> Ended[bytes]:
        async with calls_to(QUICK, url) as calls:
            return await call(calls)

    with Upstream(answers(BUSY, OK)) as upstream:
        ended = run(new_loop, main(upstream.url))
        assert [head.split()[1] for head in upstream.requests] == [b"/1", b"/2"]
    assert (ended.value, ended.status, ended.requests) == (b'{"echo":"hello"}', 200, 2)
    assert [(each.number, each.status) for each in ended.tries] == [(1, 503), (2, 200)]


def test_without_a_policy_that_repeats_the_first_failure_is_the_last(new_loop: NewLoop) -> None:
    async def main(url: str) -> Ended[bytes]:
        async with calls_to("breaker", url) as calls:
            return await call(calls)

    with Upstream(answers(BUSY, OK)) as upstream:
        ended = run(new_loop, main(upstream.url))
        assert len(upstream.requests) == 1
    assert (kind(ended), ended.status, ended.requests) == (FailureKind.UPSTREAM_STATUS, 503, 1)


def test_what_the_upstream_says_of_its_return_is_kept_to(new_loop: NewLoop) -> None:
    async def main(url: str) -> tuple[Ended[bytes], float]:
        async with calls_to(QUICK, url) as calls:
            return await timed(call(calls))

    later = ok(b"", b"Retry-After: 1", status=b"503 Service Unavailable")
    with Upstream(answers(later, OK)) as upstream:
        ended, took_s = run(new_loop, main(upstream.url))
    assert ended.failure is None
    assert took_s >= 1


def test_a_retry_that_could_not_end_in_time_is_not_begun(new_loop: NewLoop) -> None:
    async def main(url: str) -> Ended[bytes]:
        async with calls_to(QUICK, url) as calls:
            return await call(calls, 5.0)

    later = ok(b"", b"Retry-After: 30", status=b"503 Service Unavailable")
    with Upstream(answers(later, OK)) as upstream:
        ended = run(new_loop, main(upstream.url))
        assert len(upstream.requests) == 1
    assert (kind(ended), ended.stopped_by) == (FailureKind.UPSTREAM_STATUS, Refusal.DEADLINE)
    assert ended.retry_after_s == 30


def test_an_open_breaker_refuses_without_a_connection(new_loop: NewLoop) -> None:
    async def main(url: str) -> tuple[FailureKind | None, float | None]:
        async with calls_to("breaker(volume=3,open=60s)", url) as calls:
            for _ in range(3):
                await call(calls)
            ended = await call(calls)
            return kind(ended), ended.retry_after_s

    with Upstream(answers(BUSY, BUSY, BUSY, OK)) as upstream:
        refused, retry_after_s = run(new_loop, main(upstream.url))
        assert len(upstream.requests) == 3
    assert refused is FailureKind.CIRCUIT_OPEN
    assert retry_after_s is not None
    assert 50 < retry_after_s <= 60


def test_a_full_bulkhead_refuses_and_its_places_come_back(new_loop: NewLoop) -> None:
    async def main(upstream: Upstream) -> list[FailureKind | None]:
        async with calls_to("bulkhead(in_flight=1)", upstream.url) as calls:
            first = asyncio.ensure_future(call(calls, LONG_S))
            await in_thread(upstream.wait_for, requests=1)
            refused = await call(calls)
            first.cancel()
            await asyncio.wait([first])
            return [kind(refused), kind(await call(calls))]

    with Upstream(stalls(), answers(OK)) as upstream:
        assert run(new_loop, main(upstream)) == [FailureKind.BULKHEAD_FULL, None]


def test_who_waits_in_the_bulkhead_s_queue_goes_on_when_there_is_room(new_loop: NewLoop) -> None:
    async def main(url: str) -> list[FailureKind | None]:
        async with calls_to("bulkhead(in_flight=1,queue=9,wait=10s)", url) as calls:
            return [kind(ended) for ended in await asyncio.gather(*(call(calls) for _ in range(9)))]

    with Upstream(answers(*[OK] * 9)) as upstream:
        assert run(new_loop, main(upstream.url)) == [None] * 9
        assert upstream.connections == 1


def test_a_hedge_wins_and_the_first_attempt_is_aborted(new_loop: NewLoop) -> None:
    async def main(upstream: Upstream) -> Ended[bytes]:
        async with calls_to("hedge(samples=1,share=1,percentile=50)", upstream.url) as calls:
            await call(calls)
            await until(lambda: knows_when_to_hedge(calls))
            ended = await call(calls)
            await in_thread(upstream.wait_for, over=1)
            return ended

    def one_answer_then_none(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()
        peer.wait_until_gone()

    with Upstream(one_answer_then_none, answers(OK)) as upstream:
        ended = run(new_loop, main(upstream))
    assert ended.value == b'{"echo":"hello"}'
    assert [(each.number, each.hedge, each.status) for each in ended.tries] == [
        (2, True, 200),
        (1, False, 0),
    ]


def knows_when_to_hedge(calls: Calls) -> bool:
    return calls.conductor.standing(monotonic())["hedge_delay_s"] is not None


def test_the_deadline_is_that_of_all_attempts_together(new_loop: NewLoop) -> None:
    async def main(url: str) -> tuple[Ended[bytes], float]:
        async with calls_to(f"{QUICK}+attempt_timeout(share=0.4)+deadline", url) as calls:
            return await timed(call(calls, 0.5))

    with Upstream(stalls()) as upstream:
        ended, took_s = run(new_loop, main(upstream.url))
        told = [
            int(head.partition(b"X-Deadline-Ms: ")[2].split(b"\r")[0]) for head in upstream.requests
        ]
    assert kind(ended) is FailureKind.RESPONSE_TIMEOUT
    assert 2 <= ended.requests <= 3
    assert 0.35 < took_s < 5
    assert told[0] <= 200
    assert told[-1] <= 200


def test_a_cancelled_call_aborts_its_attempt_and_its_permit_comes_back(new_loop: NewLoop) -> None:
    async def main(upstream: Upstream) -> FailureKind | None:
        async with calls_to("breaker(volume=1,open=10ms,trials=1)", upstream.url) as calls:
            await call(calls)  # opens it
            await asyncio.sleep(0.02)
            trial = asyncio.ensure_future(call(calls))
            await in_thread(upstream.wait_for, requests=2)
            trial.cancel()
            await in_thread(upstream.wait_for, over=2)
            return kind(await call(calls))

    with Upstream(resets(), stalls(), answers(OK)) as upstream:
        assert run(new_loop, main(upstream)) is None


def test_the_replay_of_a_stale_connection_counts_as_one_of_the_attempts(new_loop: NewLoop) -> None:
    async def main(upstream: Upstream) -> Ended[bytes]:
        async with calls_to("retry(attempts=2,base=1ms)", upstream.url) as calls:
            await call(calls)
            return await call(calls)

    def answers_then_resets(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()
        peer.reset()

    with Upstream(answers_then_resets, resets(), answers(OK)) as upstream:
        ended = run(new_loop, main(upstream))
        assert len(upstream.requests) == 3
    assert (kind(ended), ended.requests) == (FailureKind.CONNECTION_RESET, 2)


def test_closing_cancels_what_is_in_flight(new_loop: NewLoop) -> None:
    async def main(upstream: Upstream) -> None:
        async with calls_to(QUICK, upstream.url) as calls:
            under_way = asyncio.ensure_future(call(calls))
            await in_thread(upstream.wait_for, requests=1)
            calls.close()
            with pytest.raises(asyncio.CancelledError):
                await under_way

    with Upstream(stalls()) as upstream:
        run(new_loop, main(upstream))


def test_an_address_that_fails_is_left_alone(new_loop: NewLoop) -> None:
    async def main(good: str) -> list[FailureKind | None]:
        bad = f"http://127.0.0.1:{unused_port()}"
        async with calls_to("balance(failures=2,ejection=60s)", good, bad) as calls:
            return [kind(await call(calls)) for _ in range(40)]

    with Upstream(answers(*[OK] * 40)) as upstream:
        kinds = run(new_loop, main(upstream.url))
    assert kinds.count(FailureKind.CONNECTION_REFUSED) == 2
    assert kinds.count(None) == 38


def test_a_name_s_addresses_are_told_when_they_are_known(new_loop: NewLoop) -> None:
    async def main() -> list[str]:
        told: list[str] = []
        addresses = Addresses(
            Origin("localhost", 8080), lambda found: told.extend(o.host for o in found)
        )
        try:
            await until(lambda: bool(told))
        finally:
            addresses.close()
        return told

    assert "127.0.0.1" in run(new_loop, main())


def test_an_address_that_has_just_gone_finishes_what_it_has_begun(new_loop: NewLoop) -> None:
    """Though one that went an hour before is dropped in this moment."""

    async def main(upstream: Upstream) -> Ended[bytes]:
        here = parse_origin(upstream.url)
        async with calls_to("balance", "http://nobody.invalid:80") as calls:
            calls._moved([here])
            long_ago = monotonic()
            under_way = asyncio.ensure_future(call(calls))
            await in_thread(upstream.wait_for, requests=1)
            calls._moved([here._replace(host="127.0.0.2")])
            calls._drop_the_gone(long_ago)
            released.set()
            return await under_way

    released = threading.Event()

    def answers_late(peer: Peer) -> None:
        peer.request()
        peer.wait(released)
        peer.send(OK)

    with Upstream(answers_late) as upstream:
        assert run(new_loop, main(upstream)).failure is None


def test_a_name_that_does_not_resolve_is_told_as_such(new_loop: NewLoop) -> None:
    async def main() -> FailureKind | None:
        async with calls_to("balance", "http://nobody.invalid:80") as calls:
            return kind(await call(calls))

    assert run(new_loop, main()) is FailureKind.DNS_ERROR


def test_a_stale_connection_costs_no_retry(new_loop: NewLoop) -> None:
    async def main(url: str) -> Ended[bytes]:
        async with calls_to("retry+budget(ratio=0,floor_per_s=0)", url) as calls:
            await call(calls)
            return await call(calls)

    def answers_once_then_resets(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()
        peer.reset()

    with Upstream(answers_once_then_resets, answers(OK)) as upstream:
        ended = run(new_loop, main(upstream.url))
    assert (ended.failure, ended.requests) == (None, 2)
