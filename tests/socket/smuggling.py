"""Requests about whose end, or number, two readers could disagree, and what must happen to each.

Where a proxy and a server see different requests in the same bytes, one client's request becomes
part of another's. So whatever has two readings is refused and its connection closed: no byte
after it is read as a request. Written from RFC 9112 (sections 2.2, 3, 5, 6, 7 and 11.2) and from
the kinds of attack that are publicly known; `SMUGGLED` is the request that must never arrive.
"""

from typing import NamedTuple

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LINE = b"POST /p HTTP/1.1\r\nHost: a\r\n"
CHUNKED = LINE + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


class Case(NamedTuple):
    """`sent` is answered with `statuses`, of which the ones of `reached` come from the app.

    The connection is closed after the last answer unless `stays_open`.
    """

    name: str
    sent: bytes
    statuses: tuple[int, ...]
    reached: tuple[bytes, ...] = ()
    stays_open: bool = False


def refused(name: str, sent: bytes, status: int = 400) -> Case:
    """Not one request reaches the app."""
    return Case(name, sent + SMUGGLED, (status,))


def read(name: str, sent: bytes, *paths: bytes) -> Case:
    """There is one reading, and this is it."""
    return Case(name, sent, (200,) * len(paths), paths, stays_open=True)


# ruff: noqa: E501 - one case, one line
# fmt: off
CASES = [
    # Two lengths.
    refused("CL.CL that differ", LINE + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    refused("CL.CL alike", LINE + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    refused("CL list", LINE + b"Content-Length: 5, 5\r\n\r\nhello"),
    refused("CL list that differs", LINE + b"Content-Length: 5, 6\r\n\r\nhello"),
    refused("CL with a plus", LINE + b"Content-Length: +5\r\n\r\nhello"),
    refused("CL with a minus", LINE + b"Content-Length: -5\r\n\r\nhello"),
    refused("CL minus nought", LINE + b"Content-Length: -0\r\n\r\n"),
    refused("CL in hex", LINE + b"Content-Length: 0x5\r\n\r\nhello"),
    refused("CL with an underscore", LINE + b"Content-Length: 1_0\r\n\r\n0123456789"),
    refused("CL with a fraction", LINE + b"Content-Length: 5.0\r\n\r\nhello"),
    refused("CL with an exponent", LINE + b"Content-Length: 1e1\r\n\r\n0123456789"),
    refused("CL with a blank in it", LINE + b"Content-Length: 5 0\r\n\r\nhello"),
    refused("CL with a parameter", LINE + b"Content-Length: 5;a=b\r\n\r\nhello"),
    refused("CL in quotes", LINE + b'Content-Length: "5"\r\n\r\nhello'),
    refused("CL empty", LINE + b"Content-Length:\r\n\r\n"),
    refused("CL of blanks", LINE + b"Content-Length:  \t\r\n\r\n"),
    refused("CL beyond 64 bits", LINE + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
    refused("CL beyond the bound", LINE + b"Content-Length: 18446744073709551615\r\n\r\n", 413),
    refused("CL in foreign digits", LINE + "Content-Length: \u0665\r\n\r\nhello".encode()),
    refused("CL with a vertical tab", LINE + b"Content-Length: \x0b5\r\n\r\nhello"),
    refused("CL with a NUL", LINE + b"Content-Length: 5\0\r\n\r\nhello"),
    read("CL with noughts before", LINE + b"Content-Length: 0005\r\n\r\nhello" + SMUGGLED, b"/p", b"/smuggled"),
    read("CL with more noughts than int() reads", LINE + b"Content-Length: " + b"0" * 5000 + b"5\r\n\r\nhello" + SMUGGLED, b"/p", b"/smuggled"),
    # A length and a coding.
    refused("CL.TE", LINE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("TE.CL", LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + HELLO),
    refused("CL 0 and TE", LINE + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("CL and a TE that is unknown", LINE + b"Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\nhello"),
    refused("CL and TE identity", LINE + b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello"),
    # Codings that are not quite chunked.
    refused("TE.TE", LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("TE.TE identity last", LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + HELLO),
    refused("TE.TE identity first", LINE + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO, 501),
    refused("TE list", LINE + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + HELLO),
    refused("TE chunked not last", LINE + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + HELLO),
    refused("TE gzip, chunked", LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + HELLO, 501),
    refused("TE with an empty element", LINE + b"Transfer-Encoding: , chunked\r\n\r\n" + HELLO, 501),
    refused("TE with a comma after it", LINE + b"Transfer-Encoding: chunked,\r\n\r\n" + HELLO),
    refused("TE xchunked", LINE + b"Transfer-Encoding: xchunked\r\n\r\n" + HELLO),
    refused("TE chunkedx", LINE + b"Transfer-Encoding: chunkedx\r\n\r\n" + HELLO),
    refused("TE chunked with a parameter", LINE + b"Transfer-Encoding: chunked;q=1\r\n\r\n" + HELLO),
    refused("TE in quotes", LINE + b'Transfer-Encoding: "chunked"\r\n\r\n' + HELLO),
    refused("TE identity", LINE + b"Transfer-Encoding: identity\r\n\r\n" + HELLO),
    refused("TE gzip", LINE + b"Transfer-Encoding: gzip\r\n\r\n" + HELLO),
    refused("TE empty", LINE + b"Transfer-Encoding:\r\n\r\n" + HELLO),
    refused("TE with a vertical tab", LINE + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + HELLO),
    refused("TE with a NUL", LINE + b"Transfer-Encoding: chunked\0\r\n\r\n" + HELLO),
    refused("TE with a tab in it", LINE + b"Transfer-Encoding: chun\tked\r\n\r\n" + HELLO),
    refused("TE in HTTP/1.0", b"POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("TE in HTTP/1.0 kept alive", b"POST /p HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    read("TE in capitals", LINE + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + HELLO + SMUGGLED, b"/p", b"/smuggled"),
    # Names that are not quite the name.
    refused("CL with a blank before the colon", LINE + b"Content-Length : 5\r\n\r\nhello"),
    refused("CL with a tab before the colon", LINE + b"Content-Length\t: 5\r\n\r\nhello"),
    refused("TE with a blank before the colon", LINE + b"Transfer-Encoding : chunked\r\n\r\n" + HELLO),
    refused("TE with a line end before the colon", LINE + b"Transfer-Encoding\r\n: chunked\r\n\r\n" + HELLO),
    refused("TE with a NUL in its name", LINE + b"Transfer\0-Encoding: chunked\r\n\r\n" + HELLO),
    refused("TE with a high byte in its name", LINE + b"Transfer-Encoding\x80: chunked\r\n\r\n" + HELLO),
    refused("a name of nothing", LINE + b": x\r\n\r\n"),
    refused("a field without a colon", LINE + b"Content-Length 5\r\n\r\nhello"),
    refused("a blank before the first field", b"POST /p HTTP/1.1\r\n Host: a\r\nContent-Length: 5\r\n\r\nhello"),
    Case("CL spelled with an underscore is another field", LINE + b"Content_Length: 5\r\n\r\n" + SMUGGLED, (200, 200), (b"/p", b"/smuggled"), stays_open=True),
    # Lines that end otherwise than by CRLF.
    refused("obs-fold", LINE + b"A: b\r\n c\r\n\r\n"),
    refused("obs-fold with a tab", LINE + b"A: b\r\n\tc\r\n\r\n"),
    refused("obs-fold before TE's value", LINE + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + HELLO),
    refused("obs-fold that hides a length", LINE + b"A: b\r\n Content-Length: 5\r\n\r\nhello"),
    refused("bare LF everywhere", b"POST /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello"),
    refused("bare LF after the request line", b"POST /p HTTP/1.1\nHost: a\r\n\r\n"),
    refused("bare LF after a field", LINE + b"A: b\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("bare LF as the end of the head", LINE + b"A: b\r\n\n"),
    refused("bare CR in a field", LINE + b"A: b\rTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("CR CR LF", LINE + b"A: b\r\r\n\r\n"),
    refused("bare CR as the end of the head", LINE + b"\r" + SMUGGLED),
    refused("NUL in a value", LINE + b"A: b\0c\r\n\r\n"),
    refused("a line without a version, by LF", b"GET /p\n" + SMUGGLED),
    refused("a line without a version, by CRLF", b"GET /p\r\n\r\n"),
    # Chunks.
    refused("a chunk size with a sign", CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size below nought", CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size with 0x", CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size with an underscore", CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size of nothing", CHUNKED + b"\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size of an extension alone", CHUNKED + b";a\r\nhello\r\n0\r\n\r\n"),
    refused("a blank before a chunk size", CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n"),
    refused("a blank after a chunk size", CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size beyond 64 bits", CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk size ended by LF", CHUNKED + b"5\nhello\r\n0\r\n\r\n"),
    refused("a chunk size ended by CR", CHUNKED + b"5\rhello\r\n0\r\n\r\n"),
    refused("a chunk size ended by CR CR LF", CHUNKED + b"5\r\r\nhello\r\n0\r\n\r\n"),
    refused("a chunk ended by LF", CHUNKED + b"5\r\nhello\n0\r\n\r\n"),
    refused("a chunk ended by nothing", CHUNKED + b"5\r\nhello0\r\n\r\n"),
    refused("a chunk ended by any two bytes", CHUNKED + b"5\r\nhelloXX0\r\n\r\n"),
    refused("a chunk longer than it says", CHUNKED + b"4\r\nhello\r\n0\r\n\r\n"),
    refused("an extension with LF", CHUNKED + b"5;a\nhello\r\n0\r\n\r\n"),
    refused("an extension with CR", CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    refused("an extension with LF in quotes", CHUNKED + b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
    refused("an extension with a NUL", CHUNKED + b"5;a=\0\r\nhello\r\n0\r\n\r\n"),
    refused("the last chunk ended by LF", CHUNKED + b"5\r\nhello\r\n0\n\r\n"),
    refused("the last chunk's empty line as LF", CHUNKED + b"5\r\nhello\r\n0\r\n\n"),
    refused("a trailer with a length", CHUNKED + b"0\r\nContent-Length: 5\r\n\r\nhello"),
    refused("a trailer with a coding", CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refused("a trailer folded", CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n"),
    refused("a trailer with LF", CHUNKED + b"0\r\nA: b\n\r\n"),
    refused("a trailer with a blank before the colon", CHUNKED + b"0\r\nA : b\r\n\r\n"),
    read("a trailer that names another host", CHUNKED + b"0\r\nHost: b\r\n\r\n" + SMUGGLED, b"/p", b"/smuggled"),
    Case("a trailer that closes: what follows is refused", CHUNKED + b"0\r\nConnection: close\r\n\r\n" + SMUGGLED, (200, 400), (b"/p",)),
    read("a trailer that upgrades", CHUNKED + b"0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED, b"/p", b"/smuggled"),
    # Who is asked.
    refused("no Host", b"GET /p HTTP/1.1\r\n\r\n"),
    refused("two Hosts", b"GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    refused("two Hosts alike", b"GET /p HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    refused("two Hosts in HTTP/1.0", b"GET /p HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    refused("a Host with a blank", b"GET /p HTTP/1.1\r\nHost: a b\r\n\r\n"),
    refused("a Host with a path", b"GET /p HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    refused("a Host with a user", b"GET /p HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    refused("a Host with a comma", b"GET /p HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    refused("a Host in raw UTF-8", "GET /p HTTP/1.1\r\nHost: ä\r\n\r\n".encode()),
    refused("a Host with a port that is none", b"GET /p HTTP/1.1\r\nHost: a:http\r\n\r\n"),
    refused("a Host with two ports", b"GET /p HTTP/1.1\r\nHost: a:80:81\r\n\r\n"),
    refused("a Host that is half an address", b"GET /p HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    refused("a Host with an address in no brackets", b"GET /p HTTP/1.1\r\nHost: ::1\r\n\r\n"),
    refused("a Host with a bad escape", b"GET /p HTTP/1.1\r\nHost: a%zz\r\n\r\n"),
    read("an empty Host", b"GET /p HTTP/1.1\r\nHost:\r\n\r\n", b"/p"),
    read("a Host with port", b"GET /p HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", b"/p"),
    read("no Host in HTTP/1.0", b"GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"/p"),
    # What is asked.
    refused("a target with a fragment", b"GET /p#f HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target with a NUL", b"GET /p\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target with a tab", b"GET /p\tq HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target with a blank", b"GET /p q HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target with raw bytes", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target with a bad escape", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target of a name", b"GET p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a target of a query", b"GET ?p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a URL without a host", b"GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a URL of another scheme", b"GET ftp://a/p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    refused("CONNECT with a body", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 501),
    refused("an unknown method", b"BREW /p HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    refused("a method in small letters", b"get /p HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    refused("a blank before the method", b" GET /p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a tab after the method", b"GET\t/p HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a NUL before the method", b"\0GET /p HTTP/1.1\r\nHost: a\r\n\r\n"),
    # Which protocol is spoken.
    refused("RTSP", b"GET /p RTSP/1.0\r\nHost: a\r\n\r\n"),
    refused("RTSP that keeps the connection", b"GET /p RTSP/1.1\r\nHost: a\r\n\r\n"),
    refused("RTSP about all", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    refused("RTSP behind more blanks", b"\r\nGET  /p  RTSP/1.0\r\nHost: a\r\n\r\n"),
    refused("ICE", b"SOURCE /p ICE/1.0\r\nHost: a\r\n\r\n"),
    refused("HTTP/0.9 by name", b"GET /p HTTP/0.9\r\nHost: a\r\n\r\n"),
    refused("HTTP/1.2", b"GET /p HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    refused("HTTP/2.0", b"GET /p HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    refused("HTTP/3.0", b"GET /p HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    refused("HTTP/1.10", b"GET /p HTTP/1.10\r\nHost: a\r\n\r\n"),
    refused("HTTP/11", b"GET /p HTTP/11\r\nHost: a\r\n\r\n"),
    refused("http/1.1", b"GET /p http/1.1\r\nHost: a\r\n\r\n"),
    refused("a blank after the version", b"GET /p HTTP/1.1 \r\nHost: a\r\n\r\n"),
    refused("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    refused("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    refused("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    refused("a SOCKS greeting", b"\x05\x01\x00"),
    refused("an unknown expectation", LINE + b"Expect: miracles\r\nContent-Length: 5\r\n\r\nhello", 417),
    read("an upgrade that is ignored: what follows is HTTP/1.1 as before", b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED, b"/p", b"/smuggled"),
    read("an upgrade with a length", LINE + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello" + SMUGGLED, b"/p", b"/smuggled"),
    read("an upgrade with chunks", LINE + b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO + SMUGGLED, b"/p", b"/smuggled"),
    read("an upgrade whose body is a request", LINE + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED, b"/p"),
    refused("an upgrade that closes, with bad chunks", LINE + b"Connection: close, upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\nx"),
    refused("an upgrade with bad chunks", LINE + b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\nx"),
    # A request within a body is a body.
    read("a request in a body", LINE + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED, b"/p"),
    read("a request in a chunk", CHUNKED + b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n", b"/p"),
    read("a request in a GET's body", b"GET /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED, b"/p"),
    read("a body that HEAD has as well", b"HEAD /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED, b"/p"),
    Case("what follows a request that closes", b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + SMUGGLED, (200,), (b"/p",)),
    Case("what follows HTTP/1.0", b"GET /p HTTP/1.0\r\n\r\n" + SMUGGLED, (200,), (b"/p",)),
    Case("a good request before a bad one", SMUGGLED + b"GET /p HTTP/1.1\r\n\r\n", (200, 400), (b"/smuggled",)),
]
# fmt: on
