"""What makes a request acceptable beyond what llhttp checks, and the refusal of one that is not.

Pure: fields in, `BadRequest` out. Sources: RFC 9112 (sections 2.3, 3.2, 6.1, 9.3), RFC 9110
(sections 9.3.6, 10.1.1, 15.5, 15.6).
"""

import re

import httptools

from faultwire.http.fields import FieldsTooLarge, length_in
from faultwire.http.message import BadRequest, Request

_HOST = re.compile(
    rb"(?:\[[A-Za-z0-9\-._~!$&'()*+;=:]+\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})*)"
    rb"(?::[0-9]*)?"
)
_TOKEN_SO_FAR = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: |\Z)")

Fields = dict[bytes, bytes]


def check_version(version: str) -> None:
    """Only 1.1 and 1.0 are served. In llhttp a bare LF passes as HTTP/0.9 (its issue 877)."""
    if version.startswith("0"):
        raise BadRequest(400, "The request line does not end in HTTP/1.1 and CRLF")
    if version not in ("1.1", "1.0"):
        raise _not_spoken(version)


def _not_spoken(version: str) -> BadRequest:
    return BadRequest(505, f"HTTP/{version} is not spoken here")


def check_protocol(data: bytes, target: bytes | bytearray) -> None:
    """RTSP/1.0 and ICE/1.0 pass in llhttp for HTTP, and it does not tell.

    `data` is what a connection begins with: no peer changes its protocol later. A request line
    whose end is not in it is believed.
    """
    _, found, rest = data.partition(b" " + target + b" ")
    if found and not rest.lstrip(b" ").startswith(b"HTTP/"):
        raise BadRequest(400, "The request line does not end in HTTP/1.1 and CRLF")


def check_host(host: bytes | None, version: str) -> None:
    """Exactly one Host field with a possible value; HTTP/1.0 may go without."""
    if host is None:
        if version == "1.1":
            raise BadRequest(400, "The Host field is missing")
    elif not _HOST.fullmatch(host):  # two fields are joined by a comma, which no host holds
        raise BadRequest(400, "The Host field is not one host and port")


def check_coding(coding: bytes, version: str) -> None:
    """Chunked and nothing else, or where the body ends is anybody's guess."""
    if version == "1.0":
        raise BadRequest(400, "HTTP/1.0 has no Transfer-Encoding")
    codings = [name.strip(b" \t") for name in coding.lower().split(b",")]
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        raise BadRequest(400, "The last transfer coding, and only the last, must be chunked")
    if len(codings) > 1:
        raise BadRequest(501, "The only transfer coding known here is chunked")


def check_expectation(expectation: bytes) -> None:
    """There is one expectation that a server can meet."""
    if expectation.lower() != b"100-continue":
        raise BadRequest(417, "The only expectation met here is 100-continue")


def has_body(fields: Fields) -> bool:
    """Whether a body follows the head."""
    return b"transfer-encoding" in fields or length_in(fields.get(b"content-length", b"0")) > 0


def head_without_upgrade(request: Request, target: bytes, version: str) -> bytes:
    """The head of a request as if it had not asked for another protocol."""
    connection = b"keep-alive" if request.keep_alive else b"close"
    kept = {**request.headers, b"connection": connection}
    for name in (b"upgrade", b"expect"):
        kept.pop(name, None)
    lines = b"".join(b"%b: %b\r\n" % field for field in kept.items())
    return b"%b %b HTTP/%b\r\n%b\r\n" % (request.method.encode(), target, version.encode(), lines)


def as_bad_request(
    error: Exception, parser: httptools.HttpRequestParser, data: bytes
) -> BadRequest:
    """The refusal for what the parser, or a callback of ours inside it, objects to in `data`."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    match cause:
        case BadRequest():
            return cause
        case FieldsTooLarge():
            return BadRequest(431, str(cause))
        case httptools.HttpParserInvalidMethodError() if _TOKEN_SO_FAR.match(data):
            return BadRequest(501, "The request method is not known")
        case httptools.HttpParserInvalidURLError():
            return BadRequest(400, "The request target holds what must be percent-encoded")
        case httptools.HttpParserError() if parser.get_method() == b"PRI":
            return BadRequest(505, "HTTP/2 is not spoken here")
        case httptools.HttpParserError() if (version := parser.get_http_version()) > "1.1":
            return _not_spoken(version)
        case httptools.HttpParserError():
            return BadRequest(400, f"Not HTTP/1.1: {cause}")
    raise error
