"""Good answers of every form arrive whole, and leave the connection as they should."""

import gzip
import zlib

import pytest

from faultwire.http.client import Reply
from faultwire.http.limits import DEFAULT_LIMITS
from tests.socket.calling import GET, get, pool_to, reply_from, run, settle
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, Script, Upstream, answers, answers_once, chunked, head, ok

OK = b"HTTP/1.1 200 OK"
CHUNKED = b"Transfer-Encoding: chunked"
BODY = b'{"echo":"hello"}'


def reply_behind(new_loop: NewLoop, script: Script) -> Reply:
    with Upstream(script) as upstream:
        return run(new_loop, reply_from(upstream.url))


def connections_for_two_calls(new_loop: NewLoop, script: Script) -> int:
    """How many connections two calls take, one after the other, both answered with BODY."""

    async def calls(url: str) -> None:
        async with pool_to(url) as pool:
            for _ in range(2):
                assert (await get(pool)).body == BODY
                await settle()

    with Upstream(script) as upstream:
        run(new_loop, calls(upstream.url))
        assert len(upstream.requests) == 2
        return upstream.connections


def test_an_answer_is_its_status_its_fields_and_its_body(new_loop: NewLoop) -> None:
    sent = head(b"HTTP/1.1 299 Odd", b"X-One: 1", b"x-two: a", b"X-TWO:b", b"content-length:2")
    reply = reply_behind(new_loop, answers(sent + b"{}"))
    fields = {b"x-one": b"1", b"x-two": b"a, b", b"content-length": b"2"}
    assert reply == Reply(299, fields, b"{}")


def test_the_request_arrives_as_it_was_given(new_loop: NewLoop) -> None:
    with Upstream(answers(ok())) as upstream:
        run(new_loop, reply_from(upstream.url))
    assert upstream.requests == [GET.removesuffix(b"\r\n\r\n")]


KEPT = {
    "a length": ok(BODY),
    "a length behind more noughts than int() reads": ok(BODY).replace(b": 16", b": %016384d" % 16),
    "a length, Connection: keep-alive": ok(BODY, b"Connection: Keep-Alive"),
    "chunks": head(OK, CHUNKED) + chunked(BODY),
    "many chunks": head(OK, CHUNKED) + chunked(*(bytes([b]) for b in BODY)),
    "chunks with extensions": head(OK, CHUNKED) + b"10;a=b\r\n" + BODY + b"\r\n0;c\r\n\r\n",
    "chunks and a trailer": head(OK, CHUNKED) + chunked(BODY, end=b"0\r\nX-Late: 1\r\n\r\n"),
    "a space behind chunked": head(OK, b"Transfer-Encoding: Chunked ") + chunked(BODY),
    "HTTP/1.0 that keeps": ok(BODY, b"Connection: keep-alive").replace(b"/1.1", b"/1.0"),
    "a field of 16 KiB": ok(BODY, b"X: " + b"x" * 16_384),
    "gzip": ok(gzip.compress(BODY), b"Content-Encoding: gzip"),
    "GZip, in chunks": head(OK, b"Content-Encoding: GZip", CHUNKED) + chunked(gzip.compress(BODY)),
    "gzip in two members": ok(
        gzip.compress(BODY[:7]) + gzip.compress(BODY[7:]), b"Content-Encoding: x-gzip"
    ),
    "deflate": ok(zlib.compress(BODY), b"Content-Encoding: deflate"),
    "deflate without a frame": ok(zlib.compress(BODY)[2:-4], b"Content-Encoding: deflate"),
    "identity": ok(BODY, b"Content-Encoding: identity"),
}


@pytest.mark.parametrize("answer", KEPT.values(), ids=KEPT)
def test_answers_after_which_the_connection_is_used_again(new_loop: NewLoop, answer: bytes) -> None:
    assert connections_for_two_calls(new_loop, answers(answer)) == 1


ENDED = {
    "Connection: close": ok(BODY, b"Connection: close"),
    "close among others": ok(BODY, b"Connection: x-hop, Close"),
    "HTTP/1.0": ok(BODY).replace(b"/1.1", b"/1.0"),
    "no length": head(OK, b"Content-Type: application/json") + BODY,
    "no length in HTTP/1.0": head(b"HTTP/1.0 200 OK") + BODY,
    "no length, Connection: keep-alive": head(OK, b"Connection: keep-alive") + BODY,
    "gzip to the end": head(OK, b"Content-Encoding: gzip") + gzip.compress(BODY),
}


@pytest.mark.parametrize("answer", ENDED.values(), ids=ENDED)
def test_answers_after_which_it_is_not(new_loop: NewLoop, answer: bytes) -> None:
    assert connections_for_two_calls(new_loop, answers_once(answer)) == 2


def test_in_http_1_0_close_outdoes_keep_alive(new_loop: NewLoop) -> None:
    answer = ok(BODY, b"Connection: keep-alive, Close").replace(b"/1.1", b"/1.0")
    assert connections_for_two_calls(new_loop, answers(answer)) == 2


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r", b"\n\n\r\n"])
def test_a_body_may_end_in_empty_lines(new_loop: NewLoop, ending: bytes) -> None:
    async def calls(url: str) -> None:
        async with pool_to(url) as pool:
            for _ in range(3):
                assert (await get(pool)).body == BODY + ending

    with Upstream(answers(ok(BODY + ending))) as upstream:
        run(new_loop, calls(upstream.url))
        assert upstream.connections == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("field", [b"X: y", b"Content-Length: 9999999", CHUNKED])
def test_an_answer_without_a_body_ends_with_its_head(
    new_loop: NewLoop, status: bytes, field: bytes
) -> None:
    reply = reply_behind(new_loop, answers(head(b"HTTP/1.1 " + status, field)))
    assert (reply.status, reply.body) == (int(status[:3]), b"")


def test_an_empty_body_is_in_any_coding(new_loop: NewLoop) -> None:
    reply = reply_behind(new_loop, answers(ok(b"", b"Content-Encoding: gzip")))
    assert reply.body == b""


@pytest.mark.parametrize("coding", [b"br", b"gzip", b"deflate"])
def test_an_error_in_a_coding_that_cannot_be_undone_is_still_that_error(
    new_loop: NewLoop, coding: bytes
) -> None:
    answer = ok(b"?", b"Content-Encoding: " + coding, status=b"503 Service Unavailable")
    reply = reply_behind(new_loop, answers(answer))
    assert (reply.status, reply.body) == (503, b"?")


@pytest.mark.parametrize(
    "interim",
    [
        head(b"HTTP/1.1 100 Continue"),
        head(b"HTTP/1.1 103 Early Hints", b"Link: </a>; rel=preload", b"Content-Length: 9999999"),
        head(b"HTTP/1.1 102 Processing") * 100,
        head(b"HTTP/1.1 100 Continue") + head(b"HTTP/1.1 103 Early Hints", b"X: y"),
    ],
)
@pytest.mark.parametrize("one_packet", [True, False])
def test_interim_answers_are_skipped(new_loop: NewLoop, interim: bytes, one_packet: bool) -> None:
    def script(peer: Peer) -> None:
        while True:
            peer.request()
            for data in (interim + ok(),) if one_packet else (interim, ok()):
                peer.send(data)

    async def calls(url: str) -> list[Reply]:
        async with pool_to(url) as pool:
            return [await get(pool) for _ in range(2)]

    with Upstream(script) as upstream:
        replies = run(new_loop, calls(upstream.url))
        assert upstream.connections == 1
    fields = {b"content-type": b"application/json", b"content-length": b"16"}
    assert replies == [Reply(200, fields, BODY)] * 2


@pytest.mark.parametrize("answer", [ok(BODY), head(OK, CHUNKED) + chunked(BODY[:4], BODY[4:])])
def test_an_answer_may_come_byte_by_byte(new_loop: NewLoop, answer: bytes) -> None:
    def script(peer: Peer) -> None:
        while True:
            peer.request()
            for byte in answer:
                peer.send(bytes([byte]))

    assert connections_for_two_calls(new_loop, script) == 1


def test_a_body_of_exactly_the_bound_is_read(new_loop: NewLoop) -> None:
    size = DEFAULT_LIMITS.body_bytes
    for answer in (ok(b"x" * size), head(OK, CHUNKED) + chunked(b"x" * 7, b"x" * (size - 7))):
        assert len(reply_behind(new_loop, answers(answer)).body) == size


def test_an_answer_that_comes_before_the_request_is_read_is_one(new_loop: NewLoop) -> None:
    """As a server's that has too many connections."""

    def script(peer: Peer) -> None:
        peer.send(ok(status=b"503 Service Unavailable"))
        peer.request()
        peer.wait_until_gone()

    assert reply_behind(new_loop, script).status == 503
