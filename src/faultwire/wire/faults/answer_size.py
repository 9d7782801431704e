"""Faults of size: an answer that is larger than anybody wants to read."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated, Literal

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import GIB, KIB, MIB, choice, size, within
from faultwire.wire.faults.base import Fault
from faultwire.wire.faults.sending import PIECE_BYTES, end_as_said, send_answer, without
from faultwire.wire.faults.zeros import gzip_length, gzip_zeros


class HugeHeaders(Fault, frozen=True):
    """The head of the answer is huge; the answer is otherwise right.

    The caller sees: `size_bytes` of additional header fields, each of `field_bytes`, before the
    real ones. With a `field_bytes` of the same size it is one single line.

    In real life: a cookie that grows with every visit, a trace header that every hop adds to, a
    token with all the groups of a user.
    """

    size_bytes: Annotated[int, within(KIB, GIB, "how much is added to the head")] = MIB
    field_bytes: Annotated[int, within(32, GIB, "how long each line is")] = KIB

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        line, _, rest = answer.raw.partition(b"\n")
        await exchange.send(line + b"\n")
        for piece in _gathered(self._fields()):
            await exchange.send(piece)
        await exchange.send(rest)
        async for piece in exchange.body():
            await exchange.send(piece)
        end_as_said(exchange, answer)

    def _fields(self) -> Iterator[bytes]:
        left = self.size_bytes
        number = 0
        while left > 0:
            start = b"X-Huge-%d: " % number
            size = max(min(self.field_bytes, left), len(start) + 3)
            yield start
            yield from _filler(b"h", size - len(start) - 2)
            yield b"\r\n"
            left -= size
            number += 1


class HugeBody(Fault, frozen=True):
    """The body of the answer is huge, and well-formed: one JSON text of filler.

    The caller sees: a good status and `size_bytes` of JSON, either announced by Content-Length
    or, with `framing` `chunked`, without warning. It comes as fast as it is read.

    In real life: a list without pagination, a debug dump, the wrong file.
    """

    OF_BODIES = True

    size_bytes: Annotated[int, size("how long the body is", 2)] = 100 * MIB
    framing: Annotated[Literal["length", "chunked"], choice("whether the length is announced")] = (
        "length"
    )

    async def play(self, exchange: Exchange) -> None:
        answer = without(await exchange.answer(), b"Content-Encoding", b"Content-Type")
        head = answer.with_field(b"Content-Type", b"application/json")
        length = self.size_bytes if self.framing == "length" else None
        await send_answer(exchange, head, _text(self.size_bytes), length)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of a size that is worth sending."""
    parts, size = [], 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


async def _text(size: int) -> AsyncIterator[bytes]:
    yield b'"'
    for piece in _filler(b"x", size - 2):
        yield piece
    yield b'"'


def _filler(byte: bytes, size: int) -> Iterator[bytes]:
    piece = byte * min(size, PIECE_BYTES)
    for at in range(0, size, PIECE_BYTES):
        yield piece[: size - at]


class CompressionBomb(Fault, frozen=True):
    """A small gzip body that becomes huge when it is decompressed.

    The caller sees: a good status, `Content-Encoding: gzip` and about a thousandth of
    `size_bytes`. Who inflates without a bound runs out of memory. It is sent whether or not the
    request accepts gzip.

    In real life: a zip bomb, or a sparse file that somebody serves compressed.
    """

    OF_BODIES = True

    size_bytes: Annotated[int, size("how long the body is inflated")] = GIB

    async def play(self, exchange: Exchange) -> None:
        answer = without(await exchange.answer(), b"Content-Encoding")
        head = answer.with_field(b"Content-Encoding", b"gzip")
        await send_answer(exchange, head, _bomb(self.size_bytes), gzip_length(self.size_bytes))


async def _bomb(size: int) -> AsyncIterator[bytes]:
    for piece in gzip_zeros(size):
        yield piece
