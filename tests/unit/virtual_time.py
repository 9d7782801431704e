"""An event loop's clock and timers, and nothing else; time passes when a test says so."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Any, cast


class VirtualTime:
    """Has what `Deadlines` needs of a loop."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = count()
        self.problems: list[dict[str, Any]] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return cast(asyncio.AbstractEventLoop, self)

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (), self.loop)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.problems.append(context)

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays where it is."""

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return sum(not handle.cancelled() for _, _, handle in self._timers)

    def advance(self, seconds: float) -> int:
        """Let time pass, stopping at each timer. How many have run."""
        end, ran = self._now + seconds, 0
        while self._timers and self._timers[0][0] <= end:
            when, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                self._now = max(self._now, when)
                handle._run()
                ran += 1
                assert ran < 100_000, "the timer is set again and again"
        self._now = end
        return ran
