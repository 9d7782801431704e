"""What a client is sent while its request is played: in order, with back-pressure, and noted."""

import asyncio
from time import time

from faultwire.wire.ledger import Record
from faultwire.wire.link.ends import End
from faultwire.wire.stream.head import Head

_LARGE_BYTES = 16 * 1024
"""After so much at once others have their turn, and that the client has gone is noticed."""

_STATUS_BYTES = len(b"HTTP/1.1 200")


class Delivery:
    """Sends to a client, and notes in the record what it has seen. `begun` with the answer."""

    __slots__ = ("_client", "_record", "_room", "_start", "begun")

    def __init__(self, client: End, record: Record) -> None:
        self.begun = False  # something of the answer proper has been sent
        self._client = client
        self._record = record
        self._room: asyncio.Future[None] | None = None
        self._start = b""  # of the answer proper

    async def send(self, data: bytes) -> None:
        """Send, and wait while the client does not read."""
        self.write(data)
        await self._taken(data)

    async def send_interim(self, head: bytes) -> None:
        """Send a 1xx head, which is nothing of the answer proper."""
        self._write(head)
        await self._taken(head)

    def write(self, data: bytes) -> None:
        """Send, whether the client reads or not."""
        if len(self._start) < _STATUS_BYTES:
            self._note_status(data)
        self.begun = True
        self._write(data)

    def _note_status(self, data: bytes) -> None:
        """The head may come in drops."""
        start = self._start = self._start + data[:_STATUS_BYTES]
        if len(start) >= _STATUS_BYTES and start.startswith(b"HTTP/1."):
            self._record.status = Head(start[:_STATUS_BYTES]).status

    def _write(self, data: bytes) -> None:
        record = self._record
        if not record.first_byte:
            record.first_byte = time()
        record.response_bytes += len(data)
        self._client.write(data)

    async def _taken(self, data: bytes) -> None:
        if self._client.full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        elif len(data) >= _LARGE_BYTES:
            await asyncio.sleep(0)

    def has_room(self) -> None:
        """The client reads on."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
