"""How long a delay is: distributions, each drawn with one number from 0 to 1."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Choices = tuple[tuple[T, float], ...]
"""Values and their weights."""

_NORMAL = NormalDist()
_MOST_CHOICES = 100
_LEAST = 1e-300  # where a normal distribution can still be asked


class Distribution(Protocol):
    """A distribution of delays. `at` is its quantile function."""

    def at(self, share: float) -> float:
        """The milliseconds that a share of all delays, from 0 up to 1, does not exceed."""


class Fixed(NamedTuple):
    """Always the same."""

    delay_ms: float

    def at(self, share: float) -> float:  # noqa: ARG002
        return self.delay_ms


class Uniform(NamedTuple):
    """Anything between two bounds, evenly."""

    lower_ms: float
    upper_ms: float

    def at(self, share: float) -> float:
        return self.lower_ms + (self.upper_ms - self.lower_ms) * share


class Lognormal(NamedTuple):
    """A median with a long tail, truncated at `most_ms` (what is over it is drawn anew)."""

    median_ms: float
    sigma: float
    most_ms: float

    def at(self, share: float) -> float:
        if not self.sigma or not self.median_ms:
            return min(self.median_ms, self.most_ms)
        below = _NORMAL.cdf(math.log(self.most_ms / self.median_ms) / self.sigma)
        share = max(share * below, _LEAST)
        return self.median_ms * math.exp(self.sigma * _NORMAL.inv_cdf(share))


class Quantiles(NamedTuple):
    """Half of all delays up to `p50_ms`, 90 % up to `p90_ms`, the slowest hundredth `p99_ms`."""

    p50_ms: float
    p90_ms: float
    p99_ms: float

    def at(self, share: float) -> float:
        if share < 0.5:
            return self.p50_ms * share / 0.5
        if share < 0.9:
            return _between(self.p50_ms, self.p90_ms, (share - 0.5) / 0.4)
        return _between(self.p90_ms, self.p99_ms, min((share - 0.9) / 0.09, 1.0))


class Weighted(NamedTuple):
    """One of several delays, each as often as its weight says."""

    choices: Choices[float]

    def at(self, share: float) -> float:
        return pick(self.choices, share)


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part


def pick(choices: Choices[T], share: float) -> T:
    """The choice at a share, from 0 up to 1, of all weights together."""
    at = share * sum(weight for _, weight in choices)
    for value, weight in choices:
        at -= weight
        if at < 0:
            return value
    return choices[-1][0]


def read_choices(text: str, read: Callable[[str], T]) -> Choices[T]:
    """The choices of a list such as `404:10,503:5`; a value without a weight has 1.

    Raises ValueError, also that of `read`.
    """
    choices = tuple(_choice(item, read) for item in text.split(","))
    if len(choices) > _MOST_CHOICES or not 0 < sum(weight for _, weight in choices) < math.inf:
        raise ValueError(f"up to {_MOST_CHOICES} choices, one of a weight above 0")
    return choices


def _choice(item: str, read: Callable[[str], T]) -> tuple[T, float]:
    value, colon, weight = item.partition(":")
    number = float(weight) if colon else 1.0
    if not 0 <= number < math.inf:
        raise ValueError("a weight of 0 or more")
    return read(value.strip()), number
