"""Faults of waiting within the answer: it comes in drops, narrowly, or without an end."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import GIB, HOUR_MS, MIB, size, span, within
from faultwire.wire.faults.base import Fault, InvalidFault
from faultwire.wire.faults.reading import has_body, length_of, payload, start_of
from faultwire.wire.faults.sending import delimited_by_close, end_as_said, framed, without


class Drip:
    """Sends bytes in steps, each at its time from the beginning, so that no error adds up.

    `step` gives the size of the next step, `wait_s` how long a step of so many bytes takes.
    """

    def __init__(
        self,
        exchange: Exchange,
        step: Callable[[], int] = lambda: 1,
        wait_s: Callable[[int], float] = lambda _: 0.0,
    ) -> None:
        self._exchange = exchange
        self._step = step
        self._wait_s = wait_s
        self._due = asyncio.get_running_loop().time()
        self.mended = False

    async def send(self, data: bytes) -> None:
        """Send all of it; at once when the fault is mended."""
        at = 0
        while at < len(data):
            part = data[at:] if self.mended else data[at : at + max(self._step(), 1)]
            await self.wait(self._wait_s(len(part)))
            await self._exchange.send(data[at:] if self.mended else part)
            at = len(data) if self.mended else at + len(part)

    async def wait(self, seconds: float) -> None:
        """Wait so long behind what was to be waited before."""
        if not self.mended:
            self._due += seconds
            left_s = self._due - asyncio.get_running_loop().time()
            self.mended = not await self._exchange.sleep(max(left_s, 0.0))


class SlowHeaders(Fault, frozen=True):
    """The head of the answer comes in drops; the body comes as usual.

    The caller sees: bytes arrive again and again, so that no timeout between two reads fires,
    but the headers take `interval_ms` for every `bytes_per_step`.

    In real life: Slowloris seen from the other side, a lossy link, an interpreter that is
    swapped out and writes its headers one by one.
    """

    bytes_per_step: Annotated[int, within(1, MIB, "how many bytes come at once")] = 1
    interval_ms: Annotated[float, span("the wait before each step")] = 100

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        drip = Drip(exchange, lambda: self.bytes_per_step, lambda _: self.interval_ms / 1000)
        await drip.send(answer.raw)
        async for piece in exchange.body():
            await exchange.send(piece)
        end_as_said(exchange, answer)


class SlowBody(Fault, frozen=True):
    """The head of the answer comes at once, its body in drops.

    The caller sees: a status, then `bytes_per_step` bytes (give or take `vary_bytes`) every
    `interval_ms`, or the whole body in `steps` equal parts (of a body without a length, the first
    MiB counts). A timeout per read never fires; only a deadline for the whole answer helps.

    In real life: an upstream that streams while it computes, an overloaded disk, a bad mobile
    link.
    """

    bytes_per_step: Annotated[int, within(1, MIB, "how many bytes come at once")] = 1
    vary_bytes: Annotated[int, within(0, MIB, "how far a step may differ from that")] = 0
    interval_ms: Annotated[float, span("the wait before each step")] = 100
    steps: (
        Annotated[int, within(1, 1_000_000, "into how many equal steps the body is cut instead")]
        | None
    ) = None

    def __post_init__(self) -> None:
        """Refuse steps that could be empty."""
        if self.vary_bytes and self.vary_bytes >= self.bytes_per_step:
            raise InvalidFault("slow_body: vary_bytes must be below bytes_per_step")

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.send(answer.raw)
        pieces = exchange.body()
        start = b""
        size = self.bytes_per_step
        if self.steps is not None:
            length = length_of(exchange.request, answer)
            start = b"" if length > 0 else await start_of(pieces, MIB)
            size = -(-max(length, len(start)) // self.steps)
        low, high = size - self.vary_bytes, size + self.vary_bytes
        drip = Drip(
            exchange, lambda: exchange.rng.randint(low, high), lambda _: self.interval_ms / 1000
        )
        await drip.send(start)
        async for piece in pieces:
            await drip.send(piece)
        end_as_said(exchange, answer)


class Bandwidth(Fault, frozen=True):
    """The answer comes through a narrow pipe: head and body at `bytes_per_s`.

    The caller sees: small answers a little late, large ones very.

    In real life: a saturated link, a traffic shaper, a noisy neighbour, a phone at the edge of
    its cell.
    """

    bytes_per_s: Annotated[int, within(1, GIB, "how many bytes of the answer pass in a second")] = (
        1024
    )

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        step = max(self.bytes_per_s // 50, 1)
        drip = Drip(exchange, lambda: step, lambda size: size / self.bytes_per_s)
        await drip.send(answer.raw)
        async for piece in exchange.body():
            await drip.send(piece)
        end_as_said(exchange, answer)


class EndlessBody(Fault, frozen=True):
    """The body of the answer never ends.

    The caller sees: a good status, then `bytes_per_step` blanks every `interval_ms`, in chunks,
    for `for_ms` or up to `most_bytes`; then the connection closes without a last chunk. Who
    bounds neither time nor size reads on and on.

    In real life: an event stream behind a route that should not have one, a log that is
    followed, a query without LIMIT.
    """

    OF_BODIES = True

    bytes_per_step: Annotated[int, within(1, MIB, "how many bytes come at once")] = 1024
    interval_ms: Annotated[float, span("the wait before each step")] = 100
    for_ms: Annotated[float, within(1, HOUR_MS, "when it ends after all")] = HOUR_MS
    most_bytes: Annotated[int, size("how large it can become")] = GIB

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        if not has_body(exchange.request, answer.status):
            await exchange.pass_on()
            return
        frame = framed(exchange.request, without(answer, b"Content-Encoding"), None)
        await exchange.send(frame.head)
        now = asyncio.get_running_loop().time
        end = now() + self.for_ms / 1000
        drip = Drip(exchange)
        left_bytes, left_s = self.most_bytes, self.for_ms / 1000
        while left_bytes > 0 and left_s > 0 and now() < end and not drip.mended:
            size = min(self.bytes_per_step, left_bytes)
            await exchange.send(frame.piece(b" " * size))
            pause_s = min(self.interval_ms / 1000, left_s)
            await drip.wait(pause_s)
            left_bytes -= size
            left_s -= pause_s
        exchange.close()


class SlowClose(Fault, frozen=True):
    """The answer is whole, but it has no length, and the connection that would end it stays open.

    The caller sees: everything at once, then nothing: who reads to the end of the stream waits
    `delay_ms` for it.

    In real life: an old server that answers in HTTP/1.0 style and lingers, a proxy that keeps
    half of a connection.
    """

    delay_ms: Annotated[float, span("how long the connection stays open")] = 1000

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.send(delimited_by_close(answer).raw)
        async for piece in payload(exchange, answer):
            await exchange.send(piece)
        await exchange.sleep(self.delay_ms / 1000)
        exchange.close()
