"""Server-sent events to every page that watches: one message is made once, for all of them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from time import monotonic

_MESSAGES = 50
_RETRY_MS = 1000


class Hub:
    """Publishes messages. `snapshot` makes the one that a page begins with.

    A page that reads too slowly for the last messages gets a snapshot instead: what is held for
    it is bounded.
    """

    def __init__(self, snapshot: Callable[[], bytes]) -> None:
        self.watchers = 0
        self._left_at = monotonic()
        self._snapshot = snapshot
        self._messages: deque[bytes] = deque(maxlen=_MESSAGES)
        self._count = 0
        self._fresh = asyncio.Event()
        self._watched = asyncio.Event()

    def publish(self, data: bytes) -> None:
        """Send JSON to every page."""
        self._messages.append(_event(b"tick", data))
        self._count += 1
        self._fresh.set()
        self._fresh = asyncio.Event()

    def alone_s(self) -> float:
        """For how long nobody has been watching; 0 while somebody is."""
        return 0.0 if self.watchers else monotonic() - self._left_at

    async def watched(self) -> None:
        """Return as soon as somebody watches."""
        await self._watched.wait()

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """The stream for one page, until it leaves."""
        self.watchers += 1
        self._watched.set()
        try:
            seen = self._count
            yield b"retry: %d\n\n" % _RETRY_MS + _event(b"snapshot", self._snapshot())
            while True:
                if seen == self._count:
                    await self._fresh.wait()
                missed, seen = self._count - seen, self._count
                if missed > len(self._messages):
                    yield _event(b"snapshot", self._snapshot())
                else:
                    yield b"".join(list(self._messages)[-missed:])
        finally:
            self.watchers -= 1
            self._left_at = monotonic()
            if not self.watchers:
                self._watched.clear()


def _event(name: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, data)
