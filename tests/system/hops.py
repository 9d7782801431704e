"""Hops between B and A, as gateways are: one that keeps quiet, one that can be closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from time import time

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Serve = Callable[[Reader, Writer, Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def keeping_quiet(port: int) -> AsyncIterator[str]:
    """A hop before a port that does not pass on that a caller has gone, as many gateways do not."""

    async def relay(reader: Reader, writer: Writer, to_reader: Reader, to: Writer) -> None:
        await asyncio.gather(_copy(reader, to), _copy(to_reader, writer))

    async with _before(port, relay) as url:
        yield url


class Door:
    """A hop that is closed until a time: it says 503, and by Retry-After when it will open."""

    def __init__(self, port: int) -> None:
        self.opens_at = 0.0
        self.came_at: list[float] = []
        self._port = port
        self._came = asyncio.Event()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[str]:
        """Its URL."""
        async with _before(self._port, self._serve) as url:
            yield url

    async def until(self, moment: float) -> None:
        """Return when somebody has come after this time."""
        while not self.came_at or self.came_at[-1] < moment:
            self._came.clear()
            await self._came.wait()

    async def _serve(self, reader: Reader, writer: Writer, to_reader: Reader, to: Writer) -> None:
        while request := await reader.readuntil(b"\r\n\r\n"):
            self.came_at.append(time())
            self._came.set()
            if time() < self.opens_at:
                when = formatdate(self.opens_at, usegmt=True).encode()
                fields = b"Retry-After: %b\r\nContent-Length: 0" % when
                writer.write(b"HTTP/1.1 503 Closed\r\n%b\r\n\r\n" % fields)
            else:
                to.write(request)
                writer.write(await _answer(to_reader))


async def _answer(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def _copy(source: Reader, sink: Writer) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
    except ConnectionError:
        pass  # what was asked of the other side goes on


@asynccontextmanager
async def _before(port: int, serve: Serve) -> AsyncIterator[str]:
    """A server on a free port, with a connection to `port` for each that it accepts."""
    serving: dict[asyncio.Task[None], list[Writer]] = {}

    async def accepted(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        held = serving[task] = [writer]
        try:
            to_reader, to = await asyncio.open_connection("127.0.0.1", port)
            held.append(to)
            await serve(reader, writer, to_reader, to)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            del serving[task]
            _abort(held)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        while serving:
            for held in serving.values():
                _abort(held)
            await asyncio.wait(list(serving))


def _abort(held: list[Writer]) -> None:
    for writer in held:
        writer.transport.abort()
