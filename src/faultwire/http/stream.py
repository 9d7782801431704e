"""A body that comes over time: one task for each, for as long as its client listens."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

_LAST_CHUNK = b"0\r\n\r\n"


class Stream:
    """Writes what `pieces` gives, piece by piece, each when the one before has left.

    `ended` is told None when all is written, or what `pieces` has raised; once `cancel` was
    called, only what it raises on its way out. Whatever happens, `pieces` is closed.
    """

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        pieces: AsyncGenerator[bytes, None],
        ended: Callable[[BaseException | None], object],
        *,
        chunked: bool,
    ) -> None:
        self._transport = transport
        self._pieces = pieces
        self._ended = ended
        self._chunked = chunked
        self._writable = asyncio.Event()
        self._cancelled = False

    def start(self, loop: asyncio.AbstractEventLoop, head: bytes, *, bodyless: bool) -> None:
        """Write the head, then the body unless there is to be none."""
        self._writable.set()
        # Nothing is kept for later: a client that does not read is noticed by the first byte
        # that the kernel does not take.
        self._transport.set_write_buffer_limits(0)
        self._write(head)
        self._task = loop.create_task(self._run(bodyless))
        self._task.add_done_callback(self._done)

    def pause(self) -> None:
        """Something of what was written has to wait."""
        self._writable.clear()

    def resume(self) -> None:
        """All that was written has left."""
        self._writable.set()

    def cancel(self) -> None:
        """Write nothing more: the client has left, or must."""
        if not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    async def _run(self, bodyless: bool) -> None:
        async with aclosing(self._pieces):
            if bodyless:
                return
            async for piece in self._pieces:
                await self._writable.wait()
                if self._cancelled:  # of which the iterator would not hear
                    return
                if piece:  # an empty chunk would be the last one
                    self._write(self._framed(piece))
            await self._writable.wait()
            if self._chunked:
                self._write(_LAST_CHUNK)

    def _framed(self, piece: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece

    def _write(self, data: bytes) -> None:
        try:
            self._transport.write(data)
        except (OSError, RuntimeError):  # uvloop: it is gone, which will be told in a moment
            self._cancelled = True

    def _done(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not self._cancelled:
            self._transport.set_write_buffer_limits()
        elif not isinstance(error, Exception):
            return
        self._ended(error)
