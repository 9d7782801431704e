"""How connections end: a FIN stays a FIN, an RST an RST, and half a connection lives on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, Script, answers, answers_once, ok, resets, stalls
from tests.socket.wires import GET, Upstream, Wired, wired

OK = ok()
PLANS = ("idle", "armed")


@pytest.fixture(params=PLANS)
def armed(request: pytest.FixtureRequest) -> bool:
    """Whether a fault is active that spares these requests."""
    return bool(request.param == "armed")


@contextmanager
def through(new_loop: NewLoop, script: Script, *, armed: bool) -> Iterator[tuple[Upstream, Wired]]:
    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        if armed:
            wire.breaks("status", match={"path": "/never"})
        yield upstream, wire


class Ending:
    """A script that notes how the client left."""

    def __init__(self, answer: bytes = b"") -> None:
        self.how = ""
        self.answer = answer
        self.asked = threading.Event()

    def __call__(self, peer: Peer) -> None:
        peer.request()
        peer.send(self.answer)
        self.asked.set()
        self.how = peer.wait_until_gone()


def test_the_upstreams_fin_is_a_fin(new_loop: NewLoop, armed: bool) -> None:
    with through(new_loop, answers_once(OK), armed=armed) as (_, wire):
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (OK, "FIN")


def test_the_upstreams_rst_is_an_rst_behind_its_last_byte(new_loop: NewLoop, armed: bool) -> None:
    heard = threading.Event()
    torn = OK[:-5]
    with through(new_loop, resets(torn, heard=heard), armed=armed) as (_, wire):
        caller = wire.connect()
        caller.send(GET)
        assert caller.read(len(torn)) == torn
        heard.set()
        assert caller.rest() == (b"", "RST")
        assert wire.record().error == "upstream_reset"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_websocket_that_the_upstream_ends_in_good_order_is_no_error(
    new_loop: NewLoop, how: str, *, armed: bool
) -> None:
    heard = threading.Event()
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(switching)
        heard.wait(20)
        peer.close() if how == "fin" else peer.reset()

    with through(new_loop, script, armed=armed) as (_, wire):
        caller = wire.connect()
        caller.send(GET.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"))
        assert caller.read(len(switching)) == switching
        heard.set()
        assert caller.rest() == (b"", how.upper())
        record = wire.record()
        assert (record.status, record.closed_by) == (101, "upstream")
        assert record.error == ("" if how == "fin" else "upstream_reset")


def test_an_rst_does_not_overtake_the_bytes_before_it(new_loop: NewLoop, armed: bool) -> None:
    torn = ok(bytes(300_000))[:-5]
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(torn)
        sent.set()
        peer.wait_until_gone()

    with through(new_loop, script, armed=armed) as (_, wire):
        caller = wire.connect()
        caller.send(GET)
        sent.wait(20)
        wire.wait_until(lambda: [r.upstream_bytes for r in wire.open_records()] == [len(torn)])
        (link,) = wire.wire._links
        wire.call(link.lost, link.upstream, ConnectionResetError())
        assert caller.rest() == (torn, "RST")


def test_the_clients_fin_is_a_fin(new_loop: NewLoop, armed: bool) -> None:
    ending = Ending(OK)
    with through(new_loop, ending, armed=armed) as (upstream, wire):
        caller = wire.connect()
        caller.send(GET)
        assert caller.answer() == OK
        caller.close()
        upstream.wait_for(over=1)
        assert ending.how == "FIN"
        wire.wait_until_gone()
        record = wire.record()
        assert (record.closed_by, record.closed_how, record.error) == ("client", "fin", "")


def test_the_clients_rst_is_an_rst(new_loop: NewLoop, armed: bool) -> None:
    ending = Ending()
    with through(new_loop, ending, armed=armed) as (upstream, wire):
        caller = wire.connect()
        caller.send(GET)
        ending.asked.wait(20)
        caller.reset()
        upstream.wait_for(over=1)
        assert ending.how == "RST"
        wire.wait_until_gone()
        record = wire.record()
        assert (record.closed_by, record.closed_how) == ("client", "rst")
        assert record.error == "client_reset"


def test_a_client_that_shuts_down_its_side_still_gets_its_answer(
    new_loop: NewLoop, armed: bool
) -> None:
    left = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        assert peer.wait_until_gone() == "FIN"
        left.set()
        peer.send(OK)

    with through(new_loop, script, armed=armed) as (_, wire):
        assert wire.ask(GET) == (OK, "FIN")
        assert left.is_set()


def test_an_upstream_that_shuts_down_its_side_still_gets_the_request(
    new_loop: NewLoop, armed: bool
) -> None:
    heard = []

    def script(peer: Peer) -> None:
        peer.request()
        peer.finish()
        heard.append(peer._receive())

    request = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    with through(new_loop, script, armed=armed) as (upstream, wire):
        caller = wire.connect()
        caller.send(request)
        assert caller.rest() == (b"", "FIN")
        caller.send(b"hello")
        upstream.wait_for(over=1)
        assert heard == [b"hello"]


def test_a_silent_connection_is_left_alone_and_passes_what_comes_later(
    new_loop: NewLoop, armed: bool
) -> None:
    with through(new_loop, answers(OK), armed=armed) as (_, wire):
        caller = wire.connect()
        assert caller.is_silent()
        for _ in range(3):
            caller.send(GET)
            assert caller.answer() == OK


def test_an_upstream_that_speaks_first_is_heard(new_loop: NewLoop, armed: bool) -> None:
    def script(peer: Peer) -> None:
        peer.send(b"220 ready\r\n")
        peer.wait_until_gone()

    with Upstream(script, silent_talks=True) as upstream, wired(new_loop, upstream.url) as wire:
        if armed:
            wire.breaks("status", match={"path": "/never"})
        caller = wire.connect()
        assert caller.read(11) == b"220 ready\r\n"
        caller.send(b"EHLO a\r\n")


def test_a_client_that_does_not_read_stops_the_upstream(new_loop: NewLoop, armed: bool) -> None:
    sent = []

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(bytes(1 << 16))
            sent.append(1 << 16)

    with through(new_loop, script, armed=armed) as (_, wire):
        caller = wire.connect()
        caller.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        caller.send(GET)
        caller.head()
        wire.wait_until(lambda: any(link.client.full for link in wire.wire._links))
        (link,) = wire.wire._links
        size = wire.call(link.client._transport.get_write_buffer_size)
        assert size < 1 << 20
        caller.read(sum(sent))  # it goes on
        caller.reset()


def test_an_upstream_that_does_not_read_stops_the_client(new_loop: NewLoop, armed: bool) -> None:
    with through(new_loop, stuck, armed=armed) as (_, wire):
        caller = wire.connect()
        caller.send(b"POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
        caller.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            caller.send(bytes(100_000_000))
        (link,) = wire.wire._links
        size = wire.call(link.upstream._transport.get_write_buffer_size)
        assert link.upstream.full
        assert size < 1 << 20
        caller.reset()


def stuck(peer: Peer) -> None:
    """Read a head and no more, until the connection is gone."""
    peer.request()
    peer._sock.settimeout(None)
    while peer._sock.fileno() >= 0:
        if peer._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return
        threading.Event().wait(0.005)


def test_a_client_that_asks_without_end_is_not_read_until_it_has_answers(
    new_loop: NewLoop, armed: bool
) -> None:
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.wait(go_on)
        while True:
            peer.request()
            peer.send(OK)

    asked = 20_000
    with through(new_loop, script, armed=armed) as (_, wire):
        caller = wire.connect()
        sender = threading.Thread(target=caller.send, args=[GET * asked])
        sender.start()
        wire.wait_until(lambda: any(link.requests.crowded for link in wire.wire._links))
        assert len(wire.open_records()) < asked
        go_on.set()
        for _ in range(asked):
            assert caller.answer() == OK
        sender.join()


def test_too_many_connections_are_reset_and_the_others_live(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(OK)) as upstream,
        wired(new_loop, upstream.url, most_connections=2) as wire,
    ):
        kept = [wire.connect(), wire.connect()]
        wire.wait_until(lambda: wire.wire.connections == 2)
        with pytest.raises(ConnectionResetError):
            wire.connect().read(1)
        for caller in kept:
            caller.send(GET)
            assert caller.answer() == OK
        assert wire.records(3)[0].error == "too_many_connections"
        kept[0].close()
        wire.wait_until(lambda: wire.wire.connections == 1)
        assert wire.ask(GET) == (OK, "FIN")


def test_draining_lets_requests_finish_and_ends_idle_connections(new_loop: NewLoop) -> None:
    answer = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.wait(answer)
        peer.send(OK)
        peer.wait_until_gone()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        idle, busy = wire.connect(), wire.connect()
        busy.send(GET)
        upstream.wait_for(requests=1)
        wire.wait_until(lambda: wire.wire.connections == 2)
        draining = wire.start(wire.wire.drain(20))
        assert idle.rest() == (b"", "FIN")
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            wire.connect()
        answer.set()
        assert busy.rest() == (OK, "FIN")
        busy.close()
        assert draining.result(20)


def test_draining_does_not_wait_for_ever(new_loop: NewLoop) -> None:
    with Upstream(stalls()) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        upstream.wait_for(requests=1)
        assert not wire.run(wire.wire.drain(0.05))
        assert caller.rest() == (b"", "RST")
