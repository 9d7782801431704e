"""What the system tests share: the services as processes, and an upstream that holds back."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.system.running import PATIENCE_S, Client, Running, listening, port_of

Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("service-a", …)` runs `faultwire service-a …` for the length of the test."""
    with ExitStack() as stack:
        yield lambda *words, **more: stack.enter_context(Running(*words, **more))


class HoldingUpstream:
    """An upstream that takes B's request and answers when the test says so."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.url = f"http://127.0.0.1:{port_of(sock)}"
        self._held: list[socket.socket] = []

    def wait_for_requests(self, count: int = 1) -> None:
        """Return when so many more of B's requests are here, each on a connection of its own."""
        for _ in range(count):
            connection = self._sock.accept()[0]
            self._held.append(connection)
            while b"\r\n\r\n" not in connection.recv(65536):
                pass

    def answer(self, echo: str) -> None:
        """Answer them all."""
        body = b'{"echo":"%b"}' % echo.encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        for connection in self._held:
            connection.sendall(head % len(body) + body)

    def close(self) -> None:
        for connection in self._held:
            connection.close()


@pytest.fixture
def upstream() -> Iterator[HoldingUpstream]:
    with listening() as sock:
        holding = HoldingUpstream(sock)
        yield holding
        holding.close()


class Hammer:
    """Clients that ask without a pause, each on one connection, until the server says goodbye."""

    def __init__(self, clients: int = 16) -> None:
        self._clients = clients
        self._busy = threading.Barrier(clients + 1, timeout=PATIENCE_S)
        self._failures: list[str] = []
        self._threads: list[threading.Thread] = []

    def start(self, url: str) -> None:
        """Return when every client has had an answer."""
        for number in range(self._clients):
            thread = threading.Thread(target=self._ask, args=(url, f"client-{number}"))
            thread.start()
            self._threads.append(thread)
        self._busy.wait()

    def expect_clean_end(self) -> None:
        """Every client has been told that the connection ends, and has had every answer."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert not self._failures

    def _ask(self, url: str, name: str) -> None:
        asked = 0
        try:
            with Client(url) as client:
                closes = False
                while not closes:
                    answer = client.get(f"/echo?msg={name}-{asked}")
                    assert answer.body == f'{{"echo":"{name}-{asked}"}}'
                    closes = answer.closes
                    asked += 1
                    if asked == 1:
                        self._busy.wait()
        except (OSError, AssertionError, threading.BrokenBarrierError) as error:
            self._failures.append(f"{name}, request {asked}: {error!r}")
            self._busy.abort()


@pytest.fixture
def hammer() -> Hammer:
    return Hammer()
