"""Clients and upstreams that do anything at any moment leave nothing behind in the wire."""

import random
import threading
from collections.abc import Callable

import pytest

from faultwire.wire.faults.base import Phase
from faultwire.wire.gate import State
from faultwire.wire.link import ends, farewell
from tests.socket.serving import NewLoop, descriptors
from tests.socket.test_wire_proxy_plays import act, nothing, pass_on
from tests.socket.upstreams import Peer, chunked, ok
from tests.socket.wires import GET, Caller, Upstream, Wired, wired

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a" * 5000, b"b")
ANSWERS = (
    ok(),
    ok(bytes(200_000)),
    CHUNKED,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + ok(),
    ok(b"x", b"Connection: close"),
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"garbage\n",
    b"HTTP/1.1 101 Switching\r\n\r\n\x81\x00",
)
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)
REQUESTS = (
    GET,
    GET * 3,
    POST,
    POST + GET,
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc" * 999),
    b"GET / HTTP/1.0\r\n\r\n",
    b"nonsense\n",
)
CLIENTS = 120
AT_ONCE = 8


class Whimsical:
    """An upstream that does as chance has it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, peer: Peer) -> None:
        chance = random.Random(f"{self._seed}-{peer.number}")  # noqa: S311
        while chance.random() < 0.9:
            peer.request()
            answer = chance.choice(ANSWERS)
            cut = len(answer) if chance.random() < 0.8 else chance.randrange(len(answer) + 1)
            peer.send(answer[:cut])
            if cut < len(answer):
                break
        end: Callable[[], object] = chance.choice(
            (peer.finish, peer.close, peer.reset, peer.wait_until_gone)
        )
        end()


def visit(port: int, chance: random.Random) -> None:
    """A client that says something, listens for a while, and leaves in one way or another."""
    caller = Caller.to(port)
    caller.sock.settimeout(0.02)
    try:
        for _ in range(chance.randrange(1, 4)):
            request = chance.choice(REQUESTS)
            cut = len(request) if chance.random() < 0.8 else chance.randrange(len(request))
            for start in range(0, cut, step := chance.choice((7919, 1 << 20))):
                caller.send(request[start : min(cut, start + step)])
            if chance.random() < 0.2:
                caller.finish()
            if chance.random() < 0.8:
                caller.rest()
    except (OSError, AssertionError):
        pass  # the other side has had enough, or nothing to say
    chance.choice((caller.close, caller.reset))()


def storm(wire: Wired, seed: int) -> None:
    numbers = iter(range(CLIENTS))
    turn = threading.Lock()

    def visit_again() -> None:
        while True:
            with turn:
                number = next(numbers, None)
            if number is None:
                return
            try:
                visit(wire.port, random.Random(f"{seed}+{number}"))  # noqa: S311
            except ConnectionError:
                wire.until(State.OPEN)

    threads = [threading.Thread(target=visit_again) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", ["none", "spares", "passes on", "says nothing", "many"])
def test_a_storm_leaves_nothing_behind(
    new_loop: NewLoop, seed: int, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "_HELD_FIN_S", 0.2)
    monkeypatch.setattr(ends, "_LINGER_S", 0.2)
    monkeypatch.setattr(ends, "_LOOK_S", 0.2)
    with (
        Upstream(Whimsical(seed)) as upstream,
        wired(new_loop, upstream.url, idle_s=0.05) as wire,
    ):
        before = descriptors()
        match fault:
            case "spares":
                wire.breaks("status", match={"path": "/never"})
            case "passes on":
                act(wire, pass_on, Phase.BEFORE)
            case "says nothing":
                act(wire, nothing, Phase.BEFORE)
            case "many":
                wire.breaks("reset_on_accept", rate=0.1)
                wire.breaks("latency", delay_ms=2, rate=0.5)
                wire.breaks("status", code=503, rate=0.2, phase="before")
                wire.breaks("reset", rate=0.2)
                wire.breaks("slow_body", rate=0.2)
                wire.breaks("truncate", rate=0.2)
                wire.breaks("stale_keepalive", rate=0.2)
        storm(wire, seed)
        wire.mend()
        wire.wait_until_gone()
        assert wire.open_records() == []
        assert wire.wire.ledger.connections_open == 0
        assert all(record.ended >= record.started for record in wire.records(0))
        wire.wait_until(lambda: descriptors() <= before + 3)  # a look or two, and the upstream's
