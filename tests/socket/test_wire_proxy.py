"""The wire changes nothing: what each side receives is what it receives without a wire."""

import queue
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.socket.serving import NewLoop
from tests.socket.upstreams import Gone, Peer
from tests.socket.wires import Caller, Upstream, Wired, wired
from tests.unit.test_wire_stream import Message, answers, bytewise, cuts, requests


class Talk(NamedTuple):
    """What a client says, what the upstream answers when it has heard it, who ends it."""

    said: bytes
    answered: bytes
    upstream_ends: bool = False


class Heard(NamedTuple):
    """What both sides have received, and how it ended."""

    by_upstream: bytes
    upstream_saw: str
    by_client: bytes
    client_saw: str


class Listener:
    """An upstream's script: it plays the talk that is next, and tells what it has heard."""

    def __init__(self) -> None:
        self.talks: queue.SimpleQueue[tuple[Talk, list[bytes]]] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[tuple[bytes, str]] = queue.SimpleQueue()

    def __call__(self, peer: Peer) -> None:
        talk, answers = self.talks.get()
        heard = b""
        while len(heard) < len(talk.said):
            heard += peer._receive()
        for piece in answers:
            peer.send(piece)
        if talk.upstream_ends:
            peer.finish()
        saw = ""
        while not saw:
            try:
                heard += peer._receive()
            except Gone as gone:
                saw = "RST" if isinstance(gone.__cause__, ConnectionResetError) else "FIN"
        self.heard.put((heard, saw))


def play(
    port: int,
    listener: Listener,
    talk: Talk,
    said: Iterable[bytes] | None = None,
    answered: list[bytes] | None = None,
) -> Heard:
    """Hold a talk over a connection to `port`, in these pieces."""
    listener.talks.put((talk, answered or [talk.answered]))
    caller = Caller.to(port)
    for piece in said or [talk.said]:
        caller.send(piece)
    received = caller.read(len(talk.answered))
    if not talk.upstream_ends:
        caller.finish()
    rest, saw = caller.rest()
    caller.close()
    return Heard(*listener.heard.get(timeout=20), received + rest, saw)


GET = b"GET /echo?msg=a HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKS = b'5;ext="a;b"\r\nhello\r\n00A \r\n0123456789\r\n0;last\r\nTrailer: \xff\r\nB: c\r\n\r\n'
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

TALKS = {
    "plain": Talk(GET, OK),
    "odd spelling": Talk(
        b"GET /a%zz?x=\xf0\x9f HTTP/1.1\r\nhOST:a\r\nX-Latin: \xe4\xff\t \r\nEmpty:\r\n\r\n",
        b"HTTP/1.1 299 \xff \xfe\r\nSERVER:   spaced  \r\nX: \x80\r\ncontent-LENGTH:1\r\n\r\nx",
    ),
    "body": Talk(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", OK),
    "chunked both ways": Talk(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: B\r\n\r\n" + CHUNKS,
    ),
    "interim answers": Talk(
        GET, b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Go on\r\n\r\n" + OK
    ),
    "head": Talk(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET, OK[:-2] + OK),
    "204 and 304": Talk(
        GET * 3,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 No\r\n"
        b"Content-Length: 7\r\n\r\n" + OK,
    ),
    "pipelined": Talk(GET * 5 + b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx" + GET, OK * 7),
    "blank lines between requests": Talk(b"\r\n\r\n" + GET + b"\r\n" + GET, OK * 2),
    "until close": Talk(GET, b"HTTP/1.1 200 OK\r\n\r\nall of it", upstream_ends=True),
    "HTTP/1.0": Talk(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nold", upstream_ends=True),
    "Connection: close": Talk(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        upstream_ends=True,
    ),
    "WebSocket": Talk(UPGRADE + b"\x81\x85\x00\x00\x00\x00hello", SWITCHING + b"\x81\x05hello"),
    "CONNECT": Talk(
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01\x00\x05GET /",
        b"HTTP/1.1 200 Connected\r\nContent-Length: 99\r\n\r\n\x16\x03\x03",
    ),
    "CONNECT refused": Talk(
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" + GET, OK.replace(b"200", b"403") + OK
    ),
    "bare LF": Talk(b"GET / HTTP/1.1\nHost: a\n\n", b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"),
    "folded": Talk(
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n"
    ),
    "length and chunks": Talk(
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + GET,
        OK,
    ),
    "bad chunks": Talk(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n",
        upstream_ends=True,
    ),
    "HTTP/2": Talk(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04", b"\x00\x00\x00\x04\x00"),
    "HTTP/0.9": Talk(b"GET /\r\n", b"<html>", upstream_ends=True),
    "no HTTP": Talk(b"\x00\xff\r\n\r\n\r\nEHLO a\n", b"250 \x80\r\n"),
    "garbage answer": Talk(GET, b"\x15\x03\x01\x00\x02\x02\x46"),
    "truncated": Talk(GET, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", upstream_ends=True),
    "torn head": Talk(GET, b"HTTP/1.1 200 OK\r\nContent-Le", upstream_ends=True),
    "nothing": Talk(GET, b"", upstream_ends=True),
    "more than was asked for": Talk(GET, OK + b"HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.fixture(params=["idle", "armed"])
def plan(request: pytest.FixtureRequest) -> str:
    """No fault, or one that is active and spares these requests."""
    return str(request.param)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def upstream(listener: Listener) -> Iterator[Upstream]:
    with Upstream(listener) as upstream:
        yield upstream


@pytest.fixture
def wire(new_loop: NewLoop, upstream: Upstream, plan: str) -> Iterator[Wired]:
    with wired(new_loop, upstream.url) as wire:
        if plan == "armed":
            wire.breaks("status", match={"path": "/never"})
        yield wire


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_both_sides_receive_what_they_receive_without_a_wire(
    wire: Wired, upstream: Upstream, listener: Listener, talk: Talk
) -> None:
    direct = play(upstream.port, listener, talk)
    assert direct.by_upstream == talk.said
    assert direct.by_client == talk.answered
    assert play(wire.port, listener, talk) == direct


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_both_sides_receive_the_same_when_every_byte_comes_alone(
    wire: Wired, upstream: Upstream, listener: Listener, talk: Talk
) -> None:
    said, answered = bytewise(talk.said), bytewise(talk.answered)
    assert play(wire.port, listener, talk, said, answered) == play(upstream.port, listener, talk)


def test_a_request_cut_at_any_byte_arrives_as_it_is(wire: Wired, listener: Listener) -> None:
    talk = TALKS["chunked both ways"]
    for at in range(1, len(talk.said)):
        heard = play(wire.port, listener, talk, [talk.said[:at], talk.said[at:]])
        assert heard == Heard(talk.said, "FIN", talk.answered, "FIN")


talks = st.lists(st.tuples(requests(), answers()), min_size=1, max_size=5)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(talks, st.data())
def test_any_messages_cut_anywhere_arrive_as_they_are(
    wire: Wired, listener: Listener, parts: list[tuple[Message, Message]], data: st.DataObject
) -> None:
    talk = Talk(
        b"".join(asked.data for asked, _ in parts),
        b"".join(answer.data for _, answer in parts),
    )
    said, answered = data.draw(cuts(talk.said)), data.draw(cuts(talk.answered))
    heard = play(wire.port, listener, talk, [p for p in said if p], [p for p in answered if p])
    assert heard == Heard(talk.said, "FIN", talk.answered, "FIN")
