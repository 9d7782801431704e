"""Hedges come after a percentile of what was seen, and are a bounded share of calls."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.policy.hedge import HedgeSettings, Hedging, Latencies

SETTINGS = HedgeSettings(percentile=95.0, share=0.1, window_s=10.0, samples=20)


def test_nothing_is_hedged_until_enough_is_known() -> None:
    hedging = Hedging(SETTINGS)
    for _ in range(19):
        hedging.observed(0.01, 0.0)
    assert hedging.delay_s(0.0) is None
    hedging.observed(0.01, 0.0)
    assert hedging.delay_s(0.5) is None, "reckoned once a second"
    delay_s = hedging.delay_s(1.0)
    assert delay_s is not None
    assert 0.01 <= delay_s <= 0.0111


def test_the_delay_is_the_percentile_of_what_was_seen() -> None:
    hedging = Hedging(SETTINGS)
    for latency_ms in range(1, 101):
        hedging.observed(latency_ms / 1000, 0.0)
    delay_s = hedging.delay_s(0.0)
    assert delay_s is not None
    assert 0.095 <= delay_s <= 0.095 * 1.1


def test_hedges_are_a_share_of_calls() -> None:
    hedging = Hedging(SETTINGS)
    for _ in range(20):
        hedging.called(0.0)
    assert [hedging.withdraw(0.0) for _ in range(3)] == [True, True, False]
    assert not hedging.withdraw(10.0), "without calls there are no hedges"


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=200), st.sampled_from([50, 95, 99.9]))
def test_a_percentile_is_never_low_and_at_most_a_tenth_high(
    values: list[float], percentile: float
) -> None:
    latencies = Latencies(60.0)
    for value in values:
        latencies.add(value, 0.0)
    exact = sorted(values)[math.ceil(len(values) * percentile / 100.0) - 1]
    found = latencies.percentile_s(percentile)
    assert found >= exact * 0.999999
    assert found <= max(exact * 1.1, 1e-4) * 1.000001


def test_latencies_count_for_one_or_two_windows() -> None:
    latencies = Latencies(10.0)
    latencies.add(1.0, 0.0)
    latencies.add(0.001, 10.0)
    assert latencies.count == 2
    assert latencies.percentile_s(100.0) >= 1.0
    latencies.add(0.001, 20.0)
    assert latencies.count == 2
    assert latencies.percentile_s(100.0) == pytest.approx(0.001, rel=0.11)
    latencies.add(0.001, 40.0)
    assert latencies.count == 1, "nothing is kept over a pause"


def test_what_takes_longest_is_in_the_last_bucket() -> None:
    latencies = Latencies(10.0)
    latencies.add(1e6, 0.0)
    assert 100.0 < latencies.percentile_s(50.0) < 200.0


def test_nothing_is_known_at_first_and_nothing_after_a_pause() -> None:
    latencies = Latencies(10.0)
    assert latencies.count == 0
    latencies.add(0.001, 0.0)
    latencies.add(1.0, 40.0)
    assert latencies.count == 1
    assert latencies.percentile_s(100.0) >= 1.0


def test_the_hundredth_percentile_is_the_longest() -> None:
    latencies = Latencies(10.0)
    for latency_s in [0.001] * 101 + [1.0]:
        latencies.add(latency_s, 0.0)
    assert latencies.percentile_s(100.0) >= 1.0
