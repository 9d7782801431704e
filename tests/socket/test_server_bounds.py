"""What is too large is refused with the right status, which arrives, and nothing piles up."""

import asyncio
import tracemalloc
from itertools import chain, repeat

import pytest

from faultwire.http.fields import SLICE_BYTES
from faultwire.http.message import Request, Response
from faultwire.http.server import State
from tests.socket.conftest import Serve
from tests.socket.serving import GET, EchoApp, Server, get, limits, post

KI = 1 << 10
SMALL = limits(target_bytes=16 * KI, header_bytes=16 * KI, header_count=20, body_bytes=32 * KI)
CHUNKED = post(b"", "Transfer-Encoding: chunked")


def fields(count: int, size: int = 1, name: str = "") -> list[str]:
    return [f"{name or f'F{n}'}: {'x' * size}" for n in range(count)]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/" + "x" * 16 * KI), 414),
        (get("/?" + "x" * 60 * KI), 414),
        (get("/", *fields(20)), 431),
        (get("/", *fields(20, name="same")), 431),
        (get("/", *fields(4000, name="same")), 431),
        (get("/", f"A: {'x' * 16 * KI}"), 431),
        (get("/", *fields(8, 3 * KI)), 431),
        (get("/", f"{'A' * 17 * KI}: x"), 431),
        (post(b"x" * (32 * KI + 1)), 413),
        (post(b"8001\r\n" + b"x" * (32 * KI + 1), "Transfer-Encoding: chunked"), 413),
        (post(b"1\r\nx\r\n" * (32 * KI + 1), "Transfer-Encoding: chunked"), 413),
    ],
    ids=[
        "target",
        "query",
        "fields",
        "the same field",
        "the same field in one packet",
        "one field",
        "all fields",
        "a field's name",
        "body by length",
        "body in a chunk",
        "body in many chunks",
    ],
)
def test_what_is_over_a_bound_is_refused(serve: Serve, request_bytes: bytes, status: int) -> None:
    app = EchoApp()
    server = serve(app, SMALL)
    client = server.connect()
    client.send(request_bytes + GET)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert answer.json["details"]
    assert client.is_closed()
    assert app.requests == []
    assert server.is_well()


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/" + "x" * (16 * KI - 1)),
        get("/", *fields(19)),
        get("/", *fields(19, name="same")),
        get("/", f"A: {'x' * (16 * KI - len('hostaa'))}"),
        post(b"x" * 32 * KI),
        post(b"1\r\nx\r\n" * 32 * KI + b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    ],
    ids=["target", "fields", "the same field", "one field", "body", "chunks"],
)
def test_what_is_just_within_a_bound_is_served(serve: Serve, request_bytes: bytes) -> None:
    client = serve(limits=SMALL).connect()
    client.send(request_bytes + get("/next"))
    assert client.answer().status == 200
    assert client.answer().json["path"] == "/next"


@pytest.mark.parametrize(
    ("start", "more", "status"),
    [
        (b"GET /", b"x" * KI, 414),
        (b"GET /?", b"%41" * KI, 414),
        (b"GET ", b" " * KI, 431),
        (b"GET / HTTP/1.1\r\n", b"A: b\r\n" * 100, 431),
        (b"GET / HTTP/1.1\r\nA: ", b"x" * KI, 431),
        (b"GET / HTTP/1.1\r\nA:", b" " * KI, 431),
        (b"GET / HTTP/1.1\r\n", b"A" * KI, 431),
        (CHUNKED, b"1\r\nx\r\n" * 100, 413),
        (CHUNKED + b"1;", b"x" * KI, 413),
        (CHUNKED + b"1", b";a=b" * KI, 413),
        (CHUNKED, b"0" * KI, 413),
        (CHUNKED + b"0\r\n", b"T: u\r\n" * 100, 413),
        (CHUNKED + b"0\r\nT: ", b"x" * KI, 413),
        (post(b"", "Content-Length: 99999999"), b"x" * KI, 413),
    ],
    ids=[
        "target",
        "escapes",
        "blanks before the target",
        "fields",
        "field",
        "blanks before a value",
        "name",
        "chunks",
        "extension",
        "extensions",
        "noughts",
        "trailers",
        "trailer",
        "body",
    ],
)
def test_what_never_ends_is_refused_and_the_refusal_arrives_while_the_client_still_sends(
    serve: Serve, start: bytes, more: bytes, status: int
) -> None:
    server = serve(limits=SMALL)
    client = server.connect()
    with client.sending(chain([start], repeat(more))):
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert answer.json["details"]
    assert server.is_well()


def test_empty_lines_without_end_cost_an_idle_connection(serve: Serve) -> None:
    server = serve(limits=limits(idle_timeout_s=0.1))
    client = server.connect()
    client.send(b"\r\n" * 50_000)
    assert client.is_closed()
    assert server.is_well()


def test_the_input_that_lingers_is_read_for_a_while_only(serve: Serve) -> None:
    server = serve(limits=limits(linger_s=0.1))
    client = server.connect()
    client.send(b"NONSENSE\r\n\r\n")
    assert client.answer().status == 400
    assert client.is_closed(), "half closed: the server says no more"
    server.wait_until_gone()
    assert server.is_well()


def test_requests_wait_unread_while_their_answers_are_not_read(serve: Serve) -> None:
    """Back-pressure: one answer more than the kernel and the write buffer hold, and no further."""
    body = b"x" * (256 * KI)
    asked: list[Request] = []

    def app(request: Request) -> Response:
        asked.append(request)
        return Response(200, body)

    server = serve(app)
    client = server.connect()
    connection = server.the_connection()
    transport = connection._transport
    with client.sending(repeat(GET * 1000)):
        server.wait_until(lambda: connection._paused and connection.state is State.STALLED)
        stuck = len(asked)
        server.call(lambda: None)
        assert len(asked) == stuck, "nothing more is answered"
        assert transport.get_write_buffer_size() < 2 * len(body)
        assert len(connection._backlog) <= 512 * KI
        assert len(connection._queue) <= SLICE_BYTES // len(GET)
        for _ in range(stuck + 10):
            assert client.answer().body == body


def test_answers_that_wait_do_not_let_small_packets_pile_up(serve: Serve) -> None:
    """Each packet is small enough to be parsed at once, but there is an unread answer."""
    server = serve(lambda _: Response(200, b"x" * (16 << 20)))
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state is State.STALLED)
    for _ in range(1000):
        client.send(GET)
        server.call(lambda: None)  # it has had a chance to read it
    assert len(connection._queue) * len(GET) + len(connection._backlog) < 100 * len(GET)


def test_a_body_of_tiny_chunks_takes_no_more_room_than_it_has_bytes(serve: Serve) -> None:
    server = serve()
    client = server.connect()
    tracemalloc.start()
    try:
        client.send(CHUNKED + b"2\r\nxy\r\n" * (400 * KI))
        client.send(b"0\r\n\r\n")
        answer = client.answer()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(answer.json["body"]) == 800 * KI
    assert peak < 16 << 20


HELD = 100 * KI


def holding(server: Server) -> int:
    return server.listener.holding._bytes


def test_all_clients_together_may_hold_only_so_much_of_unfinished_requests(serve: Serve) -> None:
    server = serve(limits=limits(held_bytes=HELD))
    half = post(b"x" * 64 * KI)[: -32 * KI]
    first, second = server.connect(), server.connect()
    first.send(half)
    server.wait_until(lambda: holding(server) >= 32 * KI)
    second.send(half)
    server.wait_until(lambda: holding(server) >= 64 * KI)
    third = server.connect()
    third.send(post(b"x" * 64 * KI))
    refused = third.answer()
    assert (refused.status, refused.json["details"]) == (503, "Too much is being sent at once")
    for client in (first, second):
        client.send(b"x" * 32 * KI)
        assert client.answer().status == 200
    assert server.ask(post(b"x" * 64 * KI)).status == 200
    server.wait_until(lambda: holding(server) == 0)


def test_a_client_that_leaves_in_the_middle_holds_nothing_more(serve: Serve) -> None:
    server = serve()
    for sent in (post(b"x" * 64 * KI)[: -32 * KI], b"GET /" + b"x" * 32 * KI, CHUNKED + b"1\r\n"):
        client = server.connect()
        client.send(sent)
        server.wait_until(lambda: holding(server) > 0)
        client.reset()
        server.wait_until_gone()
        assert holding(server) == 0


def test_who_does_not_read_is_cut_off_when_there_is_no_room(serve: Serve) -> None:
    server = serve(lambda _: Response(200, bytes(16 * KI * KI)), limits(held_bytes=20 * KI * KI))
    first, second = server.connect(), server.connect()
    first.send(GET)
    server.wait_until(lambda: holding(server) > 4 * KI * KI)
    second.send(GET)
    with pytest.raises(AssertionError, match="closed after"):
        second.answer()
    assert len(first.answer().body) == 16 * KI * KI
    server.wait_until(lambda: holding(server) == 0)
    assert server.ask(GET).status == 200


def test_requests_that_wait_for_an_answer_to_be_read_count_as_held(serve: Serve) -> None:
    def app(request: Request) -> Response:
        return Response(200, bytes(16 * KI * KI) if request.path == b"/large" else b"")

    server = serve(app, limits(held_bytes=16 * KI * KI + HELD))
    client = server.connect()
    client.send(get("/large"))
    server.wait_until(lambda: holding(server) > 4 * KI * KI)
    before = holding(server)
    client.send(GET * 1000)
    server.wait_until(lambda: holding(server) > before)
    client.reset()
    server.wait_until_gone()
    assert holding(server) == 0


def test_what_was_sent_behind_the_last_answer_is_held_no_more_than_it_is_kept(serve: Serve) -> None:
    may_end = asyncio.Event()

    async def closing() -> Response:
        await may_end.wait()
        return Response(200, b"", close=True)

    server = serve(lambda _: closing())
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state is State.BUSY)
    client.send(GET * 1000)
    server.wait_until(lambda: holding(server) > 0)
    server.call(may_end.set)
    assert client.answer().status == 200
    server.wait_until(lambda: connection.state is State.ENDING)
    assert holding(server) == 0


def test_an_answer_that_is_not_read_counts_as_held_however_short_it_is(serve: Serve) -> None:
    server = serve(lambda _: Response(200, bytes(30 * KI)))
    client = server.connect()
    connection = server.the_connection()

    def unread() -> tuple[int, int]:
        connection.tick()
        return connection._transport.get_write_buffer_size(), holding(server)

    kept = held = 0
    while not kept:
        client.send(GET)
        server.call(lambda: None)  # it has had a chance to answer
        kept, held = server.call(unread)
    assert kept <= held
    client.reset()
    server.wait_until(lambda: holding(server) == 0)
