"""Names, several addresses, IPv6, and the resolver's failures."""

import asyncio
import errno
import resource
import socket
import threading
from collections.abc import Iterator
from time import perf_counter
from typing import cast

import pytest
from aiohappyeyeballs import AddrInfoType

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http import address
from faultwire.http.address import Origin, connect
from tests.ports import unused_port
from tests.socket.calling import (
    descriptors_before,
    failure_from,
    failure_of,
    get,
    pool_to,
    reply_from,
    run,
    settle,
    timed,
    until,
)
from tests.socket.serving import NewLoop, descriptors
from tests.socket.upstreams import FullBacklog, Upstream, answers, ok


def has_ipv6() -> bool:
    try:
        unused_port("::1")
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
TCP = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")


def v4(port: int) -> AddrInfoType:
    return socket.AF_INET, *TCP, ("127.0.0.1", port)


def v6(port: int) -> AddrInfoType:
    return socket.AF_INET6, *TCP, ("::1", port, 0, 0)


def test_a_host_name_is_resolved(new_loop: NewLoop) -> None:
    with Upstream(answers(ok())) as upstream:
        assert run(new_loop, reply_from(f"http://localhost:{upstream.port}")).status == 200


@needs_ipv6
def test_an_ipv6_address_is_called(new_loop: NewLoop) -> None:
    with Upstream(answers(ok()), host="::1") as upstream:
        assert run(new_loop, reply_from(upstream.url)).status == 200


@needs_ipv6
def test_an_ipv6_address_that_refuses_says_so(new_loop: NewLoop) -> None:
    port = unused_port("::1")
    failure = run(new_loop, failure_from(f"http://[::1]:{port}"))
    assert failure.kind is FailureKind.CONNECTION_REFUSED
    assert failure.detail == f"[Errno {errno.ECONNREFUSED}] Connection refused: [::1]:{port}"


@needs_ipv6
@pytest.mark.parametrize("first", ["::1", "127.0.0.1"])
@pytest.mark.parametrize("listening", ["::1", "127.0.0.1"])
def test_a_name_with_two_addresses_is_called_at_the_one_that_listens(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch, first: str, listening: str
) -> None:
    """As `localhost` is, with a service that listens on one of ::1 and 127.0.0.1 only."""

    def both(origin: Origin) -> list[AddrInfoType]:
        found = [v6(origin.port), v4(origin.port)]
        return found if first == "::1" else found[::-1]

    monkeypatch.setattr(address, "_getaddrinfo", both)
    with Upstream(answers(ok()), host=listening) as upstream:
        reply, took_s = run(new_loop, timed(reply_from(f"http://localhost:{upstream.port}")))
    assert reply.status == 200
    assert took_s < 1


@needs_ipv6
def test_two_addresses_that_refuse_are_one_refusal(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "_getaddrinfo", lambda origin: [v6(origin.port), v4(origin.port)])
    port = unused_port()
    failure, took_s = run(new_loop, timed(failure_from(f"http://localhost:{port}")))
    assert (failure.kind, failure.phase) == (FailureKind.CONNECTION_REFUSED, Phase.CONNECT)
    assert failure.detail.endswith(f": localhost:{port}")
    assert took_s < 0.5


class Held(asyncio.Protocol):
    """Does nothing but know its transport."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)


def test_an_address_that_does_not_answer_gives_way_to_the_next(new_loop: NewLoop) -> None:
    async def main(silent: int, listening: int) -> float:
        started = perf_counter()
        protocol = await connect([v4(silent), v4(listening)], Origin("two", listening), Held)
        took_s = perf_counter() - started
        protocol.transport.abort()
        return took_s

    with FullBacklog() as full, Upstream(answers(ok())) as upstream:
        took_s = run(new_loop, main(full.port, upstream.port))
    assert 0.2 < took_s < 1, "RFC 8305 section 5: a quarter of a second"


def test_racing_several_addresses_leaves_no_socket_whenever_it_is_cancelled(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled_after(rounds: int, url: str) -> None:
        async with pool_to(url) as pool:
            call = get(pool)
            for _ in range(rounds):
                await asyncio.sleep(0)
            if not call.cancel():
                await call
            await settle()

    async def main(url: str) -> None:
        before = await descriptors_before()
        for rounds in range(40):
            await cancelled_after(rounds, url)
            await until(lambda: descriptors() == before)

    monkeypatch.setattr(
        address, "_getaddrinfo", lambda origin: [v4(origin.port), v4(origin.port), v4(origin.port)]
    )
    with Upstream(answers(ok())) as upstream:
        run(new_loop, main(f"http://localhost:{upstream.port}"))


# The resolver.


def test_a_name_that_does_not_exist_is_a_dns_error(new_loop: NewLoop) -> None:
    """RFC 6761 section 6.4: no resolver knows a name in .invalid."""
    failure = run(new_loop, failure_from("http://nobody.invalid:8080", timeout_s=2))
    assert (failure.kind, failure.phase) == (FailureKind.DNS_ERROR, Phase.CONNECT)
    assert "nobody.invalid:8080" in failure.detail


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..b"])
def test_so_is_one_that_cannot_exist(new_loop: NewLoop, host: str) -> None:
    failure = run(new_loop, failure_from(f"http://{host}:8080", timeout_s=2))
    assert (failure.kind, failure.phase) == (FailureKind.DNS_ERROR, Phase.CONNECT)


class HangingResolver:
    """A resolver that answers when it is told to, and counts who asks."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked = 0

    def __call__(self, origin: Origin) -> list[AddrInfoType]:
        self.asked += 1
        assert self.may_answer.wait(10)
        return [v4(origin.port)]


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingResolver]:
    hanging = HangingResolver()
    monkeypatch.setattr(address, "_getaddrinfo", hanging)
    yield hanging
    hanging.may_answer.set()


def test_a_resolver_that_hangs_is_a_dns_error_at_the_deadline(
    new_loop: NewLoop, hanging: HangingResolver
) -> None:
    async def calls() -> list[Failure]:
        async with pool_to("http://slow:8080") as pool:
            return await asyncio.gather(*(failure_of(get(pool, 0.1)) for _ in range(20)))

    failures, took_s = run(new_loop, timed(calls()))
    assert 0.09 < took_s < 1
    for failure in failures:
        assert (failure.kind, failure.phase) == (FailureKind.DNS_ERROR, Phase.CONNECT)
        assert failure.detail == "slow:8080 did not resolve in time"
    assert hanging.asked == 1, "one lookup at a time, however many ask"


def test_one_lookup_serves_all_who_wait_for_it(new_loop: NewLoop, hanging: HangingResolver) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url) as pool:
            await failure_of(get(pool, 0.05))
            waiting = [get(pool) for _ in range(5)]
            await settle()
            hanging.may_answer.set()
            assert {reply.status for reply in await asyncio.gather(*waiting)} == {200}

    with Upstream(answers(ok())) as upstream:
        run(new_loop, calls(f"http://slow:{upstream.port}"))
    assert hanging.asked == 1


def test_a_resolver_that_answers_after_the_end_harms_nobody(
    new_loop: NewLoop, hanging: HangingResolver
) -> None:
    run(new_loop, failure_from("http://slow:8080", timeout_s=0.05))
    threads = [thread for thread in threading.enumerate() if thread.name == "faultwire-resolver"]
    assert threads
    hanging.may_answer.set()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_resolver_without_a_thread_is_an_overload(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    failure = run(new_loop, failure_from("http://localhost:8080"))
    assert failure.kind is FailureKind.OVERLOADED


# What the process itself lacks.


def test_without_a_descriptor_left_a_call_is_an_overload_and_the_next_one_well(
    new_loop: NewLoop,
) -> None:
    async def calls(url: str) -> Failure:
        await descriptors_before()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        async with pool_to(url) as pool:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free_descriptor(), hard))
            try:
                failure = await failure_of(get(pool))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert (await get(pool)).status == 200
            return failure

    with Upstream(answers(ok())) as upstream:
        failure = run(new_loop, calls(upstream.url))
    assert (failure.kind, failure.phase) == (FailureKind.OVERLOADED, Phase.CONNECT)
    assert failure.detail.startswith(f"[Errno {errno.EMFILE}] Too many open files: 127.0.0.1:")


def lowest_free_descriptor() -> int:
    with socket.socket() as sock:
        return sock.fileno()
