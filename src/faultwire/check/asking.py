"""The check's own client: one request on a connection of its own, and what came of it.

It sends whatever it is told to and reads whatever comes, with a bound on the time and on what is
kept. It never raises for what the other side does.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import perf_counter

import httptools
import msgspec

from faultwire.http.address import Origin, parse_origin

MOST_BODY_BYTES = 1 << 20
MOST_READ_BYTES = 64 << 20
_READ_BYTES = 256 << 10
_LONGEST_WORDS = 200


class Heard(msgspec.Struct):
    """What came back. `status` is 0 where no whole answer did, and `error` says why.

    `body` is cut at a bound, `body_bytes` is not.
    """

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    body_bytes: int = 0
    took_s: float = 0.0
    error: str = ""


class _Reading:
    """The parser's callbacks. An interim answer is skipped."""

    def __init__(self, *, head_only: bool) -> None:
        self.heard = Heard()
        self.whole = False
        self.to_the_end = False
        self.parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._kept = bytearray()
        self.in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self.heard.headers.get(key)
        self.heard.headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self.heard.headers.clear()
            return
        headers = self.heard.headers
        self.heard.status = status
        self.in_head = False
        sized = "content-length" in headers or "transfer-encoding" in headers
        self.to_the_end = not sized
        if self._head_only or status == 101:
            self.whole = True

    def on_body(self, body: bytes) -> None:
        self.heard.body_bytes += len(body)
        if len(self._kept) < MOST_BODY_BYTES:
            self._kept += body[: MOST_BODY_BYTES - len(self._kept)]

    def on_message_complete(self) -> None:
        if not self.in_head:
            self.whole = True

    def done(self) -> Heard:
        self.heard.body = bytes(self._kept)
        return self.heard


async def ask(
    url: str,
    *,
    target: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    raw: bytes | None = None,
    timeout_s: float,
) -> Heard:
    """Send a request to an http:// URL and read its answer. `raw` replaces the whole request."""
    origin = parse_origin(url)
    sent = raw if raw is not None else _request(origin, method, target, headers or {}, body)
    head_only = sent[:5] == b"HEAD "
    reading = _Reading(head_only=head_only)
    began = perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            error = await _exchange(origin, sent, reading)
    except TimeoutError:
        error = f"timeout: {_so_far(reading)} within {timeout_s:.1f} s"
    heard = reading.done()
    heard.took_s = perf_counter() - began
    if error:
        heard.error, heard.status = error, 0
    return heard


def _request(
    origin: Origin, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> bytes:
    fields = {"Host": origin.authority, "Accept": "*/*", "Connection": "close"}
    if body:
        fields["Content-Length"] = str(len(body))
    own = {name.lower() for name in headers}
    lines = [f"{name}: {value}" for name, value in fields.items() if name.lower() not in own]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    line = f"{method} {origin.base}{target} HTTP/1.1"
    head = "\r\n".join([line, *lines, "", ""])
    return head.encode("utf-8", "surrogateescape") + body


async def _exchange(origin: Origin, sent: bytes, reading: _Reading) -> str:
    """Connect, send, read; what went wrong, or an empty text."""
    try:
        reader, writer = await asyncio.open_connection(origin.host, origin.port, limit=_READ_BYTES)
    except ConnectionRefusedError:
        return f"refused: nobody listens on {origin.authority}"
    except OSError as error:
        return f"refused: {error.strerror or error}"
    try:
        writer.write(sent)  # not awaited: an answer may come before all is taken
        return await _read(reader, reading)
    except OSError as error:
        return f"reset: the connection was reset, {_so_far(reading)} ({type(error).__name__})"
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, reading: _Reading) -> str:
    left = MOST_READ_BYTES
    while left > 0:
        data = await reader.read(_READ_BYTES)
        if not data:
            return _at_the_end(reading)
        left -= len(data)
        error = _parse(reading, data)
        if error or reading.whole:
            return error
    return f"malformed: over {MOST_READ_BYTES} bytes without an end"


def _parse(reading: _Reading, data: bytes) -> str:
    try:
        reading.parser.feed_data(data)
    except httptools.HttpParserError as error:
        if not reading.whole:  # what follows an answer is not looked at
            return f"malformed: {error}, {data[:_LONGEST_WORDS]!r}"
    return ""


def _at_the_end(reading: _Reading) -> str:
    """The connection has ended: that may be how the answer ends."""
    if not reading.in_head and reading.to_the_end:
        return ""
    return f"closed: the connection was closed, {_so_far(reading)}"


def _so_far(reading: _Reading) -> str:
    heard = reading.heard
    if not heard.status:
        return "no answer" if not heard.headers else "no whole head of an answer"
    return f"only {heard.body_bytes} bytes of the body of a {heard.status}"
