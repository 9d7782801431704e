"""Faults of the answer's end: it does not begin, or stops in the middle."""

from collections.abc import AsyncIterator
from typing import Annotated

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import MIB, size, within
from faultwire.wire.faults.base import Fault, InvalidFault
from faultwire.wire.faults.reading import length_of, payload
from faultwire.wire.faults.sending import Frame, ready
from faultwire.wire.stream.framing import CHUNKED
from faultwire.wire.stream.head import Head

_MISSING = "how many bytes of the body are missing, 1 if nothing is said"


class EmptyResponse(Fault, frozen=True):
    """The connection is closed in good order instead of an answer.

    The caller sees: its request was taken; then the stream ends (FIN) without a single byte.

    In real life: a worker that crashes while it handles the request, a proxy that gives up, a
    process that exits without draining.
    """

    async def play(self, exchange: Exchange) -> None:
        await ready(exchange)
        exchange.close()


class Reset(Fault, frozen=True):
    """The connection is reset in the middle of the answer.

    The caller sees: the first `after_bytes` bytes of the answer, head included, then
    `ECONNRESET`. Without `after_bytes` it breaks in mid-body; 0 is a reset instead of an answer.

    In real life: the upstream's process is killed, a NAT or firewall forgets the connection, a
    load balancer fails over.
    """

    after_bytes: Annotated[int, size("what still arrives of the answer", 0)] | None = None

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        limit = self.after_bytes
        if limit is None:
            limit = _middle(exchange.request, answer)
        await _send_start(exchange, answer, limit)
        exchange.reset()


def _middle(request: Head, answer: Head) -> int:
    """Where the middle of the body is, or its start if it has no length.

    Without a body it is the middle of the head.
    """
    length = length_of(request, answer)
    if length == 0:
        return len(answer.raw) // 2
    return len(answer.raw) + (length // 2 if length > 0 else 1)


class Truncate(Fault, frozen=True):
    """The answer stops before its promised end, and the connection is closed in good order.

    The caller sees: a good head, a body that is short by `short_by_bytes` or stops at
    `at_bytes`, and the end of the stream (FIN). With `answer_bytes` the cut is counted from the
    first byte of the head. Chunked bodies end without their last chunk.

    In real life: a worker killed in mid-answer, a full disk behind a cache, a proxy with a limit
    on bytes.
    """

    short_by_bytes: Annotated[int, within(1, MIB, _MISSING)] | None = None
    at_bytes: Annotated[int, size("what arrives of the body instead", 0)] | None = None
    answer_bytes: Annotated[int, size("what arrives of head and body instead", 0)] | None = None

    def __post_init__(self) -> None:
        """Refuse two places to cut at."""
        given = (self.short_by_bytes, self.at_bytes, self.answer_bytes)
        if len(given) - given.count(None) > 1:
            raise InvalidFault("truncate takes one of short_by_bytes, at_bytes and answer_bytes")

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        if self.answer_bytes is not None:
            await _send_start(exchange, answer, self.answer_bytes)
        else:
            chunked = length_of(exchange.request, answer) == CHUNKED
            frame = Frame(answer.raw, chunked, closes=True)
            await exchange.send(frame.head)
            async for piece in self._kept(payload(exchange, answer)):
                await exchange.send(frame.piece(piece))
        exchange.close()

    async def _kept(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if self.at_bytes is not None:
            async for piece in _start(pieces, self.at_bytes):
                yield piece
            return
        held = b""  # what may turn out to be the end
        async for piece in pieces:
            held += piece
            sure = len(held) - (self.short_by_bytes or 1)
            if sure > 0:
                yield held[:sure]
                held = held[sure:]


async def _whole(exchange: Exchange, answer: Head) -> AsyncIterator[bytes]:
    yield answer.raw
    async for piece in exchange.body():
        yield piece


async def _send_start(exchange: Exchange, answer: Head, limit: int) -> None:
    """Send the first bytes of an answer, as many as it has or as the limit says."""
    async for piece in _start(_whole(exchange, answer), limit):
        await exchange.send(piece)


async def _start(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The first bytes, without a wait for those behind them."""
    if limit <= 0:
        return
    async for piece in pieces:
        yield piece[:limit]
        limit -= len(piece)
        if limit <= 0:
            return
