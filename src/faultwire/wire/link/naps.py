"""Sleeps that never end early, end early only when their fault is mended, and cost little.

One timer serves all that sleep; the first to wake stands first in a heap. An event loop's own
timer counts whole milliseconds from the time its round began (uvloop), so it may be a millisecond
early: whoever is not due yet sleeps on to the next one.
"""

import asyncio
from heapq import heapify, heappop, heappush
from math import ceil
from time import monotonic

from faultwire.wire.plan import Chosen

MOMENT_S = 2.0
"""So long a client that has sent a FIN is waited with; nearly always it has gone for good."""
_FEW = 64

Sleeper = asyncio.Future[None]


class Naps:
    """Everybody who sleeps on one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._number = 0
        self._left = 0  # so many in the heap do not sleep any more
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0

    def __len__(self) -> int:
        """How many entries there are, those who have been woken before their time included."""
        return len(self._heap)

    async def nap(self, chosen: Chosen, seconds: float) -> None:
        """Sleep so long, or until the fault is mended."""
        if chosen.mended or seconds <= 0:
            return
        sleeper: Sleeper = self._loop.create_future()
        due = monotonic() + seconds
        self._number += 1
        heappush(self._heap, (due, self._number, sleeper))
        if self._timer is None or due < self._timer_due:
            self._arm(due)
        chosen.sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            chosen.sleepers.discard(sleeper)
            if monotonic() < due:
                self._leave()

    def close(self) -> None:
        """Wake nobody any more."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        wait_ms = max(ceil((due - monotonic()) * 1000), 1)
        self._timer = self._loop.call_later(wait_ms / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now, heap = monotonic(), self._heap
        while heap and heap[0][0] <= now:
            sleeper = heappop(heap)[2]
            if sleeper.done():
                self._left -= 1
            else:
                sleeper.set_result(None)
        if heap:
            self._arm(heap[0][0])

    def _leave(self) -> None:
        """One has been woken before its time: its place is kept, unless half of them are such."""
        self._left += 1
        if self._left > _FEW and 2 * self._left > len(self._heap):
            self._left = 0
            self._heap = [entry for entry in self._heap if not entry[2].done()]
            heapify(self._heap)
