"""The drain: what was asked is answered, nobody new is heard, and it ends in time."""

import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from faultwire.http.message import Response
from tests.socket.conftest import Serve
from tests.socket.serving import GET, PATIENCE_S, Server, get, limits
from tests.socket.test_server_crowd import Hall, busy_clients


def drain(server: Server, within_s: float = PATIENCE_S) -> bool:
    return server.run(server.listener.drain(within_s))


def is_deaf(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), PATIENCE_S).close()
    except ConnectionError:
        return True
    return False


def test_idle_connections_are_closed_at_once(serve: Serve) -> None:
    server = serve(limits=limits(idle_timeout_s=1000.0))
    client = server.connect()
    client.send(GET)
    assert client.answer().status == 200
    assert drain(server)
    assert client.is_closed()
    assert is_deaf(server)


def test_a_connection_just_made_may_still_send_its_first_request(serve: Serve) -> None:
    server = serve()
    client, silent = server.connect(), server.connect()
    server.wait_until(lambda: server.connections() == 2)
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server)
        server.wait_until(lambda: is_deaf(server))
        client.send(GET)
        assert client.answer().headers["connection"] == "close"
        client.close()
        assert silent.is_closed(), "but it cannot hold up the drain"
        assert drained.result(PATIENCE_S)


def test_connections_that_wait_to_be_accepted_are_answered(serve: Serve) -> None:
    server = serve()
    clients = []

    def connect_and_drain() -> None:
        """All in one round of the loop, which accepts nobody meanwhile."""
        for _ in range(20):
            clients.append(server.connect())
            clients[-1].send(GET)

    async def drained() -> bool:
        connect_and_drain()
        return await server.listener.drain(PATIENCE_S)

    with ThreadPoolExecutor() as pool:
        ended = pool.submit(server.run, drained())
        server.wait_until(lambda: len(clients) == 20)
        for client in clients:
            assert client.answer().status == 200
            client.close()
        assert ended.result(PATIENCE_S)


def test_requests_in_flight_are_answered_and_told_to_close(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall)
    clients = busy_clients(server, hall, 3)
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server)
        server.wait_until(lambda: is_deaf(server))
        server.call(hall.open)
        for client in clients:
            answer = client.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert client.is_closed()
            client.close()
        assert drained.result(PATIENCE_S)


def test_pipelined_requests_that_were_taken_in_are_answered_first(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall)
    client = server.connect()
    client.send(get("/wait") + get("/wait") + GET)
    server.wait_until(lambda: hall.inside == 1)
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server)
        server.wait_until(lambda: server.listener.draining)
        server.call(hall.open)
        answers = [client.answer() for _ in range(3)]
        assert [a.headers.get("connection") for a in answers] == [None, None, "close"]
        client.close()
        assert drained.result(PATIENCE_S)


def test_a_request_that_is_still_arriving_is_answered(serve: Serve) -> None:
    server = serve()
    client = server.connect()
    client.send(GET[:9])
    connection = server.the_connection()
    server.wait_until(lambda: connection._reader.in_message)
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server)
        server.wait_until(lambda: server.listener.draining)
        client.send(GET[9:])
        assert client.answer().headers["connection"] == "close"
        client.close()
        assert drained.result(PATIENCE_S)


def test_what_does_not_finish_in_time_is_cut_off(serve: Serve) -> None:
    hall = Hall()
    server = serve(hall)
    (client,) = busy_clients(server, hall, 1)
    assert not drain(server, within_s=0.1)
    assert client.is_closed()
    server.wait_until_gone()


def test_a_client_that_keeps_its_side_open_after_its_answer_does_not_fail_the_drain(
    serve: Serve,
) -> None:
    hall = Hall()
    server = serve(hall, limits(linger_s=1000.0))
    (client,) = busy_clients(server, hall, 1)
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server, 0.5)
        server.wait_until(lambda: server.listener.draining)
        server.call(hall.open)
        assert client.answer().status == 200
        assert drained.result(PATIENCE_S), "all were answered"


def test_a_client_that_never_stops_asking_does_not_hold_up_the_drain(serve: Serve) -> None:
    server = serve(limits=limits(linger_s=0.1))
    client = server.connect()
    with client.sending(repeat(GET)):
        assert client.answer().status == 200
        with ThreadPoolExecutor() as pool:
            drained = pool.submit(drain, server)
            client.read_to_end()
            assert drained.result(PATIENCE_S)


def test_an_unread_answer_is_waited_for_and_its_connection_closed(serve: Serve) -> None:
    body = b"x" * (16 << 20)
    server = serve(lambda _: Response(200, body))
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state.name == "STALLED")
    with ThreadPoolExecutor() as pool:
        drained = pool.submit(drain, server)
        server.wait_until(lambda: server.listener.draining)
        assert client.answer().body == body
        assert client.is_closed()
        assert drained.result(PATIENCE_S)


def test_while_draining_before_it_is_deaf_a_new_client_is_answered_and_told_to_close(
    serve: Serve,
) -> None:
    server = serve()
    server.listener.draining = True
    client = server.connect()
    client.send(GET)
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


@pytest.mark.parametrize("clients", [0, 1])
def test_draining_and_closing_may_be_repeated(serve: Serve, clients: int) -> None:
    server = serve()
    for _ in range(clients):
        server.connect()
        server.the_connection()
    assert drain(server)
    assert drain(server)
    server.call(server.listener.close)
    server.call(server.listener.close)
