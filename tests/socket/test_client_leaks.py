"""A thousand failures in a row leave everything where it was; nothing but failures comes out."""

import asyncio
import gc
import threading

import pytest

from faultwire.failures import FailureKind
from faultwire.http.client import ClientConnection
from faultwire.http.pool import Pool
from tests.ports import unused_port
from tests.socket.calling import descriptors_before, failure_of, get, pool_to, run, settle, until
from tests.socket.serving import NewLoop, descriptors
from tests.socket.upstreams import (
    FullBacklog,
    Script,
    Upstream,
    answers,
    head,
    ok,
    resets,
    stalls,
)

TOGETHER = 50


async def fail(pool: Pool, calls: int, timeout_s: float, *kinds: FailureKind) -> None:
    for _ in range(calls // TOGETHER):
        failing = (failure_of(get(pool, timeout_s)) for _ in range(TOGETHER))
        assert {failure.kind for failure in await asyncio.gather(*failing)} <= set(kinds)


async def rest(pool: Pool) -> None:
    """Wait until nothing is under way any more."""
    await until(lambda: not pool._open and not pool._dropped)
    await settle()
    gc.collect()


async def assert_nothing_is_left(url: str, timeout_s: float, *kinds: FailureKind) -> None:
    async with pool_to(url) as pool:
        await fail(pool, 2 * TOGETHER, timeout_s, *kinds)
        await rest(pool)
        files, tasks, objects = await descriptors_before(), asyncio.all_tasks(), count_objects()
        await fail(pool, 1000, timeout_s, *kinds)
        await rest(pool)
        await until(lambda: descriptors() <= files)
        assert asyncio.all_tasks() == tasks
        assert not any((pool._waiting, pool._replaying, pool._idle, pool._dials))
        assert not any(pool.deadlines._buckets.values())
        assert count_objects() - objects < 100, "a tenth of an object a call would be a leak"


def count_objects() -> int:
    """Those that may be ours, not those that a script's thread has."""
    modules = (str(type(o).__module__) for o in gc.get_objects())
    return sum(module.startswith(("faultwire", "asyncio", "_asyncio")) for module in modules)


@pytest.mark.no_cover
def test_1000_timeouts_leave_nothing(new_loop: NewLoop) -> None:
    with Upstream(stalls()) as upstream:
        kinds = FailureKind.RESPONSE_TIMEOUT, FailureKind.CONNECT_TIMEOUT
        run(new_loop, assert_nothing_is_left(upstream.url, 0.05, *kinds))


@pytest.mark.no_cover
def test_1000_handshakes_that_never_end_leave_nothing(new_loop: NewLoop) -> None:
    with FullBacklog() as full:
        run(new_loop, assert_nothing_is_left(full.url, 0.02, FailureKind.CONNECT_TIMEOUT))


@pytest.mark.no_cover
def test_1000_refusals_leave_nothing(new_loop: NewLoop) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    run(new_loop, assert_nothing_is_left(url, 10, FailureKind.CONNECTION_REFUSED))


BROKEN = {
    "reset": (resets(), FailureKind.CONNECTION_RESET),
    "too large": (
        answers(head(b"HTTP/1.1 200 OK", b"Content-Length: 9999999")),
        FailureKind.RESPONSE_TOO_LARGE,
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize(("script", "kind"), BROKEN.values(), ids=BROKEN)
def test_1000_broken_answers_leave_nothing(
    new_loop: NewLoop, script: Script, kind: FailureKind
) -> None:
    with Upstream(script) as upstream:
        run(new_loop, assert_nothing_is_left(upstream.url, 10, kind))


@pytest.mark.no_cover
def test_1000_cancelled_calls_leave_nothing(new_loop: NewLoop) -> None:
    async def main(url: str) -> None:
        async with pool_to(url) as pool:
            files = await descriptors_before()
            for rounds in range(20):
                calls = [get(pool) for _ in range(TOGETHER)]
                for _ in range(rounds):
                    await asyncio.sleep(0)
                for call in calls:
                    call.cancel()
            await until(lambda: not pool._open and not pool._dropped)
            assert not any((pool._waiting, pool._replaying, pool._idle, pool._dials))
            await until(lambda: descriptors() <= files)

    with Upstream(stalls()) as upstream:
        run(new_loop, main(upstream.url))


def test_a_pool_that_rests_has_no_timer(new_loop: NewLoop) -> None:
    async def main(url: str) -> None:
        async with pool_to(url) as pool:
            await asyncio.gather(*(get(pool, 1.0) for _ in range(20)))
            await until(lambda: pool.deadlines._timer is None)
            assert pool._idle

    with Upstream(answers(ok())) as upstream:
        run(new_loop, main(upstream.url))


def test_a_connection_that_is_gone_is_freed_without_the_collector(new_loop: NewLoop) -> None:
    """Its parser refers back to it: that ring is broken."""

    async def main(url: str) -> None:
        async with pool_to(url) as pool:
            gc.collect()
            gc.disable()
            try:
                await fail(pool, 2 * TOGETHER, 10, FailureKind.CONNECTION_RESET)
                await until(lambda: not pool._open)
                await settle()
                left = [o for o in gc.get_objects() if isinstance(o, ClientConnection)]
                assert left == []
            finally:
                gc.enable()

    with Upstream(resets()) as upstream:
        run(new_loop, main(upstream.url))


# Whatever a transport or the loop may raise is a failure.


class OddTransport(asyncio.Transport):
    """Raises what it is told to, as transports of several loops and systems may."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, data: object) -> None:
        del data
        raise self._error

    def abort(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False


ODD = [
    RuntimeError("unable to perform operation; the handler is closed"),
    OSError("an error without a number"),
    BrokenPipeError(32, "Broken pipe"),
    ConnectionAbortedError(103, "Software caused connection abort"),
    TimeoutError(110, "Connection timed out"),
    RuntimeError(),
    ValueError("a defect"),
]


@pytest.mark.parametrize("error", ODD, ids=repr)
def test_what_a_connection_is_lost_by_is_a_failure(new_loop: NewLoop, error: Exception) -> None:
    async def main(url: str) -> None:
        async with pool_to(url) as pool:
            call = get(pool)
            await until(lambda: bool(pool._open))
            (connection,) = pool._open
            transport = connection.transport
            connection.connection_lost(error)
            failure = await failure_of(call)
            assert failure.kind is FailureKind.CONNECTION_RESET
            assert failure.detail.isprintable()
            transport.set_protocol(asyncio.Protocol())
            transport.abort()

    with Upstream(stalls()) as upstream:
        run(new_loop, main(upstream.url))


@pytest.mark.parametrize("error", ODD[:-1], ids=repr)
def test_what_writing_raises_is_a_failure_too(new_loop: NewLoop, error: Exception) -> None:
    async def main() -> None:
        async with pool_to("http://127.0.0.1:9") as pool:
            connection = ClientConnection(pool, "there")
            connection.connection_made(OddTransport(error))
            pool.freed(connection)
            failure = await failure_of(get(pool))
            assert failure.kind is FailureKind.CONNECTION_RESET

    run(new_loop, main())


@pytest.mark.parametrize(
    "error", [RuntimeError("uvloop"), ValueError("a defect"), IndexError(), MemoryError()]
)
def test_what_opening_a_connection_raises_is_a_failure(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def main(url: str) -> None:
        async def cannot(*_: object, **__: object) -> None:
            raise error

        async with pool_to(url) as pool:
            monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", cannot)
            failures = await asyncio.gather(*(failure_of(get(pool)) for _ in range(3)))
            assert {failure.kind for failure in failures} == {FailureKind.CONNECTION_REFUSED}

    defects = 0 if type(error) is RuntimeError else 3
    run(asyncio.new_event_loop, main("http://127.0.0.1:9"), problems=defects)
    del new_loop


def test_a_defect_in_reading_is_told_to_the_loop_and_is_a_failure(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(_: object) -> None:
        raise ZeroDivisionError

    async def main(url: str) -> None:
        async with pool_to(url) as pool:
            failure = await failure_of(get(pool))
            assert failure.kind is FailureKind.CONNECTION_RESET

    monkeypatch.setattr(ClientConnection, "on_message_complete", defect)
    with Upstream(answers(ok())) as upstream:
        run(new_loop, main(upstream.url), problems=1)


def test_no_thread_is_left_behind(new_loop: NewLoop) -> None:
    async def main() -> None:
        async with pool_to("http://a..b:1") as pool:
            for _ in range(20):
                assert (await failure_of(get(pool))).kind is FailureKind.DNS_ERROR
        await until(lambda: threading.active_count() <= before)

    before = threading.active_count()
    run(new_loop, main())
