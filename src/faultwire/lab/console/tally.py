"""Counts by the second: outcomes, latencies, attempts. Exact, whatever the page is shown."""

from collections import deque
from typing import Any

from faultwire.lab.console.reading import Line
from faultwire.lab.console.told import outcome

_SECONDS = 300
_PERCENTILES = (0.5, 0.9, 0.99, 1.0)
_MOST_KINDS = 40
_MOST_TIMES = 2000

Json = dict[str, Any]


class Second:
    """What B answered in one second. Latencies are counted by the millisecond."""

    __slots__ = ("attempts", "kinds", "ms", "second", "tried")

    def __init__(self, second: int) -> None:
        self.second = second
        self.kinds: dict[str, int] = {}
        self.ms: dict[int, int] = {}
        self.attempts: dict[int, int] = {}
        self.tried = 0

    def add(self, kind: str, latency_ms: int, attempts: int) -> None:
        """Count a request. What would make too many labels is counted under another one."""
        if kind not in self.kinds and len(self.kinds) >= _MOST_KINDS:
            kind = "other"
        if latency_ms not in self.ms and len(self.ms) >= _MOST_TIMES:
            latency_ms = max(self.ms)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.ms[latency_ms] = self.ms.get(latency_ms, 0) + 1
        self.attempts[attempts] = self.attempts.get(attempts, 0) + 1
        self.tried += attempts

    def shown(self) -> Json:
        """The second as the page draws it; percentiles are 50, 90, 99 and the longest."""
        return {
            "t": self.second,
            "kinds": self.kinds,
            "ms": percentiles(self.ms),
            "attempts": {str(count): number for count, number in self.attempts.items()},
        }


class Tally:
    """The last five minutes by the second, and the total of each outcome."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self._seconds: deque[Second] = deque(maxlen=_SECONDS)

    def add(self, line: Line, now: float) -> None:
        """Count a line of B that ends a request."""
        kind = outcome(line)
        second = self._second(int(now))
        second.add(kind, int(line.number("latency_ms")), int(line.number("attempts")))
        if kind in self.totals or len(self.totals) < _MOST_KINDS:
            self.totals[kind] = self.totals.get(kind, 0) + 1

    def history(self) -> list[Json]:
        """Every second in which something was answered, oldest first."""
        return [second.shown() for second in self._seconds]

    def last(self) -> list[Json]:
        """The last two of them: the one that may still grow, and the one that just ended."""
        return [second.shown() for second in list(self._seconds)[-2:]]

    def _second(self, now: int) -> Second:
        if not self._seconds or self._seconds[-1].second != now:
            self._seconds.append(Second(now))
        return self._seconds[-1]


def percentiles(counts: dict[int, int]) -> list[int]:
    """The nearest-rank percentiles of counted values; empty where there is none."""
    total = sum(counts.values())
    found: list[int] = []
    seen = 0
    wanted = list(_PERCENTILES)
    for value, count in sorted(counts.items()):
        seen += count
        while wanted and seen >= wanted[0] * total:
            found.append(value)
            wanted.pop(0)
    return found
