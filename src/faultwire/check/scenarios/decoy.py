"""A port on which nothing should ever arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_MOST = 20


class Decoy:
    """Listens, remembers the first line of what comes, and answers a tempting 200."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request. Nobody is waited for longer than a second."""
        try:
            async with asyncio.timeout(1):
                line = await reader.readline()
                self.requests = [*self.requests, line.decode("latin-1").strip()][:_MOST]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b'Content-Length: 16\r\nConnection: close\r\n\r\n{"echo":"decoy"}')
                await writer.drain()
        except (OSError, ValueError, TimeoutError):
            return  # whoever came has gone, or is nobody to speak to
        finally:
            writer.close()


@asynccontextmanager
async def decoy() -> AsyncIterator[Decoy]:
    """A decoy on a free loopback port."""
    made = Decoy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
