"""An upstream that does exactly what its script says: blocking sockets, a thread a connection.

A script is a function of the `Peer`, the upstream's end of one connection. It may send any
bytes, wait for anything, and leave in any way. What it raises fails the test, except that the
other side has gone.
"""

import contextlib
import errno
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE_S = 20.0
"""How long anything here waits for what must happen. Nothing is expected to take that long."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The other side has ended the connection."""


class Peer:
    """The upstream's end of a connection. `number` counts from 0."""

    def __init__(self, upstream: "Upstream", sock: socket.socket, number: int) -> None:
        self.upstream = upstream
        self.number = number
        self._sock = sock
        self._buffer = b""

    def request(self) -> bytes:
        """The head of the next request, which the upstream also remembers. Raises `Gone`."""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.upstream.note(head)
        return head

    def send(self, data: bytes) -> None:
        """Raises `Gone`."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def drip(self, data: bytes) -> None:
        """Send bytes one by one, a millisecond apart, without end."""
        never = threading.Event()
        while True:
            for byte in data:
                self.send(bytes([byte]))
                never.wait(0.001)

    def wait(self, event: threading.Event) -> None:
        assert event.wait(PATIENCE_S), "what a script waited for did not happen"

    def wait_until_gone(self) -> str:
        """Wait until the other side leaves. How it did: "FIN" or "RST"."""
        while True:
            try:
                self._receive()
            except Gone as gone:
                return "RST" if isinstance(gone.__cause__, ConnectionResetError) else "FIN"

    def finish(self) -> None:
        """Leave by FIN: this side sends no more. Raises `Gone`."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Gone from error

    def close(self) -> None:
        """Leave altogether: by FIN, or RST if there is something unread."""
        self._sock.close()

    def reset(self) -> None:
        """Leave by RST. Raises `Gone`."""
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except OSError as error:
            raise Gone from error
        self._sock.close()

    def _receive(self) -> bytes:
        try:
            data = self._sock.recv(1 << 20)
        except TimeoutError:
            raise AssertionError("the other side neither spoke nor left") from None
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data


Script = Callable[[Peer], None]


class Upstream:
    """Listens on a free port. Connection n follows script n; those behind the last, the last."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1") -> None:
        self._scripts = scripts
        self._seen = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self._errors: list[BaseException] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, 0), family=family, backlog=1024)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def wait_for(self, *, connections: int = 0, requests: int = 0, over: int = 0) -> None:
        """Wait for so many connections, requests, and connections whose script is over."""
        with self._seen:
            assert self._seen.wait_for(
                lambda: (
                    self.connections >= connections
                    and len(self.requests) >= requests
                    and self.over >= over
                ),
                PATIENCE_S,
            ), f"{self.connections} connections, {len(self.requests)} requests, {self.over} over"

    def note(self, head: bytes) -> None:
        """Remember a request."""
        with self._seen:
            self.requests.append(head)
            self._seen.notify_all()

    def stop_listening(self) -> None:
        """From now on connections are refused."""
        _shut(self._listening)
        self._acceptor.join(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every connection; fail if a script has failed or does not end."""
        self.stop_listening()
        for sock in self._socks:
            _shut(sock)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert kind is not None or self._errors == [], self._errors

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    continue  # a test has used them up, for a moment
                return
            sock.settimeout(PATIENCE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._seen:
                number, self.connections = self.connections, self.connections + 1
                self._seen.notify_all()
            self._socks.append(sock)
            thread = threading.Thread(target=self._run, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        script = self._scripts[min(number, len(self._scripts) - 1)]
        try:
            with sock:
                script(Peer(self, sock, number))
        except Gone:
            pass
        except BaseException as error:  # noqa: BLE001 - the test is told when it ends
            self._errors.append(error)
        finally:
            with self._seen:
                self.over += 1
                self._seen.notify_all()


def _shut(sock: socket.socket) -> None:
    """End a socket that another thread is waiting on."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


# Answers, and scripts that are needed often.


def ok(body: bytes = b'{"echo":"hello"}', *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A good answer in JSON, with further fields."""
    lines = b"".join(b"%b\r\n" % field for field in fields)
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
    return head % (status, len(body), lines) + body


def head(*lines: bytes) -> bytes:
    """A status line and fields, and the empty line behind them."""
    return b"".join(b"%b\r\n" % line for line in (*lines, b""))


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def answers(*data: bytes) -> Script:
    """Answer each request on the connection with the next of these bytes, the last for ever."""

    def script(peer: Peer) -> None:
        rest = list(data)
        while True:
            peer.request()
            peer.send(rest.pop(0) if len(rest) > 1 else rest[0])

    return script


def answers_once(data: bytes = b"") -> Script:
    """Answer a request with these bytes and leave by FIN."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        peer.finish()
        peer.wait_until_gone()

    return script


def resets(data: bytes = b"", *, heard: threading.Event | None = None) -> Script:
    """Answer a request with these bytes and leave by RST, once they have been `heard`."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        if heard is not None:
            peer.wait(heard)
        peer.reset()

    return script


def stalls(data: bytes = b"") -> Script:
    """Send these bytes in answer to a request, then nothing more for as long as anybody waits."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        peer.wait_until_gone()

    return script


def drips(before: bytes, data: bytes) -> Script:
    """Send some bytes at once, then others one by one, without end."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(before)
        peer.drip(data)

    return script


class FullBacklog:
    """A listening socket that accepts nobody and whose queue is full: a SYN is not answered."""

    def __init__(self, *, filled: bool = True) -> None:
        self._filled = filled
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.listening.settimeout(PATIENCE_S)
        self.port: int = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if self._filled:
            self.fill()
        return self

    def fill(self) -> None:
        """Let nobody in from now on."""
        while True:
            sock = socket.socket()
            self._held.append(sock)
            sock.settimeout(0.05)
            try:
                sock.connect(("127.0.0.1", self.port))
            except TimeoutError:
                sock.close()
                return

    def empty(self) -> None:
        """Make room in the queue again."""
        for _ in self._held[1:]:
            self.listening.accept()[0].close()

    def __exit__(self, *_: object) -> None:
        for sock in (self.listening, *self._held):
            sock.close()
