"""Bodies of 100 MB pass in bounded memory, both ways, broken or not."""

import hashlib
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from faultwire.wire.faults.base import Phase
from tests.socket.serving import NewLoop
from tests.socket.test_wire_proxy_plays import act, pass_on
from tests.socket.upstreams import Peer, ok
from tests.socket.wires import GET, Caller, Upstream, Wired, wired

SIZE = 100_000_000
PIECE = bytes(range(256)) * 1024
MOST_BYTES = 8 << 20
OK = ok()


def body() -> Iterator[bytes]:
    left = SIZE
    while left > 0:
        yield PIECE[:left]
        left -= len(PIECE)


def digest_of_body() -> str:
    digest = hashlib.blake2b()
    for piece in body():
        digest.update(piece)
    return digest.hexdigest()


class Sink:
    """An upstream that takes a big body, or sends one, and remembers what it was."""

    def __init__(self) -> None:
        self.digest = ""

    def __call__(self, peer: Peer) -> None:
        if peer.request().startswith(b"GET"):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for piece in body():
                peer.send(piece)
        else:
            digest = hashlib.blake2b(peer._buffer)
            left = SIZE - len(peer._buffer)
            while left > 0:
                data = peer._receive()
                digest.update(data)
                left -= len(data)
            self.digest = digest.hexdigest()
            peer.send(OK)
        peer.wait_until_gone()


def receive(caller: Caller) -> str:
    """Read a big body. Its digest."""
    caller.head()
    digest = hashlib.blake2b(caller._buffer)
    left = SIZE - len(caller._buffer)
    while left > 0:
        data = caller.sock.recv(1 << 18)
        assert data
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


@pytest.fixture(params=["idle", "armed", "broken"])
def wire(request: pytest.FixtureRequest, new_loop: NewLoop) -> Iterator[tuple[Wired, Sink]]:
    sink = Sink()
    with Upstream(sink) as upstream, wired(new_loop, upstream.url) as wire:
        if request.param == "armed":
            wire.breaks("status", match={"path": "/never"})
        elif request.param == "broken":
            act(wire, pass_on, Phase.AFTER)
        yield wire, sink


def most_memory(during: threading.Thread) -> int:
    """The most memory, in bytes, that was taken anew meanwhile."""
    tracemalloc.start()
    try:
        during.start()
        during.join(50)
        assert not during.is_alive()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_big_answer_passes_in_bounded_memory(wire: tuple[Wired, Sink]) -> None:
    caller = wire[0].connect()
    digests = []

    def download() -> None:
        caller.send(GET)
        digests.append(receive(caller))

    assert most_memory(threading.Thread(target=download)) < MOST_BYTES
    assert digests == [digest_of_body()]


def test_a_big_request_passes_in_bounded_memory(wire: tuple[Wired, Sink]) -> None:
    caller = wire[0].connect()

    def upload() -> None:
        caller.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for piece in body():
            caller.send(piece)

    assert most_memory(threading.Thread(target=upload)) < MOST_BYTES
    caller.head()
    assert wire[1].digest == digest_of_body()
    (record,) = wire[0].records(1)
    assert record.request_bytes > SIZE
