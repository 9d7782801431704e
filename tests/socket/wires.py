"""A `Wire` in a thread of its own, an upstream behind it, and a caller that sees every byte.

    with Upstream(answers(ok())) as upstream, wired(new_loop, upstream.url) as wire:
        wire.breaks("status", status=503)
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (b"HTTP/1.1 503 …", "FIN")

The scripts of `tests.socket.upstreams` say what the upstream does. Leaving `wired` fails when the
event loop was told of a problem, or a connection or a task is left.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from faultwire.wire import upstream as wire_upstream
from faultwire.wire.gate import State
from faultwire.wire.ledger import Query, Record
from faultwire.wire.plan.breaks import read_break
from faultwire.wire.proxy import Wire
from tests.socket import upstreams
from tests.socket.serving import NewLoop, wait_until
from tests.socket.upstreams import PATIENCE_S, Peer, Script

T = TypeVar("T")
GET = b"GET /echo?msg=hello HTTP/1.1\r\nHost: a\r\n\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Upstream(upstreams.Upstream):
    """A scripted upstream that takes no notice of the wire's looks at it.

    Connection n of those that bring a byte follows script n; `talks` counts them. With
    `silent_talks`, those that bring none count, too. `port` is to be had, in IPv4.
    """

    def __init__(
        self,
        *scripts: Script,
        host: str = "127.0.0.1",
        port: int = 0,
        silent_talks: bool = False,
    ) -> None:
        self.talks = 0
        self._silent_talks = silent_talks
        super().__init__(*scripts, host=host)
        if port:
            self.stop_listening()
            self._listening = socket.create_server((host, port), backlog=1024)
            self.port, self.url = port, f"http://{host}:{port}"
            self._acceptor = threading.Thread(target=self._accept, daemon=True)
            self._acceptor.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        try:
            silent = not self._silent_talks and not sock.recv(1, socket.MSG_PEEK)
        except OSError:
            silent = True
        if silent:
            sock.close()
            return
        with self._seen:
            number, self.talks = self.talks, self.talks + 1
        super()._run(sock, number)


class Caller:
    """A client's end of a connection, with a deadline on everything."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    @classmethod
    def to(cls, port: int) -> "Caller":
        return cls(socket.create_connection(("127.0.0.1", port), PATIENCE_S))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._buffer) < size:
            self._receive()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def head(self) -> bytes:
        """The next head, its empty line included."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        return self.read(self._buffer.index(b"\r\n\r\n") + 4)

    def answer(self) -> bytes:
        """The next answer that has a Content-Length, whole."""
        head = self.head()
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head + self.read(int(length))

    def rest(self) -> tuple[bytes, str]:
        """Everything until the end of the stream, and how it ends: "FIN" or "RST"."""
        how = ""
        while not how:
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionResetError:
                how = "RST"
            else:
                self._buffer += data
                how = "" if data else "FIN"
        everything, self._buffer = self._buffer, b""
        return everything, how

    def is_silent(self, seconds: float = 0.05) -> bool:
        """Whether nothing at all comes for a while."""
        self.sock.settimeout(seconds)
        try:
            return not self._buffer and self.sock.recv(1, socket.MSG_PEEK) is None
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(PATIENCE_S)

    def finish(self) -> None:
        """Send no more: FIN."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()

    def close(self) -> None:
        """Leave altogether: by FIN, or RST if there is something unread."""
        self.sock.close()

    def _receive(self) -> None:
        data = self.sock.recv(1 << 20)
        assert data, f"closed after {self._buffer!r}"
        self._buffer += data


class Wired:
    """A wire on port 0, served by an event loop in its own thread."""

    def __init__(self, new_loop: NewLoop, url: str, **settings: Any) -> None:
        self.problems: list[dict[str, Any]] = []
        self._callers: list[Caller] = []
        self._loop = new_loop()
        self._loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self.wire = self.run(_start(url, settings))
        except BaseException:
            self._stop()
            raise
        self.port = self.wire.gate.port

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the wire's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin to run a coroutine in the wire's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function in the wire's thread."""

        async def called() -> T:
            return function(*args)

        return self.run(called())

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, looked at in the wire's thread."""
        wait_until(self._loop, condition)

    def until(self, state: State) -> None:
        """Wait until the listening socket is in a state."""
        self.run(self.wire.until(state))

    def breaks(self, fault: str, **break_: object) -> None:
        """Begin a break: `wire.breaks("latency", delay_ms=20, rate=0.5, match={…})`."""
        self.call(self.wire.plan.add, read_break({"fault": fault, **break_}))

    def mend(self) -> None:
        """Mend every fault."""
        self.call(self.wire.plan.reset)

    def connect(self) -> Caller:
        caller = Caller.to(self.port)
        self._callers.append(caller)
        return caller

    def ask(self, request: bytes = GET) -> tuple[bytes, str]:
        """All that comes for a request on a connection of its own that then shuts down its side."""
        caller = self.connect()
        caller.send(request)
        caller.finish()
        return caller.rest()

    def records(self, ended: int) -> list[Record]:
        """The ledger's records, once so many have ended."""
        self.wait_until(lambda: len(self._ended()) >= ended)
        return self.call(self._ended)

    def open_records(self) -> list[Record]:
        """The records of what is under way; for the wire's thread."""
        return self.wire.ledger.find(Query(open=True)).records

    def _ended(self) -> list[Record]:
        return self.wire.ledger.find(Query(open=False, limit=10_000)).records

    def record(self) -> Record:
        """The only record, once it has ended."""
        (record,) = self.records(1)
        return record

    def wait_until_gone(self) -> None:
        """Wait until the wire has forgotten all connections."""
        self.wait_until(lambda: self.wire.connections == 0)

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
        try:
            self.run(self.wire.close())
            self.wait_until(lambda: not asyncio.all_tasks(self._loop))
            self.run(self._loop.shutdown_asyncgens())  # as asyncio.Runner does
            assert not self.problems, self.problems
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


async def _start(url: str, settings: dict[str, Any]) -> Wire:
    of_upstream = {name: settings.pop(name) for name in ("verify", "ca_file") if name in settings}
    wire = Wire(wire_upstream.Upstream(url, **of_upstream), **settings)
    await wire.start()
    return wire


@contextmanager
def wired(new_loop: NewLoop, url: str, **settings: Any) -> Iterator[Wired]:
    """A wire to an upstream, gone afterwards. `settings` are those of `Wire` and its `Upstream`."""
    wire = Wired(new_loop, url, **settings)
    try:
        yield wire
    finally:
        wire.close()


def sends_first(data: bytes, then: Callable[[Peer], object]) -> Script:
    """Wait for a byte, then send these bytes whatever came, and go on as told."""

    def script(peer: Peer) -> None:
        peer.send(data)
        then(peer)

    return script


def trusting(ca_file: str) -> ssl.SSLContext:
    """A client's context that trusts one authority."""
    return ssl.create_default_context(cafile=ca_file)
