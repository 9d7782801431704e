"""Hedging: when an answer takes longer than nearly all do, ask once more and take the first.

After J. Dean and L. A. Barroso, "The Tail at Scale" (CACM 56/2, 2013): a second request after the
95th percentile costs about 5 % more load and cuts the tail. When everything is slow, everything
would be hedged; so hedges are bounded to a share of calls.
"""

import math
from dataclasses import dataclass

from faultwire.policy.knob import knob
from faultwire.policy.window import SlidingCounts

_CALLS, _HEDGES = 0, 1
_LEAST_S = 1e-4  # the first bucket's upper bound
_GROWTH = 1.1  # each bucket's upper bound over the one before: a percentile is at most 10 % high
_BUCKETS = 150  # up to two minutes
_LOG_GROWTH = math.log(_GROWTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeSettings:
    """When a second attempt is made, and for how many calls."""

    percentile: float = knob(95.0, "The percentile of latencies to wait for.", 50, 99.99)
    share: float = knob(0.05, "Hedges as a share of calls at most.", 0, 1)
    window_s: float = knob(30.0, "How far back latencies count, and up to twice as far.", 1, 600)
    samples: int = knob(100, "Latencies to know before anything is hedged.", 1, 1_000_000)


class Latencies:
    """The latencies of the last one or two windows, in buckets that grow by a tenth."""

    __slots__ = ("_before", "_count", "_count_before", "_current", "_since", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._since = -math.inf
        self._current = self._before = [0] * _BUCKETS
        self._count = self._count_before = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count + self._count_before

    def add(self, latency_s: float, now: float) -> None:
        """One more."""
        if now - self._since >= self._window_s:
            self._turn(now)
        self._current[_bucket(latency_s)] += 1
        self._count += 1

    def percentile_s(self, percentile: float) -> float:
        """What this share of them, in percent, does not exceed, rounded up to a bucket's bound."""
        wanted = math.ceil(self.count * percentile / 100.0)
        for bucket in range(_BUCKETS):
            wanted -= self._current[bucket] + self._before[bucket]
            if wanted <= 0:
                return _LEAST_S * _GROWTH**bucket
        return math.inf

    def _turn(self, now: float) -> None:
        """Begin a new window; the old one counts on, unless it is too old itself."""
        recent = now - self._since < 2.0 * self._window_s
        self._before = self._current if recent else [0] * _BUCKETS
        self._count_before = self._count if recent else 0
        self._current, self._count, self._since = [0] * _BUCKETS, 0, now


class Hedging:
    """When a call is to be hedged, and whether it still may."""

    __slots__ = ("_counts", "_delay_s", "_delay_until", "_latencies", "_settings")

    def __init__(self, settings: HedgeSettings) -> None:
        self._settings = settings
        self._latencies = Latencies(settings.window_s)
        self._counts = SlidingCounts(settings.window_s, 2)
        self._delay_s: float | None = None
        self._delay_until = -math.inf

    def called(self, now: float) -> None:
        """A call has begun."""
        self._counts.add(now, _CALLS)

    def observed(self, latency_s: float, now: float) -> None:
        """An answer took so long; or an attempt was given up after so long, and took more."""
        self._latencies.add(latency_s, now)

    def delay_s(self, now: float) -> float | None:
        """How long an attempt may take before it is hedged; None while too little is known.

        Reckoned once a second: it changes slowly, and reckoning it takes a hundred steps.
        """
        if now >= self._delay_until:
            known = self._latencies.count >= self._settings.samples
            percentile = self._settings.percentile
            self._delay_s = self._latencies.percentile_s(percentile) if known else None
            self._delay_until = now + 1.0
        return self._delay_s

    def withdraw(self, now: float) -> bool:
        """Ask for one hedge. Where the answer is yes, it is spent."""
        calls, hedges = self._counts.totals(now)
        if hedges + 1 > self._settings.share * calls:
            return False
        self._counts.add(now, _HEDGES)
        return True


def _bucket(latency_s: float) -> int:
    if latency_s <= _LEAST_S:
        return 0
    return min(math.ceil(math.log(latency_s / _LEAST_S) / _LOG_GROWTH), _BUCKETS - 1)
