"""A call ends at its total deadline, whatever the upstream does, and lets go of it at once."""

import asyncio
import threading

import pytest

from faultwire.failures import Failure, FailureKind, Phase
from tests.socket.calling import failure_from, failure_of, get, in_thread, pool_to, run, timed
from tests.socket.serving import NewLoop
from tests.socket.upstreams import (
    FullBacklog,
    Peer,
    Script,
    Upstream,
    answers,
    drips,
    head,
    ok,
    stalls,
)

TIMEOUT_S = 0.1
TOLERANCE_S = 0.05
ATTEMPTS = 5
"""The best counts: what a busy machine adds is not the deadline's."""

OK = b"HTTP/1.1 200 OK"

SLOW = {
    "silence": (stalls(), Phase.FIRST_BYTE),
    "half a head": (stalls(OK + b"\r\nContent-"), Phase.HEADERS),
    "half a body": (stalls(head(OK, b"Content-Length: 5") + b"abc"), Phase.BODY),
    "a head in drops": (drips(OK + b"\r\n", b"A: b\r\n"), Phase.HEADERS),
    "a body in drops": (drips(head(OK, b"Content-Length: 999999"), b"x"), Phase.BODY),
}


@pytest.mark.parametrize(("script", "phase"), SLOW.values(), ids=SLOW)
def test_a_call_ends_at_its_deadline_within_50_ms(
    new_loop: NewLoop, script: Script, phase: Phase
) -> None:
    async def calls(url: str) -> list[float]:
        took = []
        for _ in range(ATTEMPTS):
            failure, took_s = await timed(failure_from(url, timeout_s=TIMEOUT_S))
            assert (failure.kind, failure.phase) == (FailureKind.RESPONSE_TIMEOUT, phase)
            took.append(took_s)
        return took

    with Upstream(script) as upstream:
        took = run(new_loop, calls(upstream.url))
    assert min(took) > TIMEOUT_S - 0.002, "uvloop's clock has milliseconds"
    assert min(took) < TIMEOUT_S + TOLERANCE_S
    assert max(took) < TIMEOUT_S + 1


def test_so_does_one_that_waits_for_the_handshake(new_loop: NewLoop) -> None:
    async def calls(url: str) -> list[float]:
        return [(await timed(failure_from(url, timeout_s=TIMEOUT_S)))[1] for _ in range(ATTEMPTS)]

    with FullBacklog() as full:
        took = run(new_loop, calls(full.url))
    assert min(took) > TIMEOUT_S - 0.002
    assert min(took) < TIMEOUT_S + TOLERANCE_S


@pytest.mark.parametrize("script", [script for script, _ in SLOW.values()], ids=SLOW)
def test_the_upstream_sees_the_end_at_once(new_loop: NewLoop, script: Script) -> None:
    """While the pool is still open, and others may use it."""

    async def call(upstream: Upstream) -> Failure:
        async with pool_to(upstream.url) as pool:
            failure = await failure_of(get(pool, TIMEOUT_S))
            await in_thread(upstream.wait_for, over=1)
            return failure

    with Upstream(script) as upstream:
        assert run(new_loop, call(upstream)).phase is not None


def test_each_call_has_its_own_deadline(new_loop: NewLoop) -> None:
    async def calls(url: str) -> list[int]:
        ended: list[int] = []

        async def one(ms: int) -> None:
            async with pool_to(url) as pool:
                await failure_of(get(pool, ms / 1000))
            ended.append(ms)

        order = [150, 50, 250, 100, 200]
        await asyncio.gather(*(one(ms) for ms in order))
        return ended

    with Upstream(stalls()) as upstream:
        assert run(new_loop, calls(upstream.url)) == [50, 100, 150, 200, 250]


def test_a_call_with_no_time_left_fails_at_once(new_loop: NewLoop) -> None:
    with Upstream(stalls()) as upstream:
        failure, took_s = run(new_loop, timed(failure_from(upstream.url, timeout_s=0)))
    assert failure.kind in (FailureKind.CONNECT_TIMEOUT, FailureKind.RESPONSE_TIMEOUT)
    assert took_s < 0.5


def test_an_answer_in_the_last_moment_does_not_disturb_the_next_call(new_loop: NewLoop) -> None:
    """The answer arrives while the deadline passes: one of the two wins, nothing is left over."""
    late = threading.Event()

    def script(peer: Peer) -> None:
        while True:
            number = peer.request().split()[1]
            if peer.number == 0:
                peer.wait(late)
            peer.send(ok(number))

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            asyncio.get_running_loop().call_later(0.095, late.set)
            first = pool.call(b"GET 1 HTTP/1.1\r\n\r\n", timeout_s=0.1, idempotent=True)
            (reply,) = await asyncio.gather(first, return_exceptions=True)
            if isinstance(reply, Failure):
                assert reply.kind is FailureKind.RESPONSE_TIMEOUT
            else:
                assert first.result().body == b"1"
            second = pool.call(b"GET 2 HTTP/1.1\r\n\r\n", timeout_s=10, idempotent=True)
            assert (await second).body == b"2"

    for _ in range(5):
        late.clear()
        with Upstream(script) as upstream:
            run(new_loop, calls(upstream))


def test_a_large_request_that_is_not_read_ends_at_the_deadline(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        peer.wait(done)
        peer.wait_until_gone()

    async def call(upstream: Upstream) -> Failure:
        async with pool_to(upstream.url) as pool:
            request = b"GET /" + b"x" * (8 << 20) + b" HTTP/1.1\r\n\r\n"
            failure = await failure_of(pool.call(request, timeout_s=0.1, idempotent=True))
            done.set()
            await in_thread(upstream.wait_for, over=1)
            return failure

    done = threading.Event()
    with Upstream(script, answers(ok())) as upstream:
        failure = run(new_loop, call(upstream))
    assert (failure.kind, failure.phase) == (FailureKind.RESPONSE_TIMEOUT, Phase.FIRST_BYTE)


def test_the_upstream_learns_by_a_reset_that_nobody_waits_any_more(new_loop: NewLoop) -> None:
    """A FIN would be no news to it: a client may shut down its side and still read."""

    def script(peer: Peer) -> None:
        assert peer.request()
        ends.append(peer.wait_until_gone())

    async def call(upstream: Upstream) -> Failure:
        async with pool_to(upstream.url) as pool:
            failure = await failure_of(
                pool.call(b"GET / HTTP/1.1\r\n\r\n", timeout_s=0.1, idempotent=True)
            )
            await in_thread(upstream.wait_for, over=1)
            return failure

    ends: list[str] = []
    with Upstream(script) as upstream:
        failure = run(new_loop, call(upstream))
    assert (failure.kind, ends) == (FailureKind.RESPONSE_TIMEOUT, ["RST"])
