"""Figures of a run, whoever made it: from counts per second."""

from collections.abc import Sequence
from math import ceil

_STEADY_S = 10
_WELL = 0.95
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-~=+*#"


def share(good: Sequence[int], requests: Sequence[int]) -> float:
    """The share of requests that were answered well; 1 where there were none."""
    asked = sum(requests)
    return sum(good) / asked if asked else 1.0


def shares(good: Sequence[int], requests: Sequence[int]) -> list[float]:
    """The same, second by second."""
    return [share([fine], [asked]) for fine, asked in zip(good, requests, strict=True)]


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


def sparkline(shares: Sequence[float], width: int, *, unicode: bool) -> str:
    """A line of bars, each the mean of as many shares as it takes to fit the width.

    In ASCII where nothing else can be shown.
    """
    bars = _BARS if unicode else _PLAIN_BARS
    each = max(ceil(len(shares) / width), 1)
    groups = [shares[i : i + each] for i in range(0, len(shares), each)]
    return "".join(bars[round(sum(group) / len(group) * (len(bars) - 1))] for group in groups)
