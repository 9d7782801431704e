"""Figures of a run, whoever made it: from counts per second."""

from collections.abc import Sequence
from math import ceil

_STEADY_S = 10
_WELL = 0.95
_BARS = "▁▂▃▄▅▆▇█"


def share(good: Sequence[int], requests: Sequence[int]) -> float:
    """The share of requests that were answered well; 1 where there were none."""
    asked = sum(requests)
    return sum(good) / asked if asked else 1.0


def recovery_s(good: Sequence[int], requests: Sequence[int], mended_s: int) -> int | None:
    """How many seconds after the trouble's end it was as good as over; None for never.

    Over: in ten seconds in a row 95 % of the requests that came were answered well.
    """
    for start in range(mended_s, len(requests) - _STEADY_S + 1):
        window = slice(start, start + _STEADY_S)
        if share(good[window], requests[window]) >= _WELL:
            return start - mended_s
    return None


def steady_after_s(
    good: Sequence[int], requests: Sequence[int], mended_s: int, least: float
) -> int | None:
    """How many seconds after the trouble's end it was over for good; None for never.

    From that second on, at least a share of `least` was answered well in each: what a short run,
    in which every second counts, can tell.
    """
    found = None
    for second in reversed(range(mended_s, len(requests))):
        each = slice(second, second + 1)
        if share(good[each], requests[each]) < least:
            break
        found = second - mended_s
    return found


def sparkline(values: Sequence[float], most: float, width: int = 60, bars: str = _BARS) -> str:
    """A line of bars, each the mean of as many values as it takes to fit the width."""
    each = max(ceil(len(values) / width), 1)
    groups = [values[i : i + each] for i in range(0, len(values), each)]
    return "".join(_bar(sum(group) / len(group), most, bars) for group in groups)


def _bar(value: float, most: float, bars: str) -> str:
    part = min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
    return bars[round(part * (len(bars) - 1))]
