"""Looking at what has passed, when there is time for it.

What no fault waits for is passed on at once, and the books are kept some milliseconds later: an
upstream's answer is often back before the head of its request could be read, and requests come in
bursts, of which the last would wait for the books of all others. Nobody notices: whatever else
happens on a link, and whoever reads the ledger, lets all that has passed be looked at first.
"""

import asyncio
from collections.abc import Callable
from time import time

_SOON_S = 0.005
_MOST = 1000
_LONGEST_BYTES = 1 << 12  # longer pieces are looked at at once: memory is bounded

Look = Callable[[bytes, float], None]
"""Looks at bytes, which came at a time in seconds since 1970."""


class Afterwards:
    """Pieces that have passed and that nobody has looked at, in the order they came."""

    __slots__ = ("_loop", "_pieces", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: list[tuple[Look, bytes, float]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, look: Look, data: bytes) -> None:
        """Let a piece be looked at soon."""
        pieces = self._pieces
        pieces.append((look, data, time()))
        if len(data) > _LONGEST_BYTES or len(pieces) > _MOST:
            self.look()
        elif self._timer is None:
            self._timer = self._loop.call_later(_SOON_S, self._on_time)

    def look(self) -> None:
        """Let all of them be looked at now."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            for look, data, came in pieces:
                try:
                    look(data, came)
                except Exception as error:  # noqa: BLE001 - a defect of ours; the others go on
                    self._loop.call_exception_handler(
                        {"message": "Looking at what has passed failed", "exception": error}
                    )

    def close(self) -> None:
        """Look for the last time."""
        self.look()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self) -> None:
        self._timer = None
        self.look()
