"""The bulkhead: so many calls at once and no more, so that one slow upstream cannot take all.

A bounded queue may stand before it. Who waits does so until a time of their own; a place that
becomes free goes to the one who has waited longest and still waits.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from faultwire.policy.knob import knob

Waiter = TypeVar("Waiter")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadSettings:
    """How many calls at once, and how many more may wait."""

    in_flight: int = knob(256, "Calls in flight at once.", 1, 1_000_000)
    queue: int = knob(0, "Calls that may wait for a place.", 0, 1_000_000)
    wait_s: float = knob(0.1, "How long a call waits for a place at most.", 0.001, 600)


class Entry(StrEnum):
    """What became of somebody who wants to enter."""

    ENTERED = "entered"
    QUEUED = "queued"
    FULL = "full"


class Bulkhead(Generic[Waiter]):
    """Counts who is in and who waits. Whoever has entered must leave, once."""

    __slots__ = ("_most", "_queue", "_queue_most", "_wait_s", "in_flight")

    def __init__(self, settings: BulkheadSettings) -> None:
        self._most = settings.in_flight
        self._queue_most = settings.queue
        self._wait_s = settings.wait_s
        self._queue: OrderedDict[Waiter, float] = OrderedDict()
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many wait, those included whose time is over and who have not said so yet."""
        return len(self._queue)

    def enter(self, waiter: Waiter, now: float) -> Entry:
        """Take a place if one is free, else wait for one if there is room to."""
        if self.in_flight < self._most:
            self.in_flight += 1
            return Entry.ENTERED
        if len(self._queue) >= self._queue_most:
            return Entry.FULL
        self._queue[waiter] = now + self._wait_s
        return Entry.QUEUED

    def waits_until(self, waiter: Waiter) -> float:
        """When somebody has waited long enough: long ago, if they are not queued any more."""
        return self._queue.get(waiter, 0.0)

    def abandon(self, waiter: Waiter) -> None:
        """Wait no longer. Nothing happens to who does not wait."""
        self._queue.pop(waiter, None)

    def leave(self, now: float) -> Waiter | None:
        """Give a place back. If somebody waits, it is theirs at once, and they are to be told."""
        while self._queue:
            waiter, until = self._queue.popitem(last=False)
            if now <= until:
                return waiter
        self.in_flight -= 1
        return None
