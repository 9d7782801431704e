"""Heads: read without a change, edited without touching the rest."""

import pytest

from faultwire.wire.stream.framing import (
    CHUNKED,
    NONE,
    UNTIL_CLOSE,
    Framing,
    NotUnderstood,
    framing,
)
from faultwire.wire.stream.head import Head

REQUEST = Head(
    b"POST /a%20b?c=\xff HTTP/1.1\r\nHost: a\r\nX-Latin:\t\xe4 \r\nx-twice: 1\r\nX-TWICE: 2\r\n\r\n"
)
ANSWER = Head(b"HTTP/1.1 404 Not Found at all\r\nContent-Type: text/plain\r\nX: Host: b\r\n\r\n")


def test_a_request_is_read() -> None:
    assert (REQUEST.method, REQUEST.target) == ("POST", b"/a%20b?c=\xff")
    assert REQUEST.field(b"host") == b"a"
    assert REQUEST.field(b"x-latin") == b"\xe4"
    assert REQUEST.field(b"X-Twice") == b"1"
    assert REQUEST.field(b"twice") is None


def test_an_answer_is_read() -> None:
    assert ANSWER.status == 404
    assert ANSWER.field(b"content-TYPE") == b"text/plain"
    assert ANSWER.field(b"Host") is None


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"GET", b"\xff\xfe \n", b"HTTP/1.1 2x0 OK\r\n\r\n"])
def test_what_cannot_be_read_is_empty(raw: bytes) -> None:
    head = Head(raw)
    assert head.status == 0
    assert head.field(b"a") is None
    assert isinstance(head.method, str)
    assert isinstance(head.target, bytes)


def test_a_field_is_added_behind_the_others() -> None:
    assert ANSWER.with_field(b"X-Fault", b"latency").raw == (
        b"HTTP/1.1 404 Not Found at all\r\nContent-Type: text/plain\r\nX: Host: b\r\n"
        b"X-Fault: latency\r\n\r\n"
    )
    assert Head(b"HTTP/1.1 200 OK\r\n\r\n").with_field(b"A", b"b").raw == (
        b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    )


def test_every_field_of_a_name_is_removed() -> None:
    assert REQUEST.without_field(b"x-twice").raw == (
        b"POST /a%20b?c=\xff HTTP/1.1\r\nHost: a\r\nX-Latin:\t\xe4 \r\n\r\n"
    )
    assert REQUEST.without_field(b"absent") == REQUEST


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"", Framing(NONE, closing=False)),
        (b"Content-Length: 7\r\n", Framing(7, closing=False)),
        (b"content-length:\t 007 \r\n", Framing(7, closing=False)),
        (b"Transfer-Encoding: Chunked\r\n", Framing(CHUNKED, closing=False)),
        (b"Transfer-Encoding: a\r\ntransfer-encoding: chunked \r\n", Framing(CHUNKED, False)),
        (b"Transfer-Encoding: gzip\r\n", Framing(UNTIL_CLOSE, closing=False)),
        (b"Connection: Upgrade, Close\r\n", Framing(NONE, closing=True)),
        (b"Connection: keep-alive\r\n", Framing(NONE, closing=False)),
        (b"A: b\r\n Content-Length: 9\r\n", Framing(NONE, closing=False)),
        (b"XContent-Length: 9\r\nContent-Lengthy: 9\r\n", Framing(NONE, False)),
    ],
)
def test_the_length_of_a_body_is_read(fields: bytes, expected: Framing) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n"
    assert framing(head, 15, http_1_0=False) == expected


def test_http_1_0_closes_unless_it_says_otherwise() -> None:
    for fields, closing in ((b"", True), (b"Connection: keep-alive\r\n", False)):
        head = b"HTTP/1.0 200 OK\r\n" + fields + b"\r\n"
        assert framing(head, 15, http_1_0=True).closing is closing


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\nA: b\r\n",
        b"Content-Length: 1\r\n\t2\r\n",
        b"Content-Length: 1\r2\r\n",
        b"Content-Length : 1\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: 1_0\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: \xb2\r\n",
        b"Content-Length: 1234567890123456789\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
    ],
)
def test_a_length_without_one_meaning_is_not_understood(fields: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n"
    with pytest.raises(NotUnderstood):
        framing(head, 15, http_1_0=False)
