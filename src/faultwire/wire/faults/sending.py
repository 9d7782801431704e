"""Sends an answer that a fault has made or changed, framed for who asked (RFC 9112)."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.reading import framing_of, has_body, is_http_1_0, length_of
from faultwire.wire.stream.framing import UNTIL_CLOSE
from faultwire.wire.stream.head import Head

PIECE_BYTES = 65_536

_FRAMING = (b"Content-Length", b"Transfer-Encoding", b"Trailer")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def own_head(
    status: int, fields: Mapping[bytes, bytes], length: int = 0, *, closing: bool = False
) -> Head:
    """The head of an answer that the upstream has no part in."""
    lines = [b"HTTP/1.1 %d %b" % (status, phrase(status).encode())]
    lines += [name + b": " + value for name, value in fields.items()]
    lines += [b"Content-Length: %d" % length] + [b"Connection: close"] * closing
    return Head(b"\r\n".join(lines) + b"\r\n\r\n")


def phrase(status: int) -> str:
    """What a status is called."""
    return _PHRASES.get(status, "Unknown")


def without(head: Head, *names: bytes) -> Head:
    """The head without any field of these names."""
    for name in names:
        head = head.without_field(name)
    return head


def delimited_by_close(head: Head) -> Head:
    """The head of an answer whose body ends where the connection does."""
    return announcing_close(without(head, *_FRAMING))


def announcing_close(head: Head) -> Head:
    """The head of an answer behind which the connection ends."""
    return without(head, b"Connection").with_field(b"Connection", b"close")


class Frame(NamedTuple):
    """An answer's head, and how its body is framed. The sender closes behind it if `closes`."""

    head: bytes
    chunked: bool
    closes: bool

    def piece(self, data: bytes) -> bytes:
        """A piece of the body as it is sent."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked and data else data

    @property
    def end(self) -> bytes:
        """What ends the body."""
        return b"0\r\n\r\n" if self.chunked else b""


def framed(request: Head, head: Head, length: int | None) -> Frame:
    """The head of an answer framed for a body of this length.

    If that is None, the body is chunked or, for HTTP/1.0, ends with the connection. The sender
    closes behind it where it would have closed behind what the head had said.
    """
    bodiless = head.status in (204, 304)
    chunked = length is None and not bodiless and not is_http_1_0(request)
    ends = length is None and not bodiless and not chunked
    ends = ends or ends_behind(request, head)
    head = without(head, *_FRAMING)
    if length is not None and not bodiless:
        head = head.with_field(b"Content-Length", b"%d" % length)
    elif chunked:
        head = head.with_field(b"Transfer-Encoding", b"chunked")
    if ends:
        head = announcing_close(head)
    elif is_http_1_0(request) and head.field(b"Connection") is None:
        head = head.with_field(b"Connection", b"keep-alive")  # or its sender waits for the end
    return Frame(head.raw, chunked, ends)


async def ready(exchange: Exchange) -> bool:
    """Let the upstream do its work if it is to be called; the request is read in any case.

    Whether the connection ends behind the upstream's answer, and so behind any other.
    """
    if exchange.calls_upstream:
        return ends_behind(exchange.request, await exchange.answer())
    await exchange.discard_request()
    return False


async def send_answer(
    exchange: Exchange, head: Head, pieces: AsyncIterator[bytes], length: int | None
) -> None:
    """Send an answer whose body has this length or, if that is None, any."""
    frame = framed(exchange.request, head, length)
    await exchange.send(frame.head)
    if has_body(exchange.request, head.status):
        async for piece in pieces:
            await exchange.send(frame.piece(piece))
        await exchange.send(frame.end)
    if frame.closes:
        exchange.close()


async def send_whole(exchange: Exchange, head: Head, body: bytes) -> None:
    """Send an answer with exactly this body."""
    frame = framed(exchange.request, head, len(body))
    await exchange.send(frame.head + body * has_body(exchange.request, head.status))
    if frame.closes:
        exchange.close()


def end_as_said(exchange: Exchange, answer: Head) -> None:
    """End the connection behind an answer that was sent as it came, if its end says so."""
    if ends_behind(exchange.request, answer):
        exchange.close()


def ends_behind(request: Head, answer: Head) -> bool:
    """Whether the connection ends behind an answer: by its length, or as either side says."""
    ends = length_of(request, answer) == UNTIL_CLOSE
    return ends or framing_of(request).closing or framing_of(answer).closing
