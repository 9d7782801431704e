"""Every kind of failure of a call is told apart, on real sockets and on both event loops."""

import gzip
import threading
import zlib

import pytest

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http.limits import DEFAULT_LIMITS
from tests.ports import unused_port
from tests.socket.calling import (
    LONG_S,
    failure_from,
    failure_of,
    get,
    pool_to,
    run,
    timed,
    until,
)
from tests.socket.serving import NewLoop
from tests.socket.upstreams import (
    FullBacklog,
    Peer,
    Script,
    Upstream,
    answers,
    answers_once,
    chunked,
    drips,
    head,
    ok,
    resets,
    stalls,
)

OK = b"HTTP/1.1 200 OK"
CHUNKED = b"Transfer-Encoding: chunked"
LIMITS = DEFAULT_LIMITS._replace(header_bytes=1000, header_count=10, body_bytes=1000)


def told(failure: Failure) -> tuple[FailureKind, Phase | None]:
    return failure.kind, failure.phase


def failure_behind(new_loop: NewLoop, script: Script, timeout_s: float = LONG_S) -> Failure:
    with Upstream(script) as upstream:
        failure = run(new_loop, failure_from(upstream.url, timeout_s=timeout_s, limits=LIMITS))
        assert f"127.0.0.1:{upstream.port}" in failure.detail
        assert upstream.connections == 1, "a first connection's failure is not tried again"
    assert failure.detail.isprintable()
    return failure


def test_a_refused_connection_is_told_in_milliseconds(new_loop: NewLoop) -> None:
    port = unused_port()
    failure, took_s = run(new_loop, timed(failure_from(f"http://127.0.0.1:{port}")))
    assert told(failure) == (FailureKind.CONNECTION_REFUSED, Phase.CONNECT)
    assert failure.detail == f"[Errno 111] Connection refused: 127.0.0.1:{port}"
    assert took_s < 0.5


def test_a_handshake_that_never_ends_is_a_connect_timeout(new_loop: NewLoop) -> None:
    with FullBacklog() as full:
        failure, took_s = run(new_loop, timed(failure_from(full.url, timeout_s=0.2)))
    assert told(failure) == (FailureKind.CONNECT_TIMEOUT, Phase.CONNECT)
    assert 0.19 < took_s < 1


def test_a_reset_before_the_answer(new_loop: NewLoop) -> None:
    failure = failure_behind(new_loop, resets())
    assert told(failure) == (FailureKind.CONNECTION_RESET, Phase.FIRST_BYTE)
    assert failure.detail.startswith("[Errno 104] Connection reset by peer: ")


def test_a_reset_on_accept(new_loop: NewLoop) -> None:
    failure = failure_behind(new_loop, Peer.reset)
    assert failure.kind is FailureKind.CONNECTION_RESET


BEGUN = [
    (OK[:4], Phase.HEADERS),
    (OK + b"\r\nContent-Length: 5\r\n", Phase.HEADERS),
    (b"HTTP/1.1 100 Continue\r\n\r\n", Phase.HEADERS),
    (head(OK, b"Content-Length: 5") + b"abc", Phase.BODY),
    (head(OK, CHUNKED) + b"5\r\nabc", Phase.BODY),
]
BEGUN_TO_THE_END = [(head(OK) + b"abc", Phase.BODY)]  # by FIN it would be whole


class TestAnAnswerThatIsCutShort:
    @pytest.mark.parametrize(("sent", "phase"), BEGUN + BEGUN_TO_THE_END)
    def test_by_a_reset(self, new_loop: NewLoop, sent: bytes, phase: Phase) -> None:
        heard = threading.Event()

        async def call() -> Failure:
            async with pool_to(upstream.url) as pool:
                call = get(pool)
                await until(lambda: sum(c._bytes for c in pool._open) == len(sent))
                heard.set()
                return await failure_of(call)

        with Upstream(resets(sent, heard=heard)) as upstream:
            failure = run(new_loop, call())
        assert told(failure) == (FailureKind.CONNECTION_RESET, phase)

    @pytest.mark.parametrize(("sent", "phase"), BEGUN)
    def test_by_the_end_of_the_connection(
        self, new_loop: NewLoop, sent: bytes, phase: Phase
    ) -> None:
        failure = failure_behind(new_loop, answers_once(sent))
        assert told(failure) == (FailureKind.RESPONSE_TRUNCATED, phase)

    @pytest.mark.parametrize(("sent", "phase"), BEGUN + BEGUN_TO_THE_END)
    def test_by_the_deadline(self, new_loop: NewLoop, sent: bytes, phase: Phase) -> None:
        failure = failure_behind(new_loop, stalls(sent), 0.1)
        assert told(failure) == (FailureKind.RESPONSE_TIMEOUT, phase)


def test_a_connection_that_is_closed_without_a_byte(new_loop: NewLoop) -> None:
    failure = failure_behind(new_loop, answers_once(b""))
    assert told(failure) == (FailureKind.EMPTY_RESPONSE, Phase.FIRST_BYTE)


def test_a_connection_that_is_closed_on_accept(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        peer.finish()
        peer.wait_until_gone()

    failure = failure_behind(new_loop, script)
    assert told(failure) == (FailureKind.EMPTY_RESPONSE, Phase.FIRST_BYTE)


def test_no_byte_before_the_deadline(new_loop: NewLoop) -> None:
    failure = failure_behind(new_loop, stalls(), 0.1)
    assert told(failure) == (FailureKind.RESPONSE_TIMEOUT, Phase.FIRST_BYTE)
    assert "did not answer in 0.1 s (waiting for the first byte)" in failure.detail


MALFORMED = {
    "garbage": b"\x16\x03\x01\x02garbage",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "RTSP": head(b"RTSP/1.0 200 OK", b"Content-Length: 0"),
    "an empty line first": b"\r\n" + ok(),
    "HTTP/2.0": head(b"HTTP/2.0 200 OK", b"Content-Length: 0"),
    "HTTP/0.9": head(b"HTTP/0.9 200 OK", b"Content-Length: 0"),
    "HTTP/1.2": head(b"HTTP/1.2 200 OK", b"Content-Length: 0"),
    "no status": head(b"HTTP/1.1 OK", b"Content-Length: 0"),
    "a status of two digits": head(b"HTTP/1.1 20 OK", b"Content-Length: 0"),
    "a status below 100": head(b"HTTP/1.1 099 OK", b"Content-Length: 0"),
    "a status of four digits": head(b"HTTP/1.1 2000 OK", b"Content-Length: 0"),
    "101, unasked": head(b"HTTP/1.1 101 Switching Protocols"),
    "101 with Upgrade": head(b"HTTP/1.1 101 Hm", b"Upgrade: h2c", b"Connection: Upgrade"),
    "a bare LF after the status": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nab",
    "a bare LF after a field": OK + b"\r\nContent-Length: 2\n\r\nab",
    "a bare LF as the empty line": OK + b"\r\nContent-Length: 2\r\n\nab",
    "bare LFs throughout": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "a bare CR": head(OK, b"A: b\rContent-Length: 0"),
    "a NUL in a field": head(OK, b"A: b\x00c", b"Content-Length: 0"),
    "a field without a colon": head(OK, b"nonsense", b"Content-Length: 0"),
    "a space before the colon": head(OK, b"Content-Length : 2") + b"ab",
    "a folded field": head(OK, b"A: b", b" c", b"Content-Length: 0"),
    "two lengths": head(OK, b"Content-Length: 2", b"Content-Length: 3") + b"ab",
    "one length twice": head(OK, b"Content-Length: 2", b"Content-Length: 2") + b"ab",
    "a list of lengths": head(OK, b"Content-Length: 2, 2") + b"ab",
    "a negative length": head(OK, b"Content-Length: -2"),
    "a length with a sign": head(OK, b"Content-Length: +2") + b"ab",
    "a length beyond 64 bits": head(OK, b"Content-Length: 18446744073709551617"),
    "an empty length": head(OK, b"Content-Length:"),
    "a length and chunks": head(OK, b"Content-Length: 7", CHUNKED) + chunked(b"ab"),
    "chunks and a length": head(OK, CHUNKED, b"Content-Length: 7") + chunked(b"ab"),
    "an unknown transfer coding": head(OK, b"Transfer-Encoding: gzip"),
    "a coding beside chunked": head(OK, b"Transfer-Encoding: gzip, chunked") + chunked(b"ab"),
    "chunked twice": head(OK, CHUNKED, CHUNKED) + chunked(b"ab"),
    "chunks in HTTP/1.0": head(b"HTTP/1.0 200 OK", CHUNKED) + chunked(b"ab"),
    "a chunk size that is none": head(OK, CHUNKED) + b"xyz\r\nab\r\n0\r\n\r\n",
    "a chunk size in C's notation": head(OK, CHUNKED) + b"0x2\r\nab\r\n0\r\n\r\n",
    "a chunk that is too long": head(OK, CHUNKED) + b"2\r\nabc\r\n0\r\n\r\n",
    "a chunk that ends in LF": head(OK, CHUNKED) + b"2\r\nab\n0\r\n\r\n",
    "a chunk size that ends in LF": head(OK, CHUNKED) + b"2\nab\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": head(OK, CHUNKED) + b"10000000000000002\r\nab\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_http(new_loop: NewLoop, sent: bytes) -> None:
    failure = failure_behind(new_loop, stalls(sent))
    assert failure.kind is FailureKind.RESPONSE_MALFORMED
    assert failure.phase in (Phase.HEADERS, Phase.BODY)
    assert "did not answer in HTTP/1.1: " in failure.detail


def test_the_second_of_two_heads_must_be_http_as_well(new_loop: NewLoop) -> None:
    sent = head(b"HTTP/1.1 103 Early Hints") + head(b"HTTP/2.0 200 OK", b"Content-Length: 0")
    failure = failure_behind(new_loop, stalls(sent))
    assert told(failure) == (FailureKind.RESPONSE_MALFORMED, Phase.HEADERS)


TOO_LARGE = {
    "fields": (head(OK, *[b"A%d: %b" % (n, b"x" * 200) for n in range(6)]), Phase.HEADERS),
    "one field": (head(OK, b"A: " + b"x" * 2000), Phase.HEADERS),
    "the number of fields": (head(OK, *[b"A%d: x" % n for n in range(11)]), Phase.HEADERS),
    "the number of lines of a field": (head(OK, *[b"A: x"] * 11), Phase.HEADERS),
    "a field that does not end": (OK + b"\r\nA: " + b"x" * 40_000, Phase.HEADERS),
    "a reason that does not end": (b"HTTP/1.1 200 " + b"O" * 40_000, Phase.HEADERS),
    "interim answers": (head(b"HTTP/1.1 103 Early Hints") * 2_000, Phase.HEADERS),
    "the promised length": (head(OK, b"Content-Length: 1001"), Phase.BODY),
    "a chunk": (head(OK, CHUNKED) + chunked(b"x" * 1001), Phase.BODY),
    "many chunks": (head(OK, CHUNKED) + b"2\r\nab\r\n" * 501, Phase.BODY),
    "a body to the end": (head(OK) + b"x" * 1001, Phase.BODY),
    "an extension": (head(OK, CHUNKED) + b"1;" + b"x" * 40_000, Phase.BODY),
    "a trailer": (head(OK, CHUNKED) + b"0\r\nA: " + b"x" * 40_000, Phase.BODY),
    "trailers": (head(OK, CHUNKED) + b"0\r\n" + b"A: x\r\n" * 8_000, Phase.BODY),
}


@pytest.mark.parametrize(("sent", "phase"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_over_a_bound(new_loop: NewLoop, sent: bytes, phase: Phase) -> None:
    failure = failure_behind(new_loop, stalls(sent))
    assert told(failure) == (FailureKind.RESPONSE_TOO_LARGE, phase)
    assert "sent too much: " in failure.detail


@pytest.mark.parametrize("before", [b"", head(OK), head(OK, CHUNKED)])
def test_an_endless_answer_at_full_speed_ends_at_the_bound(
    new_loop: NewLoop, before: bytes
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(before)
        while True:
            peer.send(head(b"HTTP/1.1 103 Hm") * 99 if not before else b"1;x\r\n.\r\n" * 999)

    failure = failure_behind(new_loop, script)
    assert failure.kind is FailureKind.RESPONSE_TOO_LARGE


ZEROS = bytes(4 << 20)
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BOMBS = {
    "gzip": (b"gzip", gzip.compress(ZEROS)),
    "two gzip members": (b"x-gzip", gzip.compress(bytes(5000)) * 2),
    "deflate": (b"deflate", zlib.compress(ZEROS)),
    "deflate without a frame": (b"deflate", RAW.compress(ZEROS) + RAW.flush()),
}


@pytest.mark.parametrize(("coding", "body"), BOMBS.values(), ids=BOMBS)
def test_a_compression_bomb_is_too_large(new_loop: NewLoop, coding: bytes, body: bytes) -> None:
    limits = DEFAULT_LIMITS._replace(body_bytes=8000)
    assert len(body) < limits.body_bytes
    with Upstream(answers(ok(body, b"Content-Encoding: " + coding))) as upstream:
        failure = run(new_loop, failure_from(upstream.url, limits=limits))
    assert told(failure) == (FailureKind.RESPONSE_TOO_LARGE, Phase.BODY)


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"not compressed", b"Content-Encoding: gzip"),
        ok(b"not compressed", b"Content-Encoding: deflate"),
        ok(b"not brotli", b"Content-Encoding: br"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_invalid(new_loop: NewLoop, answer: bytes) -> None:
    failure = failure_behind(new_loop, answers(answer))
    assert told(failure) == (FailureKind.RESPONSE_INVALID, Phase.BODY)


DRIPS = {
    "status line": (b"", b"HTTP/1.1 200 O" + b"K" * 10_000, Phase.HEADERS),
    "fields": (OK + b"\r\n", b"A: b\r\n", Phase.HEADERS),
    "interim answers": (b"", head(b"HTTP/1.1 103 Hm"), Phase.HEADERS),
    "chunks": (head(OK, CHUNKED), b"1\r\nx\r\n", Phase.BODY),
    "a body to the end": (head(OK), b"x", Phase.BODY),
    "a body of known length": (head(OK, b"Content-Length: 999999"), b"x", Phase.BODY),
}


@pytest.mark.parametrize(("before", "data", "phase"), DRIPS.values(), ids=DRIPS)
def test_an_answer_byte_by_byte_ends_at_the_deadline(
    new_loop: NewLoop, before: bytes, data: bytes, phase: Phase
) -> None:
    with Upstream(drips(before, data)) as upstream:
        failure, took_s = run(new_loop, timed(failure_from(upstream.url, timeout_s=0.2)))
        upstream.wait_for(over=1)
    assert told(failure) == (FailureKind.RESPONSE_TIMEOUT, phase)
    assert 0.19 < took_s < 1
