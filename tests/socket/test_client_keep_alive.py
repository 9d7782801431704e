"""A kept connection that the server ends is nobody's problem, and what it says unasked nobody's.

RFC 9112 section 9.3.1, RFC 9110 section 9.2.2.
"""

import asyncio
import threading
from collections.abc import Callable

import pytest

from faultwire.failures import Failure, FailureKind
from faultwire.http.call import Call
from faultwire.http.pool import Pool
from tests.socket.calling import (
    GET,
    LONG_S,
    failure_of,
    future,
    get,
    in_thread,
    pool_to,
    run,
    settle,
    timed,
    until,
)
from tests.socket.serving import NewLoop
from tests.socket.upstreams import (
    Gone,
    Peer,
    Script,
    Upstream,
    answers,
    answers_once,
    head,
    ok,
    resets,
    stalls,
)

TIMED_OUT = head(b"HTTP/1.1 408 Request Timeout", b"Content-Length: 0", b"Connection: close")
TIMED_OUT_KEPT = head(b"HTTP/1.1 408 Request Timeout", b"Content-Length: 0")
UNAVAILABLE = b"503 Service Unavailable"


def leaves_by_fin(peer: Peer) -> None:
    peer.finish()
    peer.wait_until_gone()


def leaves_with_408(peer: Peer) -> None:
    peer.send(TIMED_OUT)
    leaves_by_fin(peer)


LEAVING: dict[str, Callable[[Peer], object]] = {
    "FIN": leaves_by_fin,
    "FIN, deaf": Peer.close,  # what arrives afterwards is answered by RST
    "RST": Peer.reset,
    "408": leaves_with_408,
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_none_of_1000_connections_closed_while_they_are_reused_surfaces(
    new_loop: NewLoop, leave: Callable[[Peer], object]
) -> None:
    reused = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        assert reused.acquire(timeout=LONG_S)
        leave(peer)

    async def calls(url: str) -> int:
        attempts = 0
        async with pool_to(url) as pool:
            for _ in range(1000):
                call = get(pool)
                assert (await call).status == 200
                attempts += call.attempts
                reused.release()  # the thread leaves while the next call is being sent
        return attempts - 1000

    with Upstream(script) as upstream:
        replays = run(new_loop, calls(upstream.url))
        assert upstream.connections >= 1000
    assert replays > 0, "it has raced"


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_a_connection_that_is_seen_to_close_is_not_used_again(
    new_loop: NewLoop, leave: Callable[[Peer], object]
) -> None:
    answered = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok())
        peer.wait(answered)
        leave(peer)

    async def calls(upstream: Upstream) -> int:
        async with pool_to(upstream.url) as pool:
            await get(pool)
            answered.set()
            await until(lambda: not pool._open)
            call = get(pool)
            await call
            return call.attempts

    with Upstream(script, answers(ok())) as upstream:
        assert run(new_loop, calls(upstream)) == 1
        assert upstream.connections == 2


def then(*, first: bytes, leave: Callable[[Peer], object]) -> Script:
    """Answer once, read another request, and leave."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(first)
        peer.request()
        leave(peer)

    return script


async def second_call(url: str, *, idempotent: bool = True) -> Call:
    """A call on a connection that has carried one already; settled."""
    async with pool_to(url) as pool:
        await get(pool)
        call = get(pool, idempotent=idempotent)
        await asyncio.wait([future(call)])
        return call


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
class TestAStaleConnection:
    def test_is_replaced_by_a_fresh_one(
        self, new_loop: NewLoop, leave: Callable[[Peer], object]
    ) -> None:
        with Upstream(then(first=ok(), leave=leave), answers(ok(b"2"))) as upstream:
            call = run(new_loop, second_call(upstream.url))
            assert (call.result().body, call.attempts) == (b"2", 2)
            assert len(upstream.requests) == 3

    def test_is_not_replaced_for_a_request_that_is_not_idempotent(
        self, new_loop: NewLoop, leave: Callable[[Peer], object]
    ) -> None:
        with Upstream(then(first=ok(), leave=leave), answers(ok(b"2"))) as upstream:
            call = run(new_loop, second_call(upstream.url, idempotent=False))
            assert call.attempts == 1
            assert (upstream.connections, len(upstream.requests)) == (1, 2)
        if leave is leaves_with_408:
            assert call.result().status == 408
        else:
            failure = call.exception()
            assert isinstance(failure, Failure)
            kinds = (FailureKind.CONNECTION_RESET, FailureKind.EMPTY_RESPONSE)
            assert failure.kind in kinds

    def test_is_replaced_once(self, new_loop: NewLoop, leave: Callable[[Peer], object]) -> None:
        def leave_again(peer: Peer) -> None:
            peer.request()
            leave(peer)

        with Upstream(then(first=ok(), leave=leave), leave_again, answers(ok())) as upstream:
            call = run(new_loop, second_call(upstream.url))
            assert call.attempts == 2
            assert (upstream.connections, len(upstream.requests)) == (2, 3)
        if leave is leaves_with_408:
            assert call.result().status == 408
        else:
            assert isinstance(call.exception(), Failure)

    def test_is_not_replaced_by_another_idle_one(
        self, new_loop: NewLoop, leave: Callable[[Peer], object]
    ) -> None:
        """All of them may be stale: the call would walk the pool."""
        together = threading.Barrier(3)

        def idles(peer: Peer) -> None:
            peer.request()
            together.wait(LONG_S)
            peer.send(ok())
            peer.request()
            leave(peer)

        async def calls(upstream: Upstream) -> int:
            async with pool_to(upstream.url) as pool:
                await asyncio.gather(*(get(pool) for _ in range(3)))
                await settle()
                assert len(pool._idle) == 3
                call = get(pool)
                assert (await call).body == b"fresh"
                return len(upstream.requests)

        with Upstream(idles, idles, idles, answers(ok(b"fresh"))) as upstream:
            assert run(new_loop, calls(upstream)) == 5


def test_a_replay_does_not_restart_the_deadline(new_loop: NewLoop) -> None:
    late = threading.Event()

    def leave(peer: Peer) -> None:
        peer.wait(late)
        peer.reset()

    async def calls(url: str) -> tuple[Failure, float, bool, int]:
        loop = asyncio.get_running_loop()
        in_time: asyncio.Future[bool] = loop.create_future()
        async with pool_to(url) as pool:
            await get(pool)
            loop.call_later(0.4, late.set)
            call = get(pool, 0.5)
            loop.call_later(0.8, lambda: in_time.set_result(call.done()))  # the loop keeps both
            failure, took_s = await timed(failure_of(call))
            return failure, took_s, await in_time, call.attempts

    with Upstream(then(first=ok(), leave=leave), stalls()) as upstream:
        failure, took_s, in_time, attempts = run(new_loop, calls(upstream.url))
        assert upstream.connections == 2
    assert (failure.kind, attempts) == (FailureKind.RESPONSE_TIMEOUT, 2)
    assert (took_s > 0.49, in_time) == (True, True)


def test_a_replay_that_nobody_listens_for_is_refused(new_loop: NewLoop) -> None:
    async def calls(upstream: Upstream) -> Failure:
        async with pool_to(upstream.url) as pool:
            await get(pool)
            call = get(pool)
            await in_thread(upstream.wait_for, requests=2)
            upstream.stop_listening()
            may_leave.set()
            return await failure_of(call)

    may_leave = threading.Event()
    with Upstream(then(first=ok(), leave=lambda peer: peer.wait(may_leave))) as upstream:
        assert run(new_loop, calls(upstream)).kind is FailureKind.CONNECTION_REFUSED


def test_an_answer_that_was_begun_is_not_asked_for_again(new_loop: NewLoop) -> None:
    def leave(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 2")
        peer.finish()
        peer.wait_until_gone()

    with Upstream(then(first=ok(), leave=leave), answers(ok())) as upstream:
        failure = run(new_loop, second_call(upstream.url)).exception()
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.RESPONSE_TRUNCATED
        assert upstream.connections == 1


@pytest.mark.parametrize("answer", [TIMED_OUT, TIMED_OUT_KEPT])
def test_408_on_a_fresh_connection_is_the_answer(new_loop: NewLoop, answer: bytes) -> None:
    async def call(url: str) -> tuple[int, int]:
        async with pool_to(url) as pool:
            call = get(pool)
            return (await call).status, call.attempts

    with Upstream(answers(answer)) as upstream:
        assert run(new_loop, call(upstream.url)) == (408, 1)


def test_408_on_a_reused_connection_is_replayed_even_if_the_server_keeps_it(
    new_loop: NewLoop,
) -> None:
    def says_408(peer: Peer) -> None:
        peer.send(TIMED_OUT_KEPT)
        peer.wait_until_gone()

    with Upstream(then(first=ok(), leave=says_408), answers(ok(b"2"))) as upstream:
        call = run(new_loop, second_call(upstream.url))
    assert (call.result().body, call.attempts) == (b"2", 2)


@pytest.mark.parametrize("end", [resets(), answers_once()])
def test_a_fresh_connection_that_fails_is_not_replaced(new_loop: NewLoop, end: Script) -> None:
    async def call(url: str) -> int:
        async with pool_to(url) as pool:
            call = get(pool)
            await failure_of(call)
            return call.attempts

    with Upstream(end, answers(ok())) as upstream:
        assert run(new_loop, call(upstream.url)) == 1
        assert upstream.connections == 1


LEFT_OVER = {
    "a second answer": ok(b"stolen"),
    "a part of one": ok(b"stolen")[:20],
    "one byte": b"H",
    "garbage": b"\x00\xffgarbage",
    "a NUL": b"\0",
    "an empty line": b"\r\n",
    "an LF": b"\n",
    "an empty line and an answer": b"\r\n" + ok(b"stolen"),
    "an interim answer": head(b"HTTP/1.1 100 Continue"),
}
FIRST = {
    "a length": ok(b"first"),
    "chunks": head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + b"5\r\nfirst\r\n0\r\n\r\n",
    "no body": head(b"HTTP/1.1 204 No Content"),
    "over 16 KiB": ok(b"x" * 20_000),
    "a newline at the end": ok(b"first\n"),
}


@pytest.mark.parametrize("left_over", LEFT_OVER.values(), ids=LEFT_OVER)
@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_what_follows_an_answer_never_reaches_another_call(
    new_loop: NewLoop, first: bytes, left_over: bytes
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(first + left_over)
        peer.wait_until_gone()

    async def calls(upstream: Upstream) -> bytes:
        async with pool_to(upstream.url) as pool:
            await get(pool)
            await in_thread(upstream.wait_for, over=1)
            return (await get(pool)).body

    with Upstream(script, answers(ok(b"second"))) as upstream:
        assert run(new_loop, calls(upstream)) == b"second"
        assert upstream.connections == 2


@pytest.mark.parametrize("unasked", LEFT_OVER.values(), ids=LEFT_OVER)
def test_what_comes_while_nothing_was_asked_ends_the_connection(
    new_loop: NewLoop, unasked: bytes
) -> None:
    answered = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok(b"first"))
        peer.wait(answered)
        peer.send(unasked)
        peer.wait_until_gone()

    async def calls(upstream: Upstream) -> bytes:
        async with pool_to(upstream.url) as pool:
            await get(pool)
            answered.set()
            await in_thread(upstream.wait_for, over=1)
            return (await get(pool)).body

    with Upstream(script, answers(ok(b"second"))) as upstream:
        assert run(new_loop, calls(upstream)) == b"second"
        assert upstream.connections == 2


def test_what_follows_an_answer_does_not_reach_a_call_that_waits_for_the_connection(
    new_loop: NewLoop,
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok(b"first") + ok(b"stolen"))
        peer.wait_until_gone()

    async def calls(url: str) -> list[bytes]:
        async with pool_to(url, most=1) as pool:
            return [reply.body for reply in await asyncio.gather(get(pool), get(pool))]

    with Upstream(script, answers(ok(b"second"))) as upstream:
        assert run(new_loop, calls(upstream.url)) == [b"first", b"second"]


def test_the_connection_that_was_used_last_is_used_first(new_loop: NewLoop) -> None:
    """So that those which a smaller load does not need grow old, and are closed."""

    def script(peer: Peer) -> None:
        while True:
            peer.request()
            if peer.number == 1:
                peer.wait(first_answered)
            peer.send(ok(b"%d" % peer.number))

    async def calls(pool: Pool) -> list[bytes]:
        first, second = get(pool), get(pool)
        await first
        first_answered.set()
        await second
        return [(await get(pool)).body for _ in range(3)]

    async def main(url: str) -> list[bytes]:
        async with pool_to(url) as pool:
            return await calls(pool)

    first_answered = threading.Event()
    with Upstream(script) as upstream:
        assert run(new_loop, main(upstream.url)) == [b"1"] * 3


def test_an_old_idle_connection_is_closed_when_another_is_given_back(new_loop: NewLoop) -> None:
    together = threading.Barrier(2)

    def script(peer: Peer) -> None:
        peer.request()
        together.wait(LONG_S)
        peer.send(ok())
        while True:
            try:
                peer.request()
            except Gone:
                return
            peer.send(ok())

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            await asyncio.gather(get(pool), get(pool))
            await settle()
            oldest = pool._idle[0]
            pool._look()
            pool._look()
            await pool.call(GET, timeout_s=LONG_S, idempotent=True)
            assert len(pool._idle) == 2
            pool._look()
            await in_thread(upstream.wait_for, over=1)
            assert list(pool._open) == pool._idle != [oldest]

    with Upstream(script) as upstream:
        run(new_loop, calls(upstream))


def test_a_host_that_vanished_costs_two_calls_however_many_connections_were_idle(
    new_loop: NewLoop,
) -> None:
    count = 8
    together = threading.Barrier(count)

    def vanishes(peer: Peer) -> None:
        peer.request()
        together.wait(LONG_S)
        peer.send(ok())
        peer.wait_until_gone()

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            await asyncio.gather(*(future(get(pool)) for _ in range(count)))
            for _ in range(2):
                failure = await failure_of(get(pool, timeout_s=0.1))
                assert failure.kind is FailureKind.RESPONSE_TIMEOUT
            await get(pool)
            await in_thread(upstream.wait_for, over=count)

    with Upstream(*[vanishes] * count, answers(ok())) as upstream:
        run(new_loop, calls(upstream))


def test_a_connection_that_has_been_of_use_since_a_timeout_is_kept(new_loop: NewLoop) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"

    def script(peer: Peer) -> None:
        while b"/slow" not in peer.request():
            peer.send(ok())
        peer.wait_until_gone()

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            for _ in range(3):
                of_use = get(pool)
                waiting = pool.call(slow, timeout_s=0.1, idempotent=True)
                await of_use
                await failure_of(waiting)
            await get(pool)
            assert upstream.connections == 1 + 3

    with Upstream(script) as upstream:
        run(new_loop, calls(upstream))
