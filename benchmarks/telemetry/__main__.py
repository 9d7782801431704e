"""`python -m benchmarks.telemetry [ROUNDS]`: what recording adds to a request of B's, in CPU.

B's whole cycle for a request, without sockets: bytes in, a call to A, A's answer, bytes out. What
is compared is timed in turns, a block of requests at a time, so that a busy machine slows all of
it alike; the quickest block of each counts, as it was disturbed least. Formatting log lines and
counting are part of it. Compare what is added with what a request costs a real process, where the
kernel's part is about as much again.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, cast

import uvloop

from faultwire.contracts import CONTRACTS
from faultwire.http.client import ClientConnection
from faultwire.http.listener import Listener
from faultwire.http.server import ServerConnection
from faultwire.services.process import freeze
from faultwire.services.service_b import ServiceB
from faultwire.settings import read_service_b
from faultwire.telemetry.log import Log
from faultwire.telemetry.round import Sink as RoundSink
from faultwire.telemetry.span import Sink, Span
from faultwire.telemetry.trace_context import TraceParent

BLOCK = 256
ROUND = 16
"""So many requests share a round of the event loop, as under load."""
TRACEPARENT = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
REQUEST = b"GET /call-echo?msg=hello HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n%b\r\n"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 14:35:07 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: 16\r\nX-Request-ID: 21a4faf4cf3a38edf813088b7ed35a79\r\n\r\n"
    b'{"echo":"hello"}'
)


class NoTransport:
    """Takes what is written, and forgets it."""

    def write(self, data: bytes) -> None: ...
    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None: ...


class NoExporter:
    """Wants every span, and drops it."""

    def samples(self, trace_id: bytes, parent: TraceParent | None) -> bool:  # noqa: ARG002
        return True

    def take(self, span: Span) -> None: ...
    async def close(self) -> None: ...


class Variant(NamedTuple):
    """What records, and what is asked."""

    sinks: Sequence[RoundSink]
    spans: Sink | None = None
    fields: bytes = b""


class Cycle:
    """A Service B between a client and an A that are not there."""

    def __init__(self, service: ServiceB, log: Log) -> None:
        loop = asyncio.get_running_loop()
        self._rounds: list[Callable[[], None]] = []
        log.round.end_soon(self._rounds.append)
        listener = Listener(service.__call__, service.refusal)
        listener._loop = loop  # noqa: SLF001 - it listens nowhere
        self._server = ServerConnection(listener, loop)
        self._client = ClientConnection(service._pool, "A")  # noqa: SLF001 - the only one in it
        for connection in (self._server, self._client):
            connection.connection_made(cast(asyncio.Transport, NoTransport()))
        service._pool._open.add(self._client)  # noqa: SLF001
        service._pool._idle.append(self._client)  # noqa: SLF001

    def block_s(self, fields: bytes) -> float:
        """Seconds for a block of requests, and for writing down what came of them."""
        request = REQUEST % fields
        started = perf_counter()
        for number in range(BLOCK):
            self._server.data_received(request)
            self._client.data_received(ANSWER)
            if number % ROUND == 0 and self._rounds:
                self._rounds.pop()()
        return perf_counter() - started


async def main(rounds: int) -> None:
    with open(os.devnull, "wb") as nowhere:  # noqa: ASYNC230, PTH123 - once, and at once
        log = Log(CONTRACTS["unified"], fd=nowhere.fileno(), service="B")
        service = ServiceB(read_service_b({}, {}), log)
        await service.start()
        cycle = Cycle(service, log)
        log_lines, metrics = log.round.sinks
        both = log.round.sinks[:]
        variants = {
            "nothing recorded": Variant([]),
            "metrics": Variant([metrics]),
            "log": Variant([log_lines]),
            "log and metrics, as ever": Variant(both),
            "… and a trace forwarded": Variant(both, None, TRACEPARENT),
            "… and spans made": Variant(both, NoExporter(), TRACEPARENT),
        }
        freeze()
        best = dict.fromkeys(variants, float("inf"))
        for _ in range(rounds):
            for name, variant in variants.items():
                log.round.sinks[:] = variant.sinks
                service._sink = variant.spans  # noqa: SLF001
                cycle.block_s(variant.fields)  # in which it gets warm
                best[name] = min(best[name], cycle.block_s(variant.fields) / BLOCK)
        await service.close()
    report(best)


def report(best: dict[str, float]) -> None:
    least = best["nothing recorded"]
    print(f"{'B, PER REQUEST':28}{'µs':>8}{'ADDED':>8}")
    for name, seconds in best.items():
        print(f"{name:28}{seconds * 1e6:8.2f}{(seconds - least) * 1e6:8.2f}")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
