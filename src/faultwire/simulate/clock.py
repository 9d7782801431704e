"""Virtual time: what is to happen, in the order of its time."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """A heap of events. What is due at the same time happens in the order in which it was set."""

    __slots__ = ("_heap", "_order", "events", "now")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[..., object], object]] = []
        self._order = 0
        self.events = 0
        self.now = 0.0

    def at(self, when: float, action: Callable[[T], object], argument: T) -> None:
        """Have `action(argument)` happen at a time, which must not be past."""
        self._order += 1
        heappush(self._heap, (when, self._order, action, argument))

    def run(self, until: float) -> None:
        """Let everything happen that is due by then."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, action, argument = heappop(heap)
            action(argument)
            self.events += 1
        self.now = until
