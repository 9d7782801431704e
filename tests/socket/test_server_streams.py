"""A body that comes over time: framed, paced by its client, ended with it or with the server."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from faultwire.http.message import Request, Response, Streamed
from faultwire.http.server import Answer
from tests.socket.conftest import Serve
from tests.socket.serving import GET, PATIENCE_S, Client, Server, get, limits

EVENTS = b"text/event-stream"
UNREAD = [b"x" * (1 << 20)] * 24
"""More than the kernel takes from a server whose client does not read."""
HTTP_1_0 = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


class Source:
    """Gives the pieces it is told to, or waits for more; says what became of it."""

    def __init__(self, *pieces: bytes, endless: bool = False) -> None:
        self.given = 0
        self.begun = 0
        self.closed = 0
        self._pieces = pieces
        self._endless = endless

    def __call__(self, request: Request) -> Answer:
        if request.path == b"/plain":
            return Response(200, b"{}")
        return Streamed(200, self.pieces(), EVENTS, b"Cache-Control: no-store\r\n")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        self.begun += 1
        try:
            for piece in self._pieces:
                self.given += 1
                yield piece
            while self._endless:
                await self.more()
        finally:
            self.closed += 1

    async def more(self) -> None:
        await asyncio.get_running_loop().create_future()


def whole_body(client: Client) -> bytes:
    """A chunked body up to its last chunk."""
    body = b""
    while size := int(client._read_until(b"\r\n"), 16):
        body += client._read_exactly(size)
        assert client._read_exactly(2) == b"\r\n"
    assert client._read_exactly(2) == b"\r\n"
    return body


def head(client: Client) -> dict[str, str]:
    status, *lines = client._read_until(b"\r\n\r\n").decode().strip().split("\r\n")
    assert status == "HTTP/1.1 200 OK"
    return {name.lower(): value for name, value in (line.split(": ") for line in lines)}


def is_reset(client: Client) -> bool:
    """Whether the server ends the connection by RST, not by FIN."""
    try:
        while client._sock.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def closed_once(server: Server, source: Source) -> bool:
    server.wait_until(lambda: source.closed == 1)
    return source.begun == 1


def test_pieces_are_chunks_and_the_connection_carries_the_next_request(serve: Serve) -> None:
    source = Source(b"a: 1\n\n", b"", b"b" * 100_000)
    client = serve(source).connect()
    client.send(GET + get("/plain") + GET)
    fields = head(client)
    assert fields.pop("date")
    assert fields == {
        "content-type": "text/event-stream",
        "transfer-encoding": "chunked",
        "cache-control": "no-store",
    }
    assert whole_body(client) == b"a: 1\n\n" + b"b" * 100_000
    assert client.answer().json == {}
    assert head(client)
    assert whole_body(client) == b"a: 1\n\n" + b"b" * 100_000
    assert source.closed == 2


def test_a_coroutine_may_return_a_stream(serve: Serve) -> None:
    source = Source(b"a")

    async def handler(request: Request) -> Response | Streamed:
        await asyncio.sleep(0)
        return Streamed(200, source.pieces(), EVENTS, close=request.path == b"/last")

    client = serve(handler).connect()
    client.send(GET + get("/last"))
    assert "connection" not in head(client)
    assert whole_body(client) == b"a"
    assert head(client)["connection"] == "close"
    assert whole_body(client) == b"a"
    assert client.is_closed()


def test_the_head_and_each_piece_are_sent_at_once(serve: Serve) -> None:
    """None of them waits for the next."""
    steps: list[asyncio.Event] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        for n in range(3):
            steps.append(asyncio.Event())
            await steps[-1].wait()
            yield b"%d" % n

    server = serve(lambda _: Streamed(200, pieces(), EVENTS))
    client = server.connect()
    client.send(GET)
    assert head(client)
    for n in range(3):
        server.wait_until(lambda n=n: len(steps) > n)  # type: ignore[misc]
        assert client.peek() == b""
        server.call(steps[n].set)
        assert client._read_exactly(6) == b"1\r\n%d\r\n" % n
    assert client._read_exactly(5) == b"0\r\n\r\n"


def test_to_http_1_0_the_body_ends_with_the_connection(serve: Serve) -> None:
    client = serve(Source(b"a", b"b")).connect()
    client.send(HTTP_1_0)
    answer, body = client.read_to_end().split(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in answer
    assert b"\r\nConnection: close" in answer
    assert body == b"ab"


def test_a_head_request_gets_the_head_and_the_source_is_closed(serve: Serve) -> None:
    source = Source(endless=True)
    client = serve(source).connect()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/plain"))
    assert head(client)["transfer-encoding"] == "chunked"
    assert client.answer().json == {}
    assert source.begun == 0, "it was closed before it had begun"


def test_the_source_waits_for_a_client_that_does_not_read(serve: Serve) -> None:
    source = Source(*UNREAD)
    server = serve(source)
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state.name == "STALLED")
    given = server.call(lambda: source.given)
    assert given < len(UNREAD)
    server.run(asyncio.sleep(0))
    assert server.call(lambda: source.given) <= given + 1
    assert head(client)
    assert len(whole_body(client)) == len(UNREAD) << 20
    server.wait_until(lambda: connection.state.name == "IDLE")


def test_a_client_that_never_reads_is_ended(serve: Serve) -> None:
    source = Source(*UNREAD)
    server = serve(source, limits(write_timeout_s=0.1))
    client = server.connect()
    client.send(GET)
    assert closed_once(server, source)
    server.wait_until_gone()
    assert not client.read_to_end().endswith(b"0\r\n\r\n")


def test_an_idle_stream_has_no_time_limit_of_the_hop_s(serve: Serve) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await asyncio.sleep(0.2)
        yield b"b"

    short = limits(idle_timeout_s=0.02, write_timeout_s=0.02, head_timeout_s=0.02)
    client = serve(lambda _: Streamed(200, pieces(), EVENTS), short).connect()
    client.send(GET)
    assert head(client)
    assert whole_body(client) == b"ab"


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "unread"])
def test_the_source_is_closed_when_its_client_leaves(serve: Serve, waits: bool) -> None:
    source = Source(b"a", endless=True) if waits else Source(*UNREAD)
    server = serve(source)
    client = server.connect()
    client.send(GET)
    server.wait_until(lambda: source.given > 0)
    if not waits:
        connection = server.the_connection()
        server.wait_until(lambda: connection.state.name == "STALLED")
    client.reset()
    assert closed_once(server, source)
    server.wait_until_gone()


def test_an_idle_stream_notices_a_client_that_has_gone_as_soon_as_it_writes(serve: Serve) -> None:
    """Its FIN alone says no more than that it has nothing further to ask."""
    bell: list[asyncio.Event] = []

    class Ringing(Source):
        async def pieces(self) -> AsyncGenerator[bytes, None]:
            self.begun += 1
            bell.append(asyncio.Event())
            try:
                while True:
                    await bell[0].wait()
                    await asyncio.sleep(0.001)
                    self.given += 1
                    yield b"tick"
            finally:
                self.closed += 1

    source = Ringing()
    server = serve(source)
    client = server.connect()
    client.send(GET)
    assert head(client)
    connection = server.the_connection()
    client.close()
    server.wait_until(lambda: connection._client_done)
    assert server.call(lambda: source.closed) == 0
    server.call(bell[0].set)
    assert closed_once(server, source)
    server.wait_until_gone()


def test_a_client_that_half_closes_gets_the_whole_stream(serve: Serve) -> None:
    client = serve(Source(*[b"x" * 1000] * 100)).connect()
    client.send(GET + GET)
    client.half_close()
    for _ in range(2):
        assert head(client)
        assert len(whole_body(client)) == 100_000
    assert client.is_closed()


def refuses_to_end(source: Source) -> Callable[[Request], Answer]:
    """A source that goes on when it is cancelled."""

    async def stubborn() -> AsyncGenerator[bytes, None]:
        try:
            async for piece in source.pieces():
                yield piece
        except asyncio.CancelledError:
            yield b"more"

    return lambda _: Streamed(200, stubborn(), EVENTS)


@pytest.mark.parametrize("stubborn", [False, True], ids=["yielding", "stubborn"])
def test_an_open_stream_does_not_hold_up_the_drain(serve: Serve, stubborn: bool) -> None:
    source = Source(b"a", endless=True)
    server = serve(refuses_to_end(source) if stubborn else source)
    client = server.connect()
    client.send(GET + get("/plain"))
    assert head(client)
    assert client._read_exactly(6) == b"1\r\na\r\n"
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(server.run, server.listener.drain(PATIENCE_S))
        assert client.is_closed(), "short of the last chunk"
        client.close()
        assert drained.result(PATIENCE_S)
    assert closed_once(server, source)


def test_a_stream_that_is_not_read_does_not_hold_up_the_drain(serve: Serve) -> None:
    source = Source(*UNREAD)
    server = serve(source)
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state.name == "STALLED")
    assert server.run(server.listener.drain(PATIENCE_S))
    assert closed_once(server, source)


def test_a_stream_that_would_begin_in_the_drain_ends_at_once(serve: Serve) -> None:
    source = Source(endless=True)
    server = serve(source)
    client = server.connect()
    server.the_connection()
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(server.run, server.listener.drain(PATIENCE_S))
        server.wait_until(lambda: server.listener.leaving)
        client.send(GET)
        assert head(client)["connection"] == "close"
        assert client.is_closed()
        client.close()
        assert drained.result(PATIENCE_S)


def test_a_finite_stream_is_sent_whole_while_the_server_has_not_begun_to_leave(
    serve: Serve,
) -> None:
    server = serve(Source(b"a"))
    server.listener.draining = True
    client = server.connect()
    client.send(GET)
    assert head(client)["connection"] == "close"
    assert whole_body(client) == b"a"
    assert client.is_closed()


def test_closing_the_listener_ends_streams(serve: Serve) -> None:
    source = Source(b"a", endless=True)
    server = serve(source)
    client = server.connect()
    client.send(GET)
    assert head(client)
    server.call(server.listener.close)
    assert closed_once(server, source)
    server.wait_until_gone()


async def fails() -> AsyncGenerator[bytes, None]:
    yield b"a"
    raise ValueError("no more")


async def is_cancelled() -> AsyncGenerator[bytes, None]:
    yield b"a"
    raise asyncio.CancelledError


async def gives_text() -> AsyncGenerator[bytes, None]:
    yield b"a"
    yield "b"  # type: ignore[misc]


@pytest.mark.parametrize("pieces", [fails, is_cancelled, gives_text], ids=lambda p: p.__name__)
@pytest.mark.parametrize("request_", [GET, HTTP_1_0], ids=["HTTP/1.1", "HTTP/1.0"])
def test_a_stream_that_breaks_off_cannot_be_taken_for_whole(
    serve: Serve, request_: bytes, pieces: Callable[[], AsyncGenerator[bytes, None]]
) -> None:
    server = serve(lambda _: Streamed(200, pieces(), EVENTS))
    client = server.connect()
    client.send(request_)
    server.wait_until(lambda: bool(server.problems))
    assert server.take_problem()["message"] == "A stream failed"
    assert is_reset(client)


def test_what_fails_on_its_way_out_is_reported(serve: Serve) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            await asyncio.get_running_loop().create_future()
        finally:
            raise ValueError("on its way out")

    server = serve(lambda _: Streamed(200, pieces(), EVENTS))
    client = server.connect()
    client.send(GET)
    assert head(client)
    assert client._read_exactly(6) == b"1\r\na\r\n"
    server.call(server.listener.close)
    server.wait_until(lambda: bool(server.problems))
    assert str(server.take_problem()["exception"]) == "on its way out"


def test_a_head_that_cannot_be_written_is_a_500(serve: Serve) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield re.escape(b"never")

    server = serve(lambda _: Streamed(200, pieces(), "text"))  # type: ignore[arg-type]
    client = server.connect()
    client.send(GET)
    assert client.answer().status == 500
    server.take_problem()


def test_many_streams_end_with_their_clients_and_leave_nothing(serve: Serve) -> None:
    source = Source(b"a", endless=True)
    server = serve(source)
    clients = [server.connect() for _ in range(50)]
    for client in clients:
        client.send(GET)
        assert head(client)
    for client in clients:
        client.reset()
    server.wait_until_gone()
    server.wait_until(lambda: source.closed == source.begun == 50)
    tasks = server.call(lambda: len(asyncio.all_tasks()))
    assert tasks == 1, "the one that counts"
