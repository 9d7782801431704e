"""Connections are bounded, the idle make room for the new, and nothing is left of any of them."""

import asyncio
import gc
import itertools
import tracemalloc

import pytest

from faultwire.http.driver import Driver
from faultwire.http.message import Request, Response
from faultwire.http.reader import RequestReader
from faultwire.http.server import Answer, ServerConnection
from tests.socket.conftest import Serve
from tests.socket.serving import GET, Client, EchoApp, Server, descriptors, get, limits, post

FEW = limits(connections=8, linger_s=0.1)


class Hall:
    """A handler that answers nobody until the doors are opened."""

    def __init__(self) -> None:
        self.doors: asyncio.Future[None] | None = None
        self.inside = 0

    def __call__(self, request: Request) -> Answer:
        return self.wait() if request.path == b"/wait" else Response(200, b"{}")

    async def wait(self) -> Response:
        self.inside += 1
        if self.doors is None:
            self.doors = asyncio.get_running_loop().create_future()
        await asyncio.shield(self.doors)
        return Response(200, b"{}")

    def open(self) -> None:
        assert self.doors is not None
        self.doors.set_result(None)


def busy_clients(server: Server, hall: Hall, count: int) -> list[Client]:
    clients = [server.connect() for _ in range(count)]
    for client in clients:
        client.send(get("/wait"))
    server.wait_until(lambda: hall.inside == count)
    return clients


def ticked(server: Server) -> None:
    """As the listener does once a second."""
    server.call(lambda: [c.tick() for c in server.listener._connections])
    server.call(server.listener._idlest.clear)


def test_the_longest_idle_connection_makes_room(serve: Serve) -> None:
    server = serve(limits=FEW)
    clients = []
    for _ in range(8):
        clients.append(server.connect())
        server.wait_until(lambda: server.connections() == len(clients))
        ticked(server)
    clients[0].send(GET)  # no longer the longest idle
    assert clients[0].answer().status == 200
    assert server.is_well()
    assert clients[1].is_closed()
    assert server.is_well(), "in the place of the first newcomer, which has left"
    for client in (clients[0], *clients[2:]):
        client.send(GET)
        assert client.answer().status == 200


def test_thousands_of_connections_that_say_nothing_shut_nobody_out(serve: Serve) -> None:
    server = serve(limits=FEW)
    silent = [server.connect() for _ in range(1000)]
    assert server.is_well()
    assert server.connections() <= 9
    for client in silent:
        client.close()
    server.wait_until_gone()


def test_a_crowd_that_connects_at_once_is_taken_in_up_to_the_bound(serve: Serve) -> None:
    """All of them are accepted in one round of the event loop, none refused: each is idle."""
    server = serve(limits=FEW)

    async def crowd() -> list[Client]:
        return [server.connect() for _ in range(200)]  # the loop stands still meanwhile

    clients = server.run(crowd())
    server.wait_until(lambda: server.connections() <= 8)
    for client in clients[:192]:
        assert client.is_closed()
    for client in clients[192:]:
        client.send(GET)
        assert client.answer().status == 200


def test_who_finds_no_room_is_told_503_and_may_come_again(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall, FEW)
    inside = busy_clients(server, hall, 8)
    outside = server.connect()
    outside.send_while_open(GET)
    answer = outside.answer()
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert answer.json["details"] == "Too many connections"
    assert outside.is_closed()
    server.call(hall.open)
    assert [client.answer().status for client in inside] == [200] * 8
    assert server.is_well()


def test_busy_connections_however_old_do_not_hide_an_idle_one(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall, limits(connections=101))
    busy_clients(server, hall, 100)
    idle = server.connect()
    server.wait_until(lambda: server.connections() == 101)
    assert server.is_well()
    assert idle.is_closed()
    server.call(hall.open)


def test_a_flood_over_the_bound_is_not_even_refused(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall, limits(connections=8, linger_s=10.0))
    busy_clients(server, hall, 8)
    flood = [server.connect() for _ in range(200)]
    server.wait_until(lambda: server.connections() == 8 + 32)
    answers = [client.read_to_end()[9:12] for client in flood]
    assert answers.count(b"503") == 32
    assert answers.count(b"") == 168
    for client in flood:
        client.close()
    server.call(hall.open)
    server.wait_until_gone(left=8)
    assert server.is_well()


ABUSES = [
    b"",
    b"GET / HT",
    b"\0\1\2\3",
    GET,
    GET * 20,
    get("/%zz"),
    post(b"hell", "Content-Length: 5"),
    post(b"x\r\n", "Transfer-Encoding: chunked"),
    get("/", "Connection: close") + GET,
    get("/wait"),
    get("/wait") + GET * 20,
    get("/", *(f"A{n}: b" for n in range(200))),
    get("/", "Connection: upgrade", "Upgrade: h2c"),
]


def abuse(server: Server, times: int) -> None:
    """Each abuse, left in each way, over and over."""
    leaves = (Client.close, Client.reset, Client.half_close, Client.read_some)
    for sent, leave in itertools.islice(itertools.cycle(itertools.product(ABUSES, leaves)), times):
        client = Client(server.port)
        client.send_while_open(sent)
        leave(client)
        client.close()
    server.wait_until_gone()


def count_ours() -> dict[str, int]:
    kinds = (ServerConnection, RequestReader, Driver, Request, Response)
    return {k.__name__: sum(isinstance(o, k) for o in gc.get_objects()) for k in kinds}


def test_abused_connections_leave_nothing_behind_without_the_collector_s_help(serve: Serve) -> None:
    async def briefly() -> Response:
        await asyncio.sleep(0.001)
        return Response(200, b"{}")

    def app(request: Request) -> Answer:
        return briefly() if request.path == b"/wait" else Response(200, b"{}")

    server = serve(app, limits(linger_s=0.1))
    abuse(server, 2 * len(ABUSES) * 4)
    gc.collect()
    before = (descriptors(), count_ours())
    gc.disable()
    try:
        abuse(server, 2000)
        assert (descriptors(), count_ours()) == before
    finally:
        gc.enable()
    assert server.is_well()


def test_abused_connections_leave_memory_where_it_was(serve: Serve) -> None:
    server = serve(EchoNothing(), limits(linger_s=0.1))
    abuse(server, 300)
    gc.collect()
    tracemalloc.start()
    try:
        abuse(server, 100)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        abuse(server, 1000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000, "a hundred bytes a connection"


class EchoNothing(EchoApp):
    def __call__(self, request: Request) -> Answer:
        answer = super().__call__(request)
        self.requests.clear()
        return answer


@pytest.mark.parametrize("count", [2000])
def test_an_idle_connection_takes_little_room(serve: Serve, count: int) -> None:
    """Of ours; the event loop's transports come on top."""
    tracemalloc.start()
    try:
        server = serve(limits=limits(connections=count))
        loop = server._loop
        before = tracemalloc.get_traced_memory()[0]
        idle = [ServerConnection(server.listener, loop) for _ in range(count)]
        each = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    assert each < 4000
    for connection in idle:
        connection._reader.close()
