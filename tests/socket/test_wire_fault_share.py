"""A configured 30 % is 30 %, for every kind of fault, with 64 connections at once."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from faultwire.wire.faults import CATALOGUE, Place
from faultwire.wire.ledger import Query
from faultwire.wire.plan.breaks import read_break
from faultwire.wire.proxy import Wire
from faultwire.wire.upstream import Upstream
from tests.socket.broken import OK
from tests.socket.calling import run
from tests.socket.conftest import LOOPS
from tests.socket.wires import GET

pytestmark = pytest.mark.no_cover

CONNECTIONS = 64
EACH = 30
SURE_999 = 3.2905  # two-sided, in standard deviations
QUICK: dict[str, dict[str, Any]] = {
    "slow_accept": {"delay_ms": 1},
    "latency": {"delay_ms": 1},
    "hang": {"for_ms": 1},
    "slow_headers": {"bytes_per_step": 1000, "interval_ms": 1},
    "slow_body": {"bytes_per_step": 1000, "interval_ms": 1},
    "bandwidth": {"bytes_per_s": 1 << 30},
    "endless_body": {"most_bytes": 10, "interval_ms": 1},
    "slow_close": {"delay_ms": 1},
    "huge_headers": {"size_bytes": 1024},
    "huge_body": {"size_bytes": 1000},
    "compression_bomb": {"size_bytes": 1000},
}
"""Attributes with which a fault costs little time."""
KINDS = [name for name, fault in CATALOGUE.items() if fault.PLACE is not Place.LISTENER]
FAST = LOOPS.get("uvloop", LOOPS["asyncio"])


class Echo(asyncio.Protocol):
    """An upstream that gives the same answer to everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(OK * data.count(b"\r\n\r\n"))


@asynccontextmanager
async def echoing() -> AsyncIterator[Wire]:
    """A wire to an upstream in the same event loop."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire(Upstream(f"http://127.0.0.1:{port}"))
    await wire.start()
    try:
        yield wire
    finally:
        await wire.close()
        server.close()


class Worker:
    """One caller, which connects anew whenever its connection is of no use any more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.hit = 0

    async def ask(self, count: int, *, anew: bool) -> None:
        """Send requests one after the other, and count those whose answer is not the good one."""
        for _ in range(count):
            if not await self._is_good():
                self.hit += 1
                self._leave()
            elif anew:
                self._leave()
        self._leave()

    async def _is_good(self) -> bool:
        try:
            if self._stream is None:
                self._stream = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._stream
            writer.write(GET)
            return await reader.readexactly(len(OK)) == OK
        except (ConnectionError, asyncio.IncompleteReadError):
            return False

    def _leave(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None


async def hit(wire: Wire, each: int, *, anew: bool = False, callers: int = CONNECTIONS) -> int:
    """How many requests of so many callers at once are not answered as without the wire."""
    workers = [Worker(wire.gate.port) for _ in range(callers)]
    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(worker.ask(each, anew=anew))
    return sum(worker.hit for worker in workers)


def is_binomial(injected: int, count: int, rate: float) -> bool:
    """Whether it lies in the 99.9 % interval."""
    return abs(injected - count * rate) <= SURE_999 * math.sqrt(count * rate * (1 - rate)) + 0.5


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3, 0.5, 0.9])
def test_the_share_is_the_rate(rate: float) -> None:
    async def main() -> None:
        async with echoing() as wire:
            wire.plan.add(read_break({"fault": "status", "rate": rate, "seed": 1}))
            found = await hit(wire, EACH)
            (shown,) = wire.plan.active()
            assert (shown["seen"], shown["injected"]) == (EACH * CONNECTIONS, found)
            assert is_binomial(found, EACH * CONNECTIONS, rate)

    run(FAST, main())


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_of_every_kind_is_the_rate(kind: str) -> None:
    async def main() -> None:
        async with echoing() as wire:
            break_ = {"fault": kind, "rate": 0.3, "seed": 1, **QUICK.get(kind, {})}
            wire.plan.add(read_break(break_))
            per_connection = CATALOGUE[kind].PLACE is Place.ACCEPT
            found = await hit(wire, 16, anew=per_connection)
            (shown,) = wire.plan.active()
            assert is_binomial(shown["injected"], shown["seen"], 0.3)
            if kind == "slow_accept":  # which nobody can tell from a good one
                assert found == 0
            else:
                assert found == shown["injected"]
            ledger = wire.ledger.find(Query(fault=kind, limit=10_000))
            assert len(ledger.records) == shown["injected"]

    run(FAST, main())


def test_the_number_of_connections_does_not_change_what_the_seed_says() -> None:
    async def main() -> None:
        found = []
        for callers, seed in ((1, 7), (CONNECTIONS, 7), (CONNECTIONS, 8)):
            async with echoing() as wire:
                wire.plan.add(read_break({"fault": "status", "rate": 0.5, "seed": seed}))
                found.append(await hit(wire, 10 * CONNECTIONS // callers, callers=callers))
        assert found[0] == found[1] != found[2]

    run(FAST, main())


@pytest.mark.parametrize(("rate", "expected"), [(0, 0), (1, 8 * CONNECTIONS)])
def test_rate_0_touches_nothing_and_rate_1_everything(rate: int, expected: int) -> None:
    async def main() -> None:
        async with echoing() as wire:
            wire.plan.add(read_break({"fault": "status", "rate": rate}))
            assert await hit(wire, 8) == expected

    run(FAST, main())
