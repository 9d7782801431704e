"""Requests and responses as the hop hands them over, and the bytes of a response's head."""

import re
from binascii import a2b_qp
from collections.abc import AsyncGenerator
from http import HTTPStatus
from time import gmtime, time

import msgspec

JSON = b"application/json"
PROBLEM_JSON = b"application/problem+json"

# A byte's number is found at once; a bytes object of length one is first tried as a number.
_HASH, _PERCENT, _PLUS = b"#%+"

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_MOST_PAIRS = 1000
_NO_BODY = (204, 304)
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class BadRequest(Exception):
    """The request is not acceptable: the status to answer and one sentence that says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Request(msgspec.Struct, gc=False):
    """One request, whole. Header names are lower case; repeated fields are joined by a comma."""

    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes = b""
    keep_alive: bool = True
    http_1_0: bool = False


class Response(msgspec.Struct, gc=False):
    """What to answer.

    `headers` holds further lines, each ended by CRLF; `close` ends the connection after it.
    """

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""
    close: bool = False


class Streamed(msgspec.Struct, gc=False):
    """A response whose body comes over time, piece by piece, such as server-sent events.

    Each piece that `pieces` gives is sent at once, and the next is asked for when the client
    has room for it. `pieces` is closed (`aclose`) when all is sent, when the client leaves, when
    it does not read for `Limits.write_timeout_s`, and when the server drains: then the body
    ends short of its last chunk. `status` must be one that has a body.
    """

    status: int
    pieces: AsyncGenerator[bytes, None]
    content_type: bytes
    headers: bytes = b""
    close: bool = False


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """The path and the query of a request target in origin, absolute or asterisk form.

    RFC 9112 section 3.2: a server accepts the absolute form too. A fragment never belongs
    in a target. Raises `BadRequest`.
    """
    if _HASH in target:
        raise BadRequest(400, "The request target holds a '#'; send it as %23")
    path, _, query = target.partition(b"?")
    if path[:1] != b"/":
        path = _path_of_absolute(path)
    if _PERCENT in path:
        path = percent_decode(path)
    return path, query


def _path_of_absolute(target: bytes) -> bytes:
    scheme, is_url, rest = target.partition(b"://")
    if not is_url:  # "*", or the host and port of a CONNECT
        return target
    host, _, path = rest.partition(b"/")
    if scheme.lower() not in (b"http", b"https") or not host:
        raise BadRequest(400, "The request target is a URL, but not http://HOST/…")
    return b"/" + path


def percent_decode(text: bytes) -> bytes:
    """The bytes that `text` encodes. Raises `BadRequest` for a '%' without two hex digits."""
    if _BAD_ESCAPE.search(text):
        raise BadRequest(400, "A '%' in the request target lacks two hex digits; send it as %25")
    # Quoted-printable is the same code with another sign, and its decoder is written in C.
    return a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))


def query_value(query: bytes, name: bytes) -> str | None:
    """The first value of `name` in a query (WHATWG form encoding), or None where it is absent.

    Raises `BadRequest` where the value is not percent-encoded UTF-8, or stands behind
    a thousand others.
    """
    key, _, value = query.partition(b"=")
    if key == name and value.isalnum():  # mostly: the only one, and as it stands
        return value.decode()
    pairs = query.split(b"&", _MOST_PAIRS)
    for pair in pairs:
        key, _, value = pair.partition(b"=")
        if key == name or ((_PERCENT in key or _PLUS in key) and _form_bytes(key) == name):
            return _form_text(value)
    if len(pairs) > _MOST_PAIRS:
        raise BadRequest(400, f"The query holds over {_MOST_PAIRS} parameters")
    return None


def _form_text(value: bytes) -> str:
    if not value.isalnum():
        value = _form_bytes(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadRequest(400, "The query is not UTF-8") from None


def _form_bytes(value: bytes) -> bytes:
    value = value.replace(b"+", b" ")
    return percent_decode(value) if _PERCENT in value else value


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _http_date(second: int) -> str:
    """RFC 9110 section 5.6.7. `email.utils` could do it, for half a megabyte of memory."""
    year, month, day, hour, minute, second, weekday, *_ = gmtime(second)
    date = f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year}"
    return f"{date} {hour:02d}:{minute:02d}:{second:02d} GMT"


class _Heads:
    """How a response begins, up to its `Content-Length`: each is formatted once a second.

    For the `Date`'s sake (RFC 9110 section 6.6.1).
    """

    def __init__(self) -> None:
        self._second, self._next = 0, 0  # from when to when they are right
        self._date = b""
        self._sized: dict[tuple[int, bytes], bytes] = {}

    def sized(self, status: int, content_type: bytes) -> bytes:
        """The beginning of a head whose next word is the length of the body."""
        if not self._second <= time() < self._next:
            self._turn()
        head = self._sized.get((status, content_type))
        if head is None:
            typed = b"%bContent-Type: %b\r\nContent-Length: "
            head = typed % (self.bare(status), content_type)
            self._sized[status, content_type] = head
        return head

    def bare(self, status: int) -> bytes:
        """The status line and the date."""
        if not self._second <= time() < self._next:
            self._turn()
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status
        return line + self._date

    def _turn(self) -> None:
        self._second = int(time())
        self._next = self._second + 1
        self._date = f"Date: {_http_date(self._second)}\r\n".encode()
        self._sized.clear()


_heads = _Heads()


def render(response: Response, request: Request | None, closing: bool) -> bytes:
    """The whole response as one bytes object; a HEAD request gets the head alone.

    `closing` says that the connection ends after it.
    """
    status, body, headers = response.status, response.body, response.headers
    if closing:
        headers += b"Connection: close\r\n"
    elif request is not None and request.http_1_0:
        headers += b"Connection: keep-alive\r\n"
    if not body and status in _NO_BODY:  # RFC 9110 section 8.6: nor a length
        return b"%b%b\r\n" % (_heads.bare(status), headers)
    return b"%b%d\r\n%b\r\n%b" % (
        _heads.sized(status, response.content_type),
        len(body),
        headers,
        b"" if request is not None and request.method == "HEAD" else body,
    )


def render_head(streamed: Streamed, request: Request, *, closing: bool) -> bytes:
    """The head of a response whose body follows: in chunks, or to HTTP/1.0 until the end."""
    return b"%bContent-Type: %b\r\n%b%b%b\r\n" % (
        _heads.bare(streamed.status),
        streamed.content_type,
        b"" if request.http_1_0 else b"Transfer-Encoding: chunked\r\n",
        streamed.headers,
        b"Connection: close\r\n" if closing else b"",
    )
