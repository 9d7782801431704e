"""Many deadlines, one timer.

Items wait in buckets of 10 ms. A hashed timing wheel (Varghese and Lauck, 1987) without the
wheel: the buckets are a dict, so any deadline fits, adding and discarding cost one set
operation, and one timer of the event loop serves them all.
"""

import asyncio
from typing import Protocol

_TICKS_PER_S = 100
_FEW = 256  # so many buckets are never worth sweeping


class Expiring(Protocol):
    """What waits for a deadline."""

    def expire(self) -> None:
        """The deadline has passed."""


Bucket = set[Expiring]
"""Who expires together. Whoever is in it may add others to it, and any may leave it
(`discard`, also after it has expired)."""


class Deadlines:
    """Calls `expire` on each item at its deadline, at most 10 ms late and never early.

    An item may add and discard others while it expires. What it raises goes to the loop's
    exception handler; the others expire all the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, Bucket] = {}
        self._crowded = _FEW
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0
        self._latest: Bucket = set()  # what was added to last, and from when to when it is right
        self._begins = self._ends = 0.0

    def add(self, item: Expiring, when: float) -> Bucket:
        """Expire `item` at `when` (event-loop seconds), unless it leaves the bucket before."""
        if not self._begins <= when < self._ends:  # seldom: deadlines come in crowds
            self._turn_to(int(when * _TICKS_PER_S) + 1)
        self._latest.add(item)
        return self._latest

    def close(self) -> None:
        """Forget all."""
        self._buckets.clear()
        self._ends = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn_to(self, number: int) -> None:
        bucket = self._buckets.get(number)
        self._latest = self._open(number) if bucket is None else bucket
        self._begins, self._ends = (number - 1) / _TICKS_PER_S, number / _TICKS_PER_S

    def _open(self, number: int) -> Bucket:
        if len(self._buckets) >= self._crowded:
            self._sweep()
        bucket = self._buckets[number] = set()
        if self._timer is None or number < self._next:
            self._arm(number)
        return bucket

    def _sweep(self) -> None:
        """Forget empty buckets: with long deadlines their time may be far away."""
        for number in [number for number, bucket in self._buckets.items() if not bucket]:
            del self._buckets[number]
        self._ends = 0.0  # the latest may be among them
        self._crowded = 2 * len(self._buckets) + _FEW

    def _arm(self, number: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = number
        self._timer = self._loop.call_at(number / _TICKS_PER_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        # The bucket that the timer was set for is due even where a float falls short of it.
        now = max(int(self._loop.time() * _TICKS_PER_S), self._next)
        for number in sorted(number for number in self._buckets if number <= now):
            self._expire(number)
        if self._buckets:
            self._arm(min(self._buckets))

    def _expire(self, number: int) -> None:
        bucket = self._buckets.get(number)
        while bucket:  # one by one, since each may discard others
            item = bucket.pop()
            try:
                item.expire()
            except Exception as error:  # noqa: BLE001 - one item's defect is not the others'
                self._loop.call_exception_handler(
                    {"message": f"{item!r} failed as it expired", "exception": error}
                )
        self._buckets.pop(number, None)
        self._ends = 0.0  # it may be the latest
