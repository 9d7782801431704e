"""A `Listener` in a thread of its own, and a client that says any bytes it likes.

Tests of the server are plain functions: blocking sockets with a deadline on one side, an event
loop of either kind on the other. `Server.close` fails when the event loop was told of a problem
that no test has taken, or when a connection is left.
"""

import asyncio
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import msgspec

from faultwire.http.limits import DEFAULT_LIMITS, Limits
from faultwire.http.listener import Listener
from faultwire.http.message import BadRequest, Request, Response, query_value
from faultwire.http.server import Answer, App, ServerConnection

PATIENCE_S = 20.0
"""How long a test waits for what must happen. Nothing is expected to take that long."""

T = TypeVar("T")
NewLoop = Callable[[], asyncio.AbstractEventLoop]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def refusal(refused: BadRequest) -> Response:
    body = msgspec.json.encode({"error": "Refused", "details": refused.detail})
    return Response(refused.status, body)


class EchoApp:
    """Answers what it was asked, and remembers it. `/echo?msg=M` answers as Service A does."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == b"/echo":
            try:
                msg = query_value(request.query, b"msg") or ""
            except BadRequest as refused:
                return refusal(refused)
            return Response(200, msgspec.json.encode({"echo": msg}))
        said = {"method": request.method, "path": request.path.decode("latin-1")}
        return Response(200, msgspec.json.encode(said | {"body": request.body.decode("latin-1")}))


class Received(NamedTuple):
    """One answer as a client saw it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


class Server:
    """A listener on port 0, served by an event loop in its own thread."""

    def __init__(self, app: App, limits: Limits, new_loop: NewLoop) -> None:
        self.problems: list[dict[str, Any]] = []
        self.listener = Listener(app, refusal, limits)
        self._clients: list[Client] = []
        self._loop = new_loop()
        self._loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self.port: int = sock.getsockname()[1]
        self.run(self.listener.start(sock))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function in the server's thread."""

        async def called() -> T:
            return function(*args)

        return self.run(called())

    def connect(self) -> "Client":
        client = Client(self.port)
        self._clients.append(client)
        return client

    def ask(self, request: bytes) -> Received:
        """The answer to one request on a connection of its own."""
        client = self.connect()
        client.send(request)
        try:
            return client.answer(head_only=request.startswith(b"HEAD"))
        finally:
            client.close()

    def is_well(self) -> bool:
        """Whether a good request on a new connection is answered."""
        return self.ask(GET).status == 200

    def connections(self) -> int:
        return len(self.listener._connections)

    def the_connection(self) -> ServerConnection:
        """The only one there is."""
        self.wait_until(lambda: self.connections() == 1)
        (connection,) = self.listener._connections
        return connection

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, looked at in the server's thread."""
        wait_until(self._loop, condition)

    def wait_until_gone(self, left: int = 0) -> None:
        """Wait until the server has forgotten all connections but `left`."""
        self.wait_until(lambda: self.connections() <= left)

    def take_problem(self) -> dict[str, Any]:
        """The one problem that the event loop was told of, which is then forgotten."""
        (problem,) = self.problems
        self.problems.clear()
        return problem

    def close(self) -> None:
        for client in self._clients:
            client.close()
        try:
            self.call(self.listener.close)
            self.wait_until_gone()
            assert not self.problems, self.problems
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)
            self._loop.close()


class Client:
    """A raw connection to a server, with a deadline on every read and write."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send_while_open(self, data: bytes) -> bool:
        """Send as much as the server takes: it may have closed by now. Whether it took all."""
        try:
            self._sock.sendall(data)
        except ConnectionError:
            return False
        return True

    @contextmanager
    def sending(self, data: Iterable[bytes]) -> Iterator[None]:
        """Send piece after piece in the background, till the end of them or of the block."""
        over = threading.Event()

        def send() -> None:
            for piece in data:
                if over.is_set() or not self.send_while_open(piece):
                    return

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        try:
            yield
        finally:
            over.set()
            self.half_close()  # which wakes a sender that the server does not read
            sender.join(PATIENCE_S)

    def answer(self, *, head_only: bool = False) -> Received:
        """The next answer, whole."""
        head = self._read_until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        assert status_line.startswith("HTTP/1.1 "), status_line
        status = int(status_line.split(" ")[1])
        headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
        assert len(headers) == len(lines), "a field twice"
        if head_only or status < 200 or status in (204, 304):
            return Received(status, headers, b"")
        return Received(status, headers, self._read_exactly(int(headers["content-length"])))

    def peek(self) -> bytes:
        """What has come so far, without waiting for it."""
        self._sock.setblocking(False)
        with suppress(BlockingIOError):
            self._receive()
        self._sock.settimeout(PATIENCE_S)
        return self._buffer

    def is_closed(self) -> bool:
        """Whether the server has ended the connection, and nothing came before that.

        Waits for whichever happens.
        """
        if self._buffer:
            return False
        try:
            self._buffer = self._sock.recv(65536)
        except ConnectionError:
            return True
        return not self._buffer

    def read_to_end(self) -> bytes:
        """All that comes until the server ends the connection, by FIN or by RST."""
        while self._receive():
            pass
        data, self._buffer = self._buffer, b""
        return data

    def read_some(self) -> None:
        """Wait for the end of whatever comes to a client that says no more."""
        self.half_close()
        self.read_to_end()

    def half_close(self) -> None:
        with suppress(OSError):  # the server may have closed, too
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave by RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def _receive(self) -> bool:
        try:
            data = self._sock.recv(1 << 20)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            assert self._receive(), f"closed after {self._buffer!r}"
        size = self._buffer.index(end) + len(end)
        return self._read_exactly(size)

    def _read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            assert self._receive(), f"closed after {len(self._buffer)} of {size} bytes"
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def get(target: str | bytes, *fields: str) -> bytes:
    """A GET of a target, with further fields."""
    path = target if isinstance(target, bytes) else target.encode()
    lines = "".join(f"{field}\r\n" for field in fields).encode("latin-1")
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (path, lines)


def post(body: bytes, *fields: str, target: str = "/") -> bytes:
    """A POST; `Content-Length` unless the fields say otherwise."""
    lines = list(fields)
    if not any(f.lower().startswith(("content-length", "transfer-encoding")) for f in fields):
        lines.append(f"Content-Length: {len(body)}")
    head = "".join(f"{line}\r\n" for line in (f"POST {target} HTTP/1.1", "Host: a", *lines))
    return head.encode("latin-1") + b"\r\n" + body


def wait_until(loop: asyncio.AbstractEventLoop, condition: Callable[[], bool]) -> None:
    """Wait until something holds, looked at in the thread of this loop."""
    held: Future[bool] = Future()

    def look() -> None:
        if condition():
            held.set_result(True)
        elif not held.cancelled():
            loop.call_later(0.001, look)

    loop.call_soon_threadsafe(look)
    try:
        held.result(PATIENCE_S)
    finally:
        held.cancel()


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, of no files of ours


def limits(**changes: Any) -> Limits:
    """The default bounds with changes."""
    return DEFAULT_LIMITS._replace(**changes)
