"""A crowd of clients: thousands of connections, on each of which one request is timed."""

import asyncio
import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import cast

from benchmarks.processes import StackFailedError
from benchmarks.wire.samples import Wave

_PATIENCE_S = 20.0
_CONNECTING_AT_ONCE = 100
_STEP_S = 0.001
_END = b'\r\n\r\n{"echo":"hello"}'


class Caller(asyncio.Protocol):
    """One client, who asks again when it has been answered."""

    __slots__ = ("_answer", "_crowd", "_transport", "answered_s", "asked_s", "right")

    _transport: asyncio.Transport

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._answer = b""
        self.asked_s = self.answered_s = 0.0
        self.right = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only

    def ask(self, request: bytes) -> None:
        """Send the request and look at the clock."""
        self._answer = b""
        self.answered_s = 0.0
        self.right = False
        self.asked_s = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._answer:
            self.answered_s = perf_counter()
        self._answer += data
        if self._answer.endswith(_END):
            delayed = b"\r\nX-Fault: latency\r\n" in self._answer
            self.right = delayed is self._crowd.delayed and self._answer.startswith(
                b"HTTP/1.1 200 "
            )
            self._crowd.answered()

    def close(self) -> None:
        self._transport.abort()


class Crowd:
    """So many clients of one path. `delayed` says whether answers should say that they were."""

    def __init__(self, port: int, path: str) -> None:
        self.delayed = False
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._callers: list[Caller] = []
        self.unanswered = 0
        self._all_answered = asyncio.Event()

    @property
    def size(self) -> int:
        """How many clients there are."""
        return len(self._callers)

    async def connect(self, count: int) -> None:
        """Let so many clients connect. Raises StackFailedError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while (missing := count - len(self._callers)) > 0:
                    some = (
                        loop.create_connection(lambda: Caller(self), "127.0.0.1", self._port)
                        for _ in range(min(missing, _CONNECTING_AT_ONCE))
                    )
                    self._callers += [caller for _, caller in await asyncio.gather(*some)]
        except (OSError, TimeoutError) as error:
            reached = len(self._callers)
            raise StackFailedError(f"only {reached} of {count} clients connected") from error

    async def close(self) -> None:
        """Let go of all connections."""
        for caller in self._callers:
            caller.close()
        await asyncio.sleep(0)  # a transport ends in the loop's next round

    async def wave(self, over_s: float, delay_s: float) -> Wave:
        """Ask on every connection, evenly spread over `over_s`, and wait for the answers."""
        with _uncollected():
            at_once = await self.ask(over_s)
            await self.wait(delay_s)
        return self._seen(over_s, delay_s, at_once)

    async def ask(self, over_s: float) -> int:
        """Ask on every connection; return how many are not answered at the last one."""
        self.unanswered = len(self._callers)
        self._all_answered.clear()
        started = perf_counter()
        asked = 0
        while asked < len(self._callers):
            passed = (perf_counter() - started) / over_s if over_s else 1.0
            due = min(math.ceil(len(self._callers) * passed), len(self._callers))
            for caller in self._callers[asked:due]:
                caller.ask(self._request)
            asked = due
            await asyncio.sleep(_STEP_S if asked < len(self._callers) else 0)
        return self.unanswered

    async def wait(self, delay_s: float) -> int:
        """Wait for the answers, 20 s longer than they should take; return how many are wrong."""
        try:
            async with asyncio.timeout(delay_s + _PATIENCE_S):
                await self._all_answered.wait()
        except TimeoutError:
            pass
        return sum(not caller.right for caller in self._callers)

    def answered(self) -> None:
        """A client has its answer."""
        self.unanswered -= 1
        if not self.unanswered:
            self._all_answered.set()

    def _seen(self, over_s: float, delay_s: float, at_once: int) -> Wave:
        right = [caller for caller in self._callers if caller.right]
        if not right:
            raise StackFailedError(f"not one of {len(self._callers)} requests was answered right")
        errors_ms = sorted((c.answered_s - c.asked_s - delay_s) * 1000 for c in right)
        return Wave(
            requests=len(self._callers),
            over_s=over_s,
            delay_s=delay_s,
            at_once=at_once,
            wrong=len(self._callers) - len(right),
            earliest_ms=errors_ms[0],
            p50_ms=_quantile(errors_ms, 0.5),
            p99_ms=_quantile(errors_ms, 0.99),
            latest_ms=errors_ms[-1],
        )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that at least this share does not exceed."""
    return ordered[math.ceil(len(ordered) * share) - 1]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from stopping the clock's reader."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
