"""Reading one answer after another from a connection: strict, bounded, and whole or not at all."""

import httptools

from faultwire.failures import Phase
from faultwire.http.coding import TooLarge
from faultwire.http.fields import SLICE_BYTES, FieldCollector, FieldsTooLarge, closes, length_in
from faultwire.http.limits import Limits

_H = ord("H")
_CR = ord("\r")
_LOWEST_STATUS, _SWITCHING, _FINAL = 100, 101, 200
_OK = 200
_NO_BODY = (204, 304)
_LONG = 10  # digits, for a length
_UNUSUAL_FIELDS = frozenset(
    {b"connection", b"proxy-connection", b"transfer-encoding", b"content-encoding"}
)
_CHUNK_OVERHEAD = 8
"""A chunk of one byte takes six; more than this for each byte of the body is padding."""


class Malformed(Exception):
    """The answer is not HTTP, or HTTP by the letter but not of a kind that can be read."""


class _Overrun(Exception):
    """Bytes follow the answer: there is no need to parse them."""


class AnswerReader(FieldCollector):
    """The parser and its callbacks, of which only those exist that are needed.

    Interim answers are skipped. The request must not be a HEAD: the parser is not told.
    """

    __slots__ = (
        "_body",
        "_bytes",
        "_keep_alive",
        "_limits",
        "_most_bytes",
        "_most_fields",
        "_parser",
        "_plain",
        "_started",
        "_status",
        "_to_the_end",
        "_whole",
    )

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        self._most_fields = limits.header_count
        self._most_bytes = limits.body_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._plain = False  # the answer is as nearly all are, and nothing is left to be looked at
        # What is set once means the end of the connection:
        self._keep_alive = True  # the server keeps it, and no byte followed the answer
        self._to_the_end = False  # the answer ends where the connection does
        self._start_answer()

    def _start_answer(self) -> None:
        self._fields = {}
        self._fields_done = False
        self._started = False  # a byte of the answer has arrived
        self._whole = False
        self._bytes = 0  # how many of an answer that is not whole yet
        self._body: bytes | bytearray = b""

    def _phase(self) -> Phase:
        if not self._started:
            return Phase.FIRST_BYTE
        return Phase.BODY if self._fields_done else Phase.HEADERS

    # Feeding the parser.

    def _read(self, data: bytes) -> None:
        """Parse a packet. Raises `Malformed`, `FieldsTooLarge`, `TooLarge`."""
        if not self._started:
            self._started = True
            if data[0] != _H:  # RTSP and empty lines would pass the parser
                raise Malformed("it does not begin with HTTP/")
        if data[-1] <= _CR or len(data) > SLICE_BYTES:
            self._feed_carefully(data)
            return
        try:
            self._parser.feed_data(data)  # nearly always
        except httptools.HttpParserError as error:
            self._objected(error)
        if not self._whole:
            self._unfinished(data)

    def _feed_carefully(self, data: bytes) -> None:
        """In slices, and the last byte alone.

        The parser says nothing of an empty line behind an answer; but an answer that is whole
        before the last byte was followed by something.
        """
        last = len(data) - 1
        for start in range(0, last, SLICE_BYTES):
            self._feed(data[start : min(start + SLICE_BYTES, last)])
            if self._whole:
                self._overrun()
                return
        self._feed(data[last:])

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._objected(error)
        if not self._whole:
            self._unfinished(data)

    def _objected(self, error: httptools.HttpParserError) -> None:
        if not self._whole:
            raise _objection(error) from None
        self._overrun()

    def _overrun(self) -> None:
        self._plain = self._keep_alive = False

    def _unfinished(self, data: bytes) -> None:
        """Bound what the parser itself may hold, and how long it may be fed with nothing."""
        self._plain = False
        self._bytes += len(data)
        limits = self._limits
        bound = limits.header_bytes + SLICE_BYTES
        if not self._fields_done:
            if self._bytes > bound:
                raise FieldsTooLarge("the head of the answer does not end")
        elif self._bytes > bound + limits.body_bytes + _CHUNK_OVERHEAD * len(self._body):
            raise TooLarge("there is next to nothing in the body's chunks")

    # What the parser says.

    def on_message_begin(self) -> None:
        if self._whole:
            raise _Overrun

    def on_headers_complete(self) -> None:
        parser, fields = self._parser, self._fields
        self._status = status = parser.get_status_code()
        length = fields.get(b"content-length")
        self._plain = (
            status == _OK
            and length is not None
            and parser.should_keep_alive()  # without being told so: it is HTTP/1.1
            and _UNUSUAL_FIELDS.isdisjoint(fields)
            and self._repeated is not fields
            and not self._bytes  # in one piece, and those are not over the bound in bytes
            and len(fields) <= self._most_fields
            and len(length) < _LONG  # which `int` might refuse
            and int(length) <= self._most_bytes
        )
        if self._plain:
            self._fields_done = True
        else:
            self._check_head(status, length, fields.get(b"transfer-encoding"))

    def _check_head(self, status: int, length: bytes | None, coding: bytes | None) -> None:
        self._check_fields_size(self._limits.header_bytes, self._most_fields)
        self._keep_alive = self._parser.should_keep_alive()
        self._check_version(status, coding)
        self._fields_done = True
        if status < _FINAL or status in _NO_BODY:
            return
        if length is None:
            self._to_the_end = coding is None
        elif length_in(length) > self._most_bytes:
            raise self._too_large()

    def _check_version(self, status: int, coding: bytes | None) -> None:
        """What llhttp leaves to its caller."""
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Malformed(f"HTTP/{version} was answered")
        if status < _LOWEST_STATUS:
            raise Malformed(f"{status:03d} is not a status")
        if status == _SWITCHING:
            raise Malformed("the server switched to another protocol, unasked")
        if version == "1.0" and closes(self._fields):
            self._keep_alive = False
        if coding is None:
            return
        if version == "1.0":  # RFC 9112 section 6.1: its framing is faulty
            raise Malformed("HTTP/1.0 has no Transfer-Encoding")
        if coding.strip().lower() != b"chunked":
            raise Malformed(f"the transfer coding {coding.decode('latin-1')!r} is not known")

    def on_body(self, body: bytes) -> None:
        if self._plain:
            self._body = body
        else:
            self._more_body(body)

    def _more_body(self, body: bytes) -> None:
        """A piece of a body in pieces, which are gathered, or of unknown length."""
        if self._body:
            gathered = self._body if isinstance(self._body, bytearray) else bytearray(self._body)
            gathered += body
            self._body = gathered
        else:
            self._body = body
        if len(self._body) > self._most_bytes:
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is over {self._most_bytes} bytes")

    def on_message_complete(self) -> None:
        if self._status >= _FINAL:
            self._whole = True
        else:  # an interim answer (RFC 9110 section 15.2): the real one follows
            self._fields = {}
            self._fields_done = False


def _objection(error: httptools.HttpParserError) -> Exception:
    """What the parser, or one of our callbacks inside it, objects to."""
    if not isinstance(error, httptools.HttpParserCallbackError):
        return Malformed(str(error))
    cause = error.__context__
    return cause if isinstance(cause, Exception) else error
