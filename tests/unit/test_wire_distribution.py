"""Delays are spread as their distribution says."""

import math
from statistics import NormalDist, median, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.faults.distribution import (
    Distribution,
    Fixed,
    Lognormal,
    Quantiles,
    Uniform,
    Weighted,
    pick,
    read_choices,
)

SHARES = st.floats(0, 1, exclude_max=True)
ALL: list[Distribution] = [
    Fixed(7),
    Uniform(10, 20),
    Lognormal(90, 0.5, 1000),
    Lognormal(90, 0, 1000),
    Lognormal(0, 1, 1000),
    Quantiles(10, 50, 500),
    Weighted(((5.0, 90.0), (20.0, 10.0))),
]


def sample(distribution: Distribution, count: int = 10_000) -> list[float]:
    return [distribution.at((place + 0.5) / count) for place in range(count)]


@given(st.sampled_from(ALL), SHARES, SHARES)
def test_a_larger_share_is_never_a_shorter_delay(one: Distribution, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= one.at(low) <= one.at(high) * (1 + 1e-12)


def test_uniform_delays_lie_evenly_between_their_bounds() -> None:
    assert Uniform(10, 20).at(0) == 10
    assert quantiles(sample(Uniform(10, 20)), n=4) == pytest.approx([12.5, 15, 17.5], rel=1e-3)


def test_lognormal_delays_have_the_median_and_spread_asked_for() -> None:
    delays = sample(Lognormal(90, 0.1, 1e6))
    assert median(delays) == pytest.approx(90, rel=1e-3)
    ninety = 90 * math.exp(0.1 * NormalDist().inv_cdf(0.9))
    assert quantiles(delays, n=10)[-1] == pytest.approx(ninety, rel=1e-3)


def test_truncated_lognormal_delays_stay_below_the_bound_without_heaping_at_it() -> None:
    delays = sample(Lognormal(100, 1, 200))
    assert max(delays) <= 200
    assert sum(delay > 199 for delay in delays) < 100


def test_quantiles_are_those_asked_for() -> None:
    delays = sorted(sample(Quantiles(10, 50, 500)))
    assert delays[4999] == pytest.approx(10, rel=1e-2)
    assert delays[8999] == pytest.approx(50, rel=1e-2)
    assert delays[9899] == pytest.approx(500, rel=1e-2)
    assert delays[-1] == 500


def test_weights_are_relative() -> None:
    delays = sample(Weighted(((5.0, 9.0), (20.0, 1.0))))
    assert (delays.count(5.0), delays.count(20.0)) == (9000, 1000)


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e6)), min_size=1), SHARES)
def test_a_choice_of_no_weight_is_never_picked(
    choices: list[tuple[str, float]], share: float
) -> None:
    choices.append(("sure", 1.0))
    picked = [at for at, (value, _) in enumerate(choices) if value == pick(tuple(choices), share)]
    assert any(choices[at][1] > 0 for at in picked)


def test_a_list_of_choices_is_read() -> None:
    assert read_choices("404:10, 503:5,500", int) == ((404, 10), (503, 5), (500, 1))


@pytest.mark.parametrize(
    "text", ["", "404:-1", "404:0", "404:x", "x:1", "404:inf", "404:nan", "1:1," * 101]
)
def test_what_is_no_list_of_choices_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the caller says what was expected
        read_choices(text, int)
