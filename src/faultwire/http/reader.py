"""From bytes to whole requests, within bounds, whatever the bytes are. No I/O."""

from collections import deque
from typing import Final, cast

import httptools

from faultwire.http.fields import SLICE_BYTES, FieldCollector, closes, length_in
from faultwire.http.framing import (
    as_bad_request,
    check_coding,
    check_expectation,
    check_host,
    check_protocol,
    check_version,
    has_body,
    head_without_upgrade,
)
from faultwire.http.holding import Holding
from faultwire.http.limits import Limits
from faultwire.http.message import BadRequest, Request, split_target


class Continue:
    """The client waits to be told to send a body (RFC 9110 section 10.1.1)."""


CONTINUE: Final = Continue()

_UNUSUAL_FIELDS = frozenset(
    {b"connection", b"proxy-connection", b"content-length", b"transfer-encoding", b"expect"}
)

_BEGINNING = 1 << 10  # bytes: where a request line that comes in pieces is looked at

Due = Request | BadRequest | Continue
"""What calls for an answer, in the order in which it came."""


class RequestReader(FieldCollector):
    """Parses one connection's bytes; what calls for an answer is appended to `queue`.

    `over` says that nothing more is read: the last in the queue ends the connection.
    """

    __slots__ = (
        "_body",
        "_body_bytes",
        "_first",
        "_holding",
        "_host",
        "_keep_alive",
        "_limits",
        "_message_bytes",
        "_most_fields",
        "_parser",
        "_target",
        "_version",
        "in_message",
        "over",
        "queue",
    )

    def __init__(self, limits: Limits, holding: Holding | None = None) -> None:
        super().__init__()
        self._holding = holding or Holding(limits.held_bytes)
        self.queue: deque[Due] = deque()
        self.over = False
        self.in_message = False
        self._limits = limits
        self._most_fields = limits.header_count
        self._parser = httptools.HttpRequestParser(self)
        self._message_bytes = 0  # fed for this message before the bytes that are being fed
        self._target: bytes | bytearray = b""
        self._body: bytes | bytearray = b""
        self._body_bytes = 0
        self._first = b""  # what the connection begins with, as long as it is of interest
        self._host: bytes | None = None  # the last one that was found good

    @property
    def message(self) -> object:
        """Identifies the message that is being read, or was last."""
        return self._fields

    @property
    def untouched(self) -> bool:
        """Whether no request has begun yet."""
        return not self.in_message and not self._target

    @property
    def in_body(self) -> bool:
        """Whether the head of a message is whole and its body is not."""
        return self.in_message and self._fields_done

    @property
    def awaits_continue(self) -> bool:
        """Whether the body that was announced has not begun to arrive."""
        return self.in_body and not self._body_bytes

    def feed(self, data: bytes) -> None:
        """Parse at most `SLICE_BYTES` bytes."""
        if self._host is None and len(self._first) < _BEGINNING:
            self._first += data
        try:
            self._parser.feed_data(data)
            if self.in_message:
                self._message_bytes += len(data)
                self._check_unfinished(len(data))
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except (httptools.HttpParserError, BadRequest) as error:
            if not self.over:  # else: bytes after a request that ends the connection
                self.refuse(as_bad_request(error, self._parser, data))

    def refuse(self, refused: BadRequest) -> None:
        """Read nothing more; this is the last that is answered."""
        self._end()
        self.queue.append(refused)

    def stop(self) -> None:
        """Read nothing more, and forget what has not been answered."""
        self._end()
        self.queue.clear()

    def _end(self) -> None:
        self.over = True
        self.in_message = False
        self._let_go()
        self._target = self._body = self._first = b""

    def close(self) -> None:
        """The connection is gone. Breaks the cycle of the parser and its callbacks."""
        self.stop()
        del self._parser

    def _ignore_upgrade(self, rest: bytes) -> None:
        """A server may ignore Upgrade (RFC 9110 section 7.8), and then reads HTTP/1.1 as before.

        llhttp is done with such a request when its head is; another parser reads what follows,
        the body by the same head without Upgrade. (Java's client asks for h2c in every request.)
        """
        request = cast(Request, self.queue.pop())
        if request.method == "CONNECT":
            self.refuse(BadRequest(501, "This is not a proxy: there is no CONNECT"))
            return
        self._parser = httptools.HttpRequestParser(self)
        if has_body(request.headers):
            self.over = False
            rest = head_without_upgrade(request, bytes(self._target), self._version) + rest
        else:
            self.queue.append(request)
        if rest and not self.over:
            self.feed(rest)

    def _let_go(self) -> None:
        """The message is whole, or nobody waits for the rest of it."""
        self._holding.change(-self._message_bytes)
        self._message_bytes = 0

    def _check_unfinished(self, more: int) -> None:
        """Bound what is held of a message that is not whole yet, by the parser itself as well."""
        if not self._holding.change(more):
            raise BadRequest(503, "Too much is being sent at once")
        limits = self._limits
        self._check_target()
        overhead = self._message_bytes - len(self._target) - 2 * SLICE_BYTES
        if not self._fields_done:
            if overhead > 2 * limits.header_bytes:
                raise BadRequest(431, f"The header section is over {limits.header_bytes} bytes")
        elif overhead > 2 * limits.header_bytes + limits.body_bytes + 8 * self._body_bytes:
            # A chunk may be one byte long and carry extensions, but not without end.
            raise BadRequest(413, "The request's chunks hold too little for their number of bytes")

    def _check_target(self) -> None:
        limit = self._limits.target_bytes
        if len(self._target) > limit:
            raise BadRequest(414, f"The request target is over {limit} bytes")

    # What the parser says.

    def on_message_begin(self) -> None:
        self.in_message = True
        self._fields = {}
        self._fields_done = False
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target = _gathered(self._target, url) if self._target else url

    def on_headers_complete(self) -> None:
        fields, host = self._fields, self._fields.get(b"host")
        self._fields_done = True
        self._keep_alive = keep_alive = self._parser.should_keep_alive()
        self._version = "1.1"  # if it keeps the connection without being told so
        if (
            not keep_alive
            or host is None
            or host != self._host
            or self._message_bytes
            or not _UNUSUAL_FIELDS.isdisjoint(fields)
            or self._repeated is fields
            or len(fields) > self._most_fields
        ):
            self._check_head(fields, host)

    def _check_head(self, fields: dict[bytes, bytes], host: bytes | None) -> None:
        self._version = version = self._parser.get_http_version()
        self._check_target()
        self._check_fields_size(self._limits.header_bytes, self._most_fields)
        check_version(version)
        if version == "1.0" and self._keep_alive and closes(fields):
            self._keep_alive = False
        if self._first:
            check_protocol(self._first, self._target)
            self._first = b""
        check_host(host, version)
        self._host = host
        self._expect_body(fields)

    def _expect_body(self, fields: dict[bytes, bytes]) -> None:
        self._body = b""
        self._body_bytes = 0
        coding = fields.get(b"transfer-encoding")
        length = fields.get(b"content-length")
        if coding is not None:
            check_coding(coding, self._version)
        elif length is not None and length_in(length) > self._limits.body_bytes:
            raise self._body_too_large()
        if b"expect" in fields:
            check_expectation(fields[b"expect"])
            if self._version == "1.1" and (coding is not None or length is not None):
                self.queue.append(CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            raise self._body_too_large()
        self._body = _gathered(self._body, body) if self._body else body

    def _body_too_large(self) -> BadRequest:
        return BadRequest(413, f"The request body is over {self._limits.body_bytes} bytes")

    def on_message_complete(self) -> None:
        self.in_message = False
        target, keep_alive = self._target, self._keep_alive
        if self._message_bytes:  # it came in pieces
            self._let_go()
            target = bytes(target)
        path, query = split_target(target)  # type: ignore[arg-type]  # bytes by now
        self.queue.append(
            Request(
                self._parser.get_method().decode(),
                path,
                query,
                self._fields,
                self._take_body() if self._body else b"",
                keep_alive,
                self._version == "1.0",
            )
        )
        if not keep_alive:
            self.over = True

    def _take_body(self) -> bytes:
        body, self._body = bytes(self._body), b""
        return body


def _gathered(so_far: bytes | bytearray, more: bytes) -> bytearray:
    """Both, without a copy of what is there already from the third piece on."""
    gathered = so_far if isinstance(so_far, bytearray) else bytearray(so_far)
    gathered += more
    return gathered
