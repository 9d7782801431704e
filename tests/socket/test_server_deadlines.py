"""Every wait for a client ends: with 408 if it has begun to ask, else with a closed connection."""

import asyncio
from itertools import repeat
from time import monotonic

import pytest

from faultwire.http.message import Request, Response
from faultwire.http.server import State
from tests.socket.conftest import Serve
from tests.socket.serving import GET, EchoApp, get, limits, post

SOON_S = 0.1
WHOLE = get("/whole")


@pytest.mark.parametrize(
    "start",
    [b"G", b"GET /", b"GET / HTTP/1.1\r\nHost: a", WHOLE[:-1]],
    ids=["a byte", "half a line", "half a field", "all but a byte"],
)
def test_a_head_that_does_not_come_to_an_end_is_timed_out(serve: Serve, start: bytes) -> None:
    server = serve(limits=limits(head_timeout_s=SOON_S))
    client = server.connect()
    client.send(WHOLE)
    assert client.answer().status == 200
    began = monotonic()
    client.send(start)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert monotonic() - began >= SOON_S
    assert client.is_closed()
    assert server.is_well()


def test_a_head_that_drips_is_timed_out_though_it_never_stops(serve: Serve) -> None:
    server = serve(limits=limits(head_timeout_s=SOON_S))
    client = server.connect()
    client.send(b"GET / HTTP/1.1\r\nX: ")
    dripped = 0
    while not (answer := client.peek()):
        server.call(lambda: None)
        client.send_while_open(b"x")
        dripped += 1
    assert dripped > 1
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "start",
    [
        post(b"", "Content-Length: 5"),
        post(b"hell", "Content-Length: 5"),
        post(b"5\r\nhello\r\n", "Transfer-Encoding: chunked"),
        post(b"5\r\nhello\r\n0\r\n", "Transfer-Encoding: chunked"),
    ],
    ids=["no body", "half a body", "no last chunk", "no end of trailers"],
)
def test_a_body_that_does_not_come_to_an_end_is_timed_out(serve: Serve, start: bytes) -> None:
    app = EchoApp()
    server = serve(app, limits(body_timeout_s=SOON_S))
    client = server.connect()
    client.send(start)
    assert client.answer().status == 408
    assert client.is_closed()
    assert app.requests == []


def test_the_time_for_a_body_starts_when_the_head_is_whole(serve: Serve) -> None:
    server = serve(limits=limits(head_timeout_s=SOON_S, body_timeout_s=2 * SOON_S))
    client = server.connect()
    began = monotonic()
    client.send(post(b"", "Content-Length: 5"))
    assert client.answer().status == 408
    assert monotonic() - began >= 2 * SOON_S


def test_an_idle_connection_is_closed_without_a_word(serve: Serve) -> None:
    server = serve(limits=limits(idle_timeout_s=SOON_S))
    used, unused = server.connect(), server.connect()
    used.send(WHOLE)
    assert used.answer().status == 200
    assert used.is_closed()
    assert unused.is_closed()
    server.wait_until_gone()


def test_a_connection_in_use_is_never_idle_for_long(serve: Serve) -> None:
    """It is idle whenever it is looked at, between two requests; but anew each time."""
    server = serve()
    client = server.connect()
    connection = server.the_connection()

    def tick_often() -> tuple[State, int]:
        return [connection.tick() for _ in range(10)][-1]

    for _ in range(3):
        client.send(WHOLE)
        assert client.answer().status == 200
        state, ticks = server.call(tick_often)
        assert state is State.IDLE
        assert 9 <= ticks < 15, "the listener may tick, too"
        assert server.call(lambda: connection.idle_ticks) >= ticks
    client.send(WHOLE)
    assert client.answer().status == 200
    assert server.call(lambda: connection.idle_ticks) <= 1


def test_an_answer_that_is_not_read_ends_the_connection(serve: Serve) -> None:
    server = serve(lambda _: Response(200, b"x" * (16 << 20)), limits(write_timeout_s=SOON_S))
    client = server.connect()
    client.send(WHOLE)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state is State.STALLED)
    server.wait_until_gone()
    assert len(client.read_to_end()) < 16 << 20


def test_answers_too_small_to_stop_the_server_are_not_left_unread_for_longer(serve: Serve) -> None:
    server = serve(lambda _: Response(200, b"x" * (32 << 10)), limits(write_timeout_s=SOON_S))
    client = server.connect()
    transport = server.the_connection()._transport
    while server.call(transport.get_write_buffer_size) == 0:
        assert client.send_while_open(WHOLE)
    server.wait_until_gone()


@pytest.mark.parametrize("ending", ["close", "refused", "half-closed"])
def test_a_last_answer_that_is_not_read_ends_the_connection(serve: Serve, ending: str) -> None:
    server = serve(lambda _: Response(200, b"x" * (16 << 20)), limits(write_timeout_s=SOON_S))
    client = server.connect()
    client.send(
        {"close": get("/", "Connection: close"), "refused": GET + b"\r\n?"}.get(ending, GET)
    )
    if ending == "half-closed":
        client.half_close()
    server.the_connection()
    server.wait_until_gone()


def test_a_slow_handler_has_no_time_limit_of_the_hop_s(serve: Serve) -> None:
    short = limits(
        head_timeout_s=0.02, body_timeout_s=0.02, idle_timeout_s=0.02, write_timeout_s=0.02
    )

    async def slow(_: Request) -> Response:
        await asyncio.sleep(2 * SOON_S)
        return Response(200, b"{}")

    client = serve(slow, short).connect()
    client.send(GET)
    assert client.answer().status == 200


def test_a_refused_client_that_goes_on_sending_is_cut_off(serve: Serve) -> None:
    server = serve(limits=limits(linger_s=SOON_S))
    client = server.connect()
    with client.sending(repeat(b"\0" * 1024)):
        assert client.answer().status == 400
        server.wait_until_gone()
