"""Who gets which connection, within the bound, whatever happens to connections and to callers."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http import dial
from faultwire.http.address import connect, parse_origin
from faultwire.http.call import Call
from faultwire.http.pool import Pool
from tests.ports import unused_port
from tests.socket.calling import (
    LONG_S,
    descriptors_before,
    failure_of,
    get,
    in_thread,
    pool_to,
    run,
    settle,
    until,
)
from tests.socket.serving import NewLoop, descriptors
from tests.socket.upstreams import (
    PATIENCE_S,
    FullBacklog,
    Gone,
    Peer,
    Upstream,
    answers,
    ok,
    resets,
    stalls,
)


class Counting:
    """A script that answers everything and counts how many connections live at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def __call__(self, peer: Peer) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            answers(ok())(peer)
        finally:
            with self._lock:
                self._now -= 1


def test_there_are_never_more_connections_than_the_bound(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url, most=3) as pool:
            for _ in range(10):
                replies = await asyncio.gather(*(get(pool) for _ in range(20)))
                assert {reply.status for reply in replies} == {200}

    counting = Counting()
    with Upstream(counting) as upstream:
        run(new_loop, calls(upstream.url))
        assert counting.most == 3
        assert len(upstream.requests) == 200


def test_calls_that_wait_for_a_connection_are_served_in_order(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url, most=1) as pool:
            requests = [b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(8)]
            waiting = [pool.call(r, timeout_s=LONG_S, idempotent=True) for r in requests]
            await asyncio.gather(*waiting)

    with Upstream(answers(ok())) as upstream:
        run(new_loop, calls(upstream.url))
        assert upstream.connections == 1
        assert upstream.requests == [b"GET /%d HTTP/1.1" % n for n in range(8)]


def test_a_call_beyond_the_bound_says_that_all_were_busy(new_loop: NewLoop) -> None:
    may_answer = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.wait(may_answer)
        peer.send(ok())
        peer.wait_until_gone()

    async def calls(upstream: Upstream) -> Failure:
        async with pool_to(upstream.url, most=1) as pool:
            first = get(pool)
            await in_thread(upstream.wait_for, requests=1)
            failure = await failure_of(get(pool, 0.05))
            may_answer.set()
            assert (await first).status == 200
            assert not pool._waiting
            return failure

    with Upstream(script) as upstream:
        failure = run(new_loop, calls(upstream))
        assert upstream.connections == len(upstream.requests) == 1
    assert (failure.kind, failure.phase) == (FailureKind.DEADLINE_EXCEEDED, None)
    assert failure.detail.startswith("all 1 connections to 127.0.0.1:")


@pytest.mark.parametrize("how", ["reset", "deadline", "cancel"])
def test_a_call_that_waits_is_served_when_a_connection_dies(new_loop: NewLoop, how: str) -> None:
    async def calls(url: str) -> bytes:
        async with pool_to(url, most=1) as pool:
            first, second = get(pool, 0.1 if how == "deadline" else LONG_S), get(pool)
            await until(lambda: bool(pool._open))
            if how == "cancel":
                first.cancel()
            else:
                await failure_of(first)
            return (await second).body

    with Upstream(resets() if how == "reset" else stalls(), answers(ok(b"second"))) as upstream:
        assert run(new_loop, calls(upstream.url)) == b"second"


def test_each_call_that_waits_is_told_when_nobody_listens(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url, most=2) as pool:
            failures = await asyncio.gather(*(failure_of(get(pool)) for _ in range(50)))
            assert {f.kind for f in failures} == {FailureKind.CONNECTION_REFUSED}
            assert len(set(map(id, failures))) == 50, "each its own"

    run(new_loop, calls(f"http://127.0.0.1:{unused_port()}"))


def test_an_upstream_that_comes_back_is_called_at_once(new_loop: NewLoop) -> None:
    async def calls(port: int) -> None:
        async with pool_to(f"http://127.0.0.1:{port}") as pool:
            failure = await failure_of(get(pool))
            assert failure.kind is FailureKind.CONNECTION_REFUSED
            with socket.create_server(("127.0.0.1", port)) as listening:
                call = get(pool)
                await settle()
                sock, _ = await in_thread(listening.accept)
                with sock:
                    sock.sendall(ok())
                    assert (await call).status == 200

    run(new_loop, calls(unused_port()))


# Dials.


def test_dials_end_with_the_calls_that_wanted_them(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url) as pool:
            before = await descriptors_before()
            await asyncio.gather(*(failure_of(get(pool, 0.05)) for _ in range(20)))
            await settle()
            assert (len(pool._dials), len(pool._dropped), descriptors()) == (0, 0, before)

    with FullBacklog() as full:
        run(new_loop, calls(full.url))


def test_dials_end_when_their_calls_are_cancelled(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url) as pool:
            before = await descriptors_before()
            waiting = [get(pool) for _ in range(20)]
            await until(lambda: descriptors() == before + 20)
            for call in waiting[5:]:
                call.cancel()
            assert len(pool._dials) == 5
            await until(lambda: descriptors() == before + 5)
            for call in waiting:
                call.cancel()
            await until(lambda: descriptors() == before)
            assert not pool._dials
            assert not pool._dropped

    with FullBacklog() as full:
        run(new_loop, calls(full.url))


def test_dials_stay_within_the_bound(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url, most=4) as pool:
            waiting = [get(pool) for _ in range(20)]
            assert len(pool._dials) == 4
            for call in waiting[:17]:
                call.cancel()
            assert len(pool._dials) == 3
            pool.close()

    with FullBacklog() as full:
        run(new_loop, calls(full.url))


def accepted(listening: socket.socket) -> socket.socket:
    """The next connection, its request read."""
    sock, _ = listening.accept()
    sock.settimeout(PATIENCE_S)
    while b"\r\n\r\n" not in sock.recv(65536):
        pass
    return sock


def test_a_dial_does_not_outlive_the_deadline_of_a_call_that_was_served_otherwise(
    new_loop: NewLoop,
) -> None:
    async def calls(full: FullBacklog) -> None:
        async with pool_to(full.url) as pool:
            first = get(pool)
            upstream = await asyncio.to_thread(accepted, full.listening)
            await in_thread(full.fill)
            second = get(pool, 0.2)
            upstream.sendall(ok(b"first"))
            assert (await first).body == b"first"
            upstream.sendall(ok(b"second"))
            assert (await second).body == b"second"
            assert len(pool._dials) == 1, "it may still be of use"
            await until(lambda: not pool._dials and not pool._dropped)
            upstream.close()

    with FullBacklog(filled=False) as full:
        run(new_loop, calls(full))


def test_a_handshake_that_was_swallowed_is_begun_anew_for_the_next_call(new_loop: NewLoop) -> None:
    """The kernel itself would repeat it after 1, 3, 7, … seconds."""

    async def calls(full: FullBacklog) -> None:
        async with pool_to(full.url, most=1) as pool:
            first, second = get(pool, 0.1), get(pool, 0.9)
            await settle()
            await in_thread(full.empty)
            assert (await failure_of(first)).kind is FailureKind.CONNECT_TIMEOUT
            upstream = await asyncio.to_thread(accepted, full.listening)
            upstream.sendall(ok(b"second"))
            assert (await second).body == b"second"
            upstream.close()

    with FullBacklog() as full:
        run(new_loop, calls(full))


def cancelled(call: Call) -> None:
    call.cancel()


def expired(call: Call) -> None:
    call.expire()


async def at_every_moment(
    calls: Callable[[int, str], Coroutine[None, None, None]], url: str
) -> None:
    """What the calls do 0, 1, 2, … rounds of the event loop after they began leaves nothing."""
    before = await descriptors_before()
    for rounds in range(20):
        await calls(rounds, url)
        await until(lambda: descriptors() == before)


@pytest.mark.parametrize("ended", [cancelled, expired])
@pytest.mark.parametrize("most", [1, 2])
def test_a_dial_that_ends_while_its_call_does_harms_no_other(
    new_loop: NewLoop, most: int, ended: Callable[[Call], None]
) -> None:
    async def calls(rounds: int, url: str) -> None:
        async with pool_to(url, most=most) as pool:
            first, second = get(pool), get(pool)
            for _ in range(rounds):
                await asyncio.sleep(0)
            if not first.done():
                ended(first)
            assert (await second).status == 200
            assert (await get(pool)).status == 200
            await settle()
            assert len(pool._open) == len(pool._idle) <= most
            assert not pool._dropped

    with Upstream(answers(ok())) as upstream:
        run(new_loop, at_every_moment(calls, upstream.url))


@pytest.mark.parametrize("ended", [cancelled, expired])
def test_a_dial_that_nobody_waits_for_leaves_nothing(
    new_loop: NewLoop, ended: Callable[[Call], None]
) -> None:
    async def calls(rounds: int, url: str) -> None:
        async with pool_to(url) as pool:
            call = get(pool)
            for _ in range(rounds):
                await asyncio.sleep(0)
            if not call.done():
                ended(call)
                await until(lambda: not pool._open)
            await settle()
            assert not pool._dials
            assert not pool._dropped

    with Upstream(answers(ok())) as upstream:
        run(new_loop, at_every_moment(calls, upstream.url))


# The end.


def test_closing_a_pool_cancels_what_is_not_settled(new_loop: NewLoop) -> None:
    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url, most=2) as pool:
            done = get(pool)
            await done
            in_flight, dialling, waiting = get(pool), get(pool), get(pool)
            await in_thread(upstream.wait_for, requests=2)
            pool.close()
            late = get(pool)
            for call in (in_flight, dialling, waiting, late):
                assert call.cancelled()
                with pytest.raises(asyncio.CancelledError):
                    await call
            assert (await done).status == 200
            pool.close()
            await until(lambda: not pool._open)
            await in_thread(upstream.wait_for, over=upstream.connections)

    def script(peer: Peer) -> None:
        if peer.number == 0:
            peer.request()
            peer.send(ok())
            peer.request()
        peer.wait_until_gone()

    with Upstream(script) as upstream:
        run(new_loop, calls(upstream))


def test_the_end_of_a_program_ends_its_calls(new_loop: NewLoop) -> None:
    """`asyncio.run` cancels all tasks, dials among them, in no particular order."""
    ended: list[str] = []

    async def caller(pool: Pool) -> None:
        try:
            await get(pool)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    async def main(url: str) -> list[asyncio.Task[None]]:
        async with asyncio.timeout(PATIENCE_S):
            pool = Pool(parse_origin(url), most=2)
            tasks = [asyncio.create_task(caller(pool)) for _ in range(4)]
            await settle()
            return tasks

    with FullBacklog() as full, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(full.url))
    assert ended == ["CancelledError"] * 4


def test_calls_end_with_the_tasks_that_dial_for_them(new_loop: NewLoop) -> None:
    """Else each would have another begun, which nobody ends."""

    async def calls(url: str) -> None:
        async with pool_to(url, most=2) as pool:
            waiting = [get(pool) for _ in range(5)]
            await settle()
            dials = [dial._task for dial in pool._dials]
            assert len(dials) == 2
            for task in dials:
                task.cancel()
            await settle()
            assert all(call.cancelled() for call in waiting)
            assert not pool._dials

    with FullBacklog() as full:
        run(new_loop, calls(full.url))


def test_closing_a_pool_ends_dials_that_nobody_waits_for(new_loop: NewLoop) -> None:
    async def calls(full: FullBacklog) -> None:
        async with pool_to(full.url) as pool:
            first = get(pool)
            upstream = await asyncio.to_thread(accepted, full.listening)
            await in_thread(full.fill)
            second = get(pool)
            for call in (first, second):
                upstream.sendall(ok())
                await call
            assert len(pool._dials) == 1
            pool.close()
            await settle()
            assert not pool._dropped
            upstream.close()

    with FullBacklog(filled=False) as full:
        run(new_loop, calls(full))


def test_a_connection_that_comes_to_stand_although_its_dial_was_cancelled_is_closed(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dial awaits may swallow its cancellation, as aiohappyeyeballs does at times."""

    async def stubborn(*args: Any) -> object:
        connecting = asyncio.ensure_future(connect(*args))
        with suppress(asyncio.CancelledError):
            await asyncio.shield(connecting)
        return await connecting

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            call = get(pool)
            await asyncio.sleep(0)
            call.cancel()
            assert len(pool._dropped) == 1
            await until(lambda: not pool._dropped)
            assert not pool._open
            await in_thread(upstream.wait_for, over=1)

    monkeypatch.setattr(dial, "connect", stubborn)
    with Upstream(answers(ok())) as upstream:
        run(new_loop, calls(upstream))


# Whoever awaits a call may leave.


@pytest.mark.parametrize("when", ["dialling", "waiting", "in flight", "in the answer"])
def test_cancelling_whoever_awaits_a_call_aborts_its_connection(
    new_loop: NewLoop, when: str
) -> None:
    begun = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        if when == "in the answer":
            peer.send(b"HTTP/1.1 200 OK\r\n")
        begun.set()
        with pytest.raises(Gone):
            peer.request()

    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url, most=1) as pool:
            other = get(pool) if when == "waiting" else None
            task = asyncio.create_task(failure_of(get(pool)))
            await asyncio.sleep(0)
            if when != "dialling":
                await asyncio.to_thread(begun.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not pool._waiting
            assert not pool._dials
            if other is not None:
                assert len(pool._open) == 1, "another call's connection is let alone"
                other.cancel()
            await until(lambda: not pool._open)
            await in_thread(upstream.wait_for, over=upstream.connections)

    with Upstream(script) as upstream:
        run(new_loop, calls(upstream))


def test_a_call_that_is_not_awaited_ends_all_the_same(new_loop: NewLoop) -> None:
    async def calls(upstream: Upstream) -> None:
        async with pool_to(upstream.url) as pool:
            get(pool, 0.05)
            await in_thread(upstream.wait_for, over=1)

    with Upstream(stalls()) as upstream:
        run(new_loop, calls(upstream))


def test_what_a_callback_raises_does_not_reach_the_connection(new_loop: NewLoop) -> None:
    """It has been given to another call by then."""

    def fail(_: Call) -> None:
        raise RuntimeError("a defect")

    async def calls(url: str) -> None:
        async with pool_to(url, most=1) as pool:
            first, second = get(pool), get(pool)
            first.add_done_callback(fail)
            assert (await second).status == 200

    with Upstream(answers(ok())) as upstream:
        run(new_loop, calls(upstream.url), problems=1)
        assert upstream.connections == 1


def test_phase_connect_is_named_when_no_connection_came(new_loop: NewLoop) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url, most=2) as pool:
            failures = await asyncio.gather(*(failure_of(get(pool, 0.05)) for _ in range(5)))
            kinds = {(f.kind, f.phase) for f in failures}
            assert kinds == {(FailureKind.CONNECT_TIMEOUT, Phase.CONNECT)}

    with FullBacklog() as full:
        run(new_loop, calls(full.url))
