"""Reads an answer for a fault: how it is framed, and its body without the framing."""

import re
from collections.abc import AsyncIterator

from faultwire.wire.exchange import Exchange, UpstreamLost
from faultwire.wire.stream.framing import CHUNKED, NONE, UNTIL_CLOSE, Framing, framing
from faultwire.wire.stream.head import Head
from faultwire.wire.stream.messages import leaves_http

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


def is_http_1_0(message: Head) -> bool:
    """Whether the sender speaks HTTP/1.0, which knows no chunks."""
    line = message.raw.partition(b"\r\n")[0]
    return line.startswith(b"HTTP/1.0 ") or line.endswith(b" HTTP/1.0")


def framing_of(message: Head) -> Framing:
    """What the fields of a head say of its body."""
    return framing(message.raw, message.raw.find(b"\r\n"), http_1_0=is_http_1_0(message))


def has_body(request: Head, status: int) -> bool:
    """Whether an answer of this status to this request has a body at all."""
    return request.method != "HEAD" and status not in (204, 304)


def length_of(request: Head, answer: Head) -> int:
    """The length of an answer's body, or `CHUNKED` or `UNTIL_CLOSE` (RFC 9112 section 6.3)."""
    if leaves_http(request.method, answer.status):
        return UNTIL_CLOSE
    if not has_body(request, answer.status):
        return 0
    length = framing_of(answer).length
    return UNTIL_CLOSE if length == NONE else length


def payload(exchange: Exchange, answer: Head) -> AsyncIterator[bytes]:
    """The body of the answer without chunk sizes and trailers, piece by piece."""
    if length_of(exchange.request, answer) == CHUNKED:
        return _unchunked(exchange.body())
    return exchange.body()


async def _unchunked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    chunks = Chunks()
    async for piece in pieces:
        data = chunks.feed(piece)
        if data:
            yield data


async def start_of(pieces: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """All of it, as long as it is at most so long; otherwise its start, a little longer."""
    parts = []
    left = most_bytes
    async for piece in pieces:
        parts.append(piece)
        left -= len(piece)
        if left < 0:
            break
    return b"".join(parts)


class Chunks:
    """Takes the framing off a chunked body that comes in pieces of any size."""

    def __init__(self) -> None:
        self._line = b""  # an unfinished line
        self._left = 0  # bytes of the chunk still to come, its own line end included
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in the next piece. Raises `UpstreamLost` if these are no chunks."""
        found = []
        while data and not self._ended:
            if self._left:
                part, data = data[: self._left], data[self._left :]
                found.append(part[: max(self._left - 2, 0)])
                self._left -= len(part)
            else:
                data = self._size(data)
        return b"".join(found)

    def _size(self, data: bytes) -> bytes:
        """Take the line with the size of the next chunk; the data behind it."""
        self._line, end, data = (self._line + data).partition(b"\n")
        if not end:
            return b""
        size = _SIZE.match(self._line)
        if size is None:
            raise UpstreamLost("The upstream's chunks are malformed")
        self._line = b""
        self._left = int(size[0], 16) + 2
        self._ended = self._left == 2  # the last chunk; trailers may follow
        return data
