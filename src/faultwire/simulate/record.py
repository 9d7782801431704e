"""What came of the requests: counted by the second in which each arrived."""

from collections.abc import Sequence

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # it has no types

_LONGEST_US = 3_600_000_000
_DIGITS = 3


class Record:
    """Good answers and all of them per second, and how long each took from its arrival.

    The time counts from when a request was meant to be sent, so that a slow service cannot hide
    requests by keeping clients from sending them (no coordinated omission).
    """

    __slots__ = ("_latencies", "good", "requests")

    def __init__(self, duration_s: float) -> None:
        seconds = int(duration_s + 1)
        self.requests = [0] * seconds
        self.good = [0] * seconds
        self._latencies = HdrHistogram(1, _LONGEST_US, _DIGITS)

    def counted(self, arrived: float, *, good: bool) -> None:
        """A request has been answered, well or not, in no time that matters."""
        second = int(arrived)
        self.requests[second] += 1
        self.good[second] += good

    def ended(self, arrived: float, now: float, *, good: bool) -> None:
        """A request has been answered, well or not, after some time."""
        self.counted(arrived, good=good)
        self._latencies.record_value(max(int((now - arrived) * 1e6), 1))

    def latencies_ms(self, percentiles: Sequence[float]) -> tuple[float, ...]:
        """What these percentages of the answers, good and bad, took at most."""
        found = self._latencies.get_percentile_to_value_dict(list(percentiles))
        return tuple(round(found[each] / 1000.0, 3) for each in percentiles)
