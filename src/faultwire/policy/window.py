"""Counts over the last seconds."""

_SLICES = 10


class SlidingCounts:
    """Counts in `columns`, over the last `window_s` seconds.

    Kept in slices, so that memory does not grow with the rate: a count is forgotten when its
    whole slice is older than the window. Time that goes backwards counts as the latest seen.
    """

    __slots__ = ("_ring", "_slice_s", "_tick", "_totals")

    def __init__(self, window_s: float, columns: int) -> None:
        self._slice_s = window_s / _SLICES
        self._ring = [[0] * columns for _ in range(_SLICES)]
        self._totals = [0] * columns
        self._tick = -1

    def add(self, now: float, column: int) -> None:
        """Count one."""
        self._advance(now)
        self._ring[self._tick % _SLICES][column] += 1
        self._totals[column] += 1

    def totals(self, now: float) -> list[int]:
        """The counts of each column. Not to be changed by the caller."""
        self._advance(now)
        return self._totals

    def clear(self) -> None:
        """Forget everything."""
        for part in (*self._ring, self._totals):
            part[:] = [0] * len(part)

    def _advance(self, now: float) -> None:
        tick = int(now / self._slice_s)
        if tick <= self._tick:
            return
        for old in range(max(self._tick, tick - _SLICES) + 1, tick + 1):
            gone = self._ring[old % _SLICES]
            for column, count in enumerate(gone):
                self._totals[column] -= count
                gone[column] = 0
        self._tick = tick
