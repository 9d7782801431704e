"""Faults of form: what comes is not the HTTP, or not the bytes, that were sent."""

import math
from random import Random
from typing import Annotated, Literal

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import MIB, choice, within
from faultwire.wire.faults.base import Fault
from faultwire.wire.faults.reading import has_body, length_of, payload
from faultwire.wire.faults.sending import ready, send_answer, without
from faultwire.wire.stream.head import Head

_OTHER_PROTOCOL = b"SSH-2.0-OpenSSH_9.6\r\n"


class Malformed(Fault, frozen=True):
    """The answer is not HTTP.

    The caller sees: by `kind`, a `status_line` that is none; a `header` line without a name or a
    colon; two `length`s that contradict each other; or the greeting of another `protocol`. What
    follows is the real answer, then the connection closes.

    In real life: a port on which something else listens, a bug in a hand-written server, a
    request smuggled past a proxy, memory that was overwritten.
    """

    kind: Annotated[
        Literal["status_line", "header", "length", "protocol"],
        choice("what is wrong with the answer"),
    ] = "status_line"

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        if self.kind == "protocol":
            await exchange.send(_OTHER_PROTOCOL)
        else:
            await exchange.send(_SPOILED[self.kind](answer))
            async for piece in exchange.body():
                await exchange.send(piece)
        exchange.close()


def _bad_status_line(answer: Head) -> bytes:
    return b"HTTP/one.one fine, thanks\r\n" + answer.raw.partition(b"\n")[2]


def _bad_header(answer: Head) -> bytes:
    line, _, rest = answer.raw.partition(b"\n")
    return line + b"\nthis line is no header field\r\n\x00: \x00\r\n" + rest


def _bad_length(answer: Head) -> bytes:
    fields = without(answer, b"Content-Length", b"Transfer-Encoding")
    return fields.with_field(b"Content-Length", b"7").with_field(b"Content-Length", b"11").raw


_SPOILED = {"status_line": _bad_status_line, "header": _bad_header, "length": _bad_length}


class MalformedChunk(Fault, frozen=True):
    """A good head, the start of a chunked body, then something that is no chunk.

    The caller sees: a good status and a good first chunk; where the size of the next one should
    be, there is garbage, and then the end of the stream.

    In real life: two threads that write into one answer, a crash dump in the middle of a stream.
    """

    OF_BODIES = True

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        head = without(answer, b"Content-Length", b"Transfer-Encoding", b"Trailer")
        await exchange.send(head.with_field(b"Transfer-Encoding", b"chunked").raw)
        if has_body(exchange.request, answer.status):
            async for piece in payload(exchange, answer):
                await exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                break
            await exchange.send(b"lskdu018973t09sylgasjkfg1][]'./.sdlv\r\n")
        exchange.close()


class GarbageThenClose(Fault, frozen=True):
    """Random bytes instead of an answer, then the end of the stream.

    The caller sees: `size_bytes` bytes that no parser knows, and the connection is closed.

    In real life: TLS spoken to a client that did not ask for it, a corrupted buffer, a port
    scanner's answer.
    """

    size_bytes: Annotated[int, within(1, MIB, "how much garbage comes")] = 64

    async def play(self, exchange: Exchange) -> None:
        await ready(exchange)
        garbage = exchange.rng.randbytes(self.size_bytes)
        await exchange.send(b"\xff" + garbage[1:])
        exchange.close()


class Corrupt(Fault, frozen=True):
    """Some bytes of the body are wrong; head and length are right.

    The caller sees: a good answer in which a `share` of the bytes, and at least one, differs: by
    one bit, or wholly. The chance is even over the whole body.

    In real life: bad memory or a bad network card below TCP's weak checksum, a proxy that
    recodes what it should not touch.
    """

    OF_BODIES = True

    share: Annotated[float, within(0, 1, "the part of the body's bytes that is hit")] = 0.01
    how: Annotated[Literal["bit", "byte"], choice("flips one bit of a byte, or replaces it")] = (
        "bit"
    )

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        length = length_of(exchange.request, answer)
        spoil = Spoiler(exchange.rng, self.share, whole=self.how == "byte")
        pieces = (spoil(piece) async for piece in payload(exchange, answer))
        await send_answer(exchange, answer, pieces, length if length >= 0 else None)


class Spoiler:
    """Spoils a share of the bytes of a stream, and at least one of its first piece."""

    def __init__(self, rng: Random, share: float, *, whole: bool) -> None:
        self._rng = rng
        self._share = share
        self._most = 255 if whole else 0
        self._next: int | None = None

    def __call__(self, piece: bytes) -> bytes:
        """The same number of bytes, some of them others."""
        spoiled = bytearray(piece)
        if self._next is None:
            self._next = min(self._gap(), self._rng.randrange(len(piece)))
        while self._next < len(spoiled):
            spoiled[self._next] ^= self._mask()
            self._next += 1 + self._gap()
        self._next -= len(spoiled)
        return bytes(spoiled)

    def _mask(self) -> int:
        """What changes a byte: never into itself."""
        return self._rng.randint(1, self._most) if self._most else 1 << self._rng.randrange(8)

    def _gap(self) -> int:
        """How many bytes are spared until the next is hit: geometrically distributed."""
        if self._share >= 1:
            return 0
        if self._share <= _NEVER:
            return 1 << 62
        return int(math.log(1 - self._rng.random()) / math.log1p(-self._share))


_NEVER = 1e-15
