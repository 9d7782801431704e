"""Faults of the connection, as a caller's raw socket sees them."""

import errno
import select
import socket

import pytest

from faultwire.wire.gate import State
from tests.socket.broken import BODY, BY_FIN, BY_RST, calls, pair, taken_apart, whole
from tests.socket.serving import NewLoop
from tests.socket.wires import GET, Caller


def connecting(port: int) -> socket.socket:
    """A socket that has sent its SYN."""
    sock = socket.socket()
    sock.setblocking(False)
    assert sock.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
    return sock


def is_connected(sock: socket.socket, within_s: float) -> bool:
    """Whether the handshake is over, well or badly, within a time."""
    return bool(select.select([], [sock], [], within_s)[1])


def test_refuse_refuses_until_it_is_mended(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, upstream):
        kept = wire.connect()
        kept.send(GET)
        whole(kept)
        wire.breaks("refuse")
        with pytest.raises(ConnectionRefusedError):
            wire.connect()
        kept.send(GET)  # connections that exist stay
        assert whole(kept).body == BODY
        wire.mend()
        wire.until(State.OPEN)
        caller = wire.connect()
        caller.send(GET)
        assert whole(caller).body == BODY
        assert calls(upstream) == 3


def test_a_blackholed_connect_never_completes_until_it_is_mended(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("blackhole")
        with connecting(wire.port) as sock:
            assert not is_connected(sock, 0.2)
            wire.mend()
            wire.until(State.OPEN)
            assert is_connected(sock, 5)  # the SYN is sent again after a second
            caller = Caller(sock)
            caller.send(GET)
            assert whole(caller).body == BODY


def test_a_window_of_refuse_opens_by_itself(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("refuse", window="-300ms")
        with pytest.raises(ConnectionRefusedError):
            wire.connect()
        wire.until(State.OPEN)
        caller = wire.connect()
        caller.send(GET)
        assert whole(caller).body == BODY


def test_reset_on_accept_is_a_reset_and_no_refusal(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("reset_on_accept", first=1)
        try:
            caller = wire.connect()
        except ConnectionResetError:
            pass  # the kernel had both the handshake and the reset before this thread ran
        else:
            assert caller.rest() == (b"", BY_RST)
        assert taken_apart(wire.ask()[0]).body == BODY
        assert calls(upstream) == 1


def test_close_on_accept_is_a_fin_without_a_byte(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("close_on_accept", first=1)
        assert wire.connect().rest() == (b"", BY_FIN)
        assert taken_apart(wire.ask()[0]).body == BODY
        assert calls(upstream) == 1


def test_close_on_accept_takes_a_request_that_is_under_way_without_an_rst(
    new_loop: NewLoop,
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("close_on_accept")
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (b"", BY_FIN)
        assert calls(upstream) == 0


def test_slow_accept_connects_at_once_and_serves_later(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("slow_accept", delay_ms="1h")
        caller = wire.connect()
        caller.send(GET)
        assert caller.is_silent()
        wire.mend()
        assert whole(caller).body == BODY


def test_slow_accept_waits_as_long_as_asked(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("slow_accept", delay_ms=60)
        caller = wire.connect()
        began = wire.call(wire._loop.time)
        caller.send(GET)
        whole(caller)
        assert wire.call(wire._loop.time) - began > 0.05


@pytest.mark.parametrize(("how", "end"), [("fin", BY_FIN), ("rst", BY_RST)])
def test_stale_keepalive_ends_the_connection_just_as_the_next_request_arrives(
    new_loop: NewLoop, how: str, end: str
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("stale_keepalive", how=how)
        caller = wire.connect()
        caller.send(GET)
        assert taken_apart(caller.answer()).body == BODY
        assert caller.is_silent()  # an idle connection lives on
        caller.send(GET)
        assert caller.rest() == (b"", end)
        assert calls(upstream) == 1


def test_stale_keepalive_leaves_a_fresh_connection_alone_and_does_not_count_it(
    new_loop: NewLoop,
) -> None:
    with pair(new_loop) as (wire, upstream):
        wire.breaks("stale_keepalive", first=1)
        for _ in range(3):
            assert taken_apart(wire.ask()[0]).body == BODY
        (shown,) = wire.call(wire.wire.plan.active)
        assert (shown["seen"], shown["injected"]) == (0, 0)
        assert calls(upstream) == 3


def test_what_was_answered_before_a_stale_keepalive_arrives_whole(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("stale_keepalive", how="rst")
        caller = wire.connect()
        caller.send(GET + GET)
        data, end = caller.rest()
        assert taken_apart(data).body == BODY
        assert end == BY_RST
