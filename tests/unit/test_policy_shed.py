"""The limit follows the upstream's latency, between its bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.policy.shed import AdaptiveLimit, ShedSettings

SETTINGS = ShedSettings(initial=20, least=5, most=40, tolerance=1.5, queue=4, window_s=1.0)


def fill(limit: AdaptiveLimit) -> None:
    while limit.enter():
        pass


def window(limit: AdaptiveLimit, now: float, latency_s: float, *, timed_out: bool = False) -> None:
    """Ten samples that end a window."""
    for _ in range(10):
        limit.observed(latency_s, now, timed_out=timed_out)


def test_as_many_as_the_limit_may_be_in() -> None:
    limit = AdaptiveLimit(SETTINGS)
    fill(limit)
    assert limit.in_flight == 20
    limit.leave()
    assert limit.enter()
    assert not limit.enter()


def test_with_steady_latency_a_limit_that_limits_grows_by_its_queue() -> None:
    limit = AdaptiveLimit(SETTINGS)
    fill(limit)
    window(limit, 1.0, 0.1)
    assert limit.limit == pytest.approx(20 + 0.2 * 4)


def test_a_limit_that_is_not_reached_says_nothing() -> None:
    limit = AdaptiveLimit(SETTINGS)
    for _ in range(9):
        limit.enter()
    window(limit, 1.0, 0.1)
    assert limit.limit == 20.0
    limit.enter()
    window(limit, 2.0, 0.1)
    assert limit.limit > 20.0, "half of it counts as reached"


def test_latency_beyond_the_tolerance_lowers_it_in_proportion() -> None:
    limit = AdaptiveLimit(SETTINGS)
    for now in range(1, 11):
        window(limit, float(now), 0.1)
    fill(limit)
    window(limit, 11.0, 0.2)
    long_term = 0.1 + 2 / 601 * 0.1
    gradient = 1.5 * long_term / 0.2
    assert limit.limit == pytest.approx(0.8 * 20 + 0.2 * (20 * gradient + 4))


def test_the_gradient_never_halves_more_than_once_a_window() -> None:
    limit = AdaptiveLimit(SETTINGS)
    for now in range(1, 11):
        window(limit, float(now), 0.1)
    fill(limit)
    window(limit, 11.0, 50.0)
    assert limit.limit == pytest.approx(0.8 * 20 + 0.2 * (20 * 0.5 + 4))


def test_timeouts_lower_it_and_teach_nothing_about_latency() -> None:
    limit = AdaptiveLimit(SETTINGS)
    limit.observed(1.0, 0.5, timed_out=True)
    window(limit, 1.0, 0.1)
    assert limit.limit == pytest.approx(18.0)
    assert limit._long_term_s == 0.0


def test_the_long_term_is_a_mean_at_first_and_falls_when_it_is_twice_too_high() -> None:
    limit = AdaptiveLimit(SETTINGS)
    window(limit, 1.0, 0.2)
    window(limit, 2.0, 0.4)
    assert limit._long_term_s == pytest.approx(0.3)
    window(limit, 3.0, 0.1)
    assert limit._long_term_s == pytest.approx(0.7 / 3 * 0.95)


def test_after_ten_windows_the_long_term_moves_slowly() -> None:
    limit = AdaptiveLimit(SETTINGS)
    for now in range(1, 11):
        window(limit, float(now), 0.1 + now / 100)
    assert limit._long_term_s == pytest.approx(0.155)
    window(limit, 11.0, 0.2)
    assert limit._long_term_s == pytest.approx(0.155 + 2 / 601 * 0.045)


def test_it_moves_once_a_window_and_only_with_enough_samples() -> None:
    limit = AdaptiveLimit(SETTINGS)
    window(limit, 0.5, 0.1, timed_out=True)
    assert limit.limit == 18.0, "the first window ends with its samples"
    window(limit, 1.4, 0.1, timed_out=True)
    assert limit.limit == 18.0
    limit.observed(0.1, 1.5, timed_out=False)
    assert limit.limit == pytest.approx(16.2)
    for _ in range(9):
        limit.observed(0.1, 9.0, timed_out=True)
    assert limit.limit == pytest.approx(16.2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=60))
def test_it_stays_between_its_bounds(windows: list[tuple[float, bool]]) -> None:
    limit = AdaptiveLimit(SETTINGS)
    for now, (latency_s, timed_out) in enumerate(windows, 1):
        fill(limit)
        window(limit, float(now), latency_s, timed_out=timed_out)
        while limit.in_flight:
            limit.leave()
        assert SETTINGS.least <= limit.limit <= SETTINGS.most
