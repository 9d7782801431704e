"""Everything is asked before anybody sleeps; jitter is drawn after the cap."""

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.failures import MEANINGS, Failure, FailureKind
from faultwire.policy.budget import BudgetSettings, RetryBudget
from faultwire.policy.deadline import LEAST_S
from faultwire.policy.retry import (
    REFUSALS,
    Failed,
    Refusal,
    RetrySettings,
    delay_s,
    retry_after_s,
    retry_at,
)

RESET = Failure(FailureKind.CONNECTION_RESET, "reset")
NOW = 100.0


class Fixed(Random):
    """Draws the same number always."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - to be repeatable, not secret


def failed(
    failure: Failure = RESET,
    number: int = 1,
    *,
    idempotent: bool = True,
    deadline_at: float = NOW + 1,
    after_s: float | None = None,
) -> Failed:
    return Failed(failure, number, idempotent, deadline_at, after_s)


def empty_budget() -> RetryBudget:
    return RetryBudget(BudgetSettings(ratio=0.0, floor_per_s=0.0))


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        (failed(idempotent=False), Refusal.NOT_IDEMPOTENT),
        (failed(Failure(FailureKind.RESPONSE_INVALID, "x")), Refusal.KIND),
        (failed(Failure(FailureKind.UPSTREAM_STATUS, "x", status=500)), Refusal.KIND),
        (failed(number=3), Refusal.ATTEMPTS),
        (failed(deadline_at=NOW + 0.0134), Refusal.DEADLINE),
        (failed(after_s=2.0), Refusal.DEADLINE),
    ],
)
def test_a_retry_is_refused_for_the_first_reason_there_is(
    attempt: Failed, refusal: Refusal
) -> None:
    budget = RetryBudget(BudgetSettings())
    before = budget.balance(NOW)
    assert retry_at(RetrySettings(), attempt, budget, NOW, Fixed(0.5)) is refusal
    assert budget.balance(NOW) == before, "what is refused for another reason costs nothing"


def test_the_budget_is_asked_last_and_before_the_sleep() -> None:
    assert retry_at(RetrySettings(), failed(), empty_budget(), NOW, Fixed(0.5)) is Refusal.BUDGET
    granted = RetryBudget(BudgetSettings(ratio=0.0, floor_per_s=0.1))
    assert retry_at(RetrySettings(), failed(), granted, NOW, Fixed(0.5)) == NOW + 0.0125
    assert granted.balance(NOW) == 0.0


def test_a_retry_that_comes_just_in_time_is_made() -> None:
    settings = RetrySettings(base_s=0.5, cap_s=0.5)
    attempt = failed(deadline_at=0.5 + LEAST_S)
    assert retry_at(settings, attempt, None, 0.0, Fixed(1.0)) == 0.5


@pytest.mark.parametrize("kind", FailureKind)
def test_what_may_be_retried_is_what_the_table_of_failures_says(kind: FailureKind) -> None:
    failure = Failure(kind, "x", status=503)
    found = retry_at(RetrySettings(), failed(failure), None, NOW, Fixed(0.0))
    assert isinstance(found, float) == MEANINGS[kind].retry


@pytest.mark.parametrize(("number", "bound"), [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.5), (90, 0.5)])
def test_delays_double_up_to_the_cap_and_jitter_is_drawn_after_it(
    number: int, bound: float
) -> None:
    settings = RetrySettings(base_s=0.1, cap_s=0.5)
    for drawn in (0.0, 0.25, 1.0):
        assert delay_s(settings, number, None, Fixed(drawn)) == pytest.approx(bound * drawn)
    without = RetrySettings(base_s=0.1, cap_s=0.5, jitter="none")
    assert delay_s(without, number, None, Fixed(0.25)) == pytest.approx(bound)


def test_jitter_comes_on_top_of_what_the_upstream_asked_for() -> None:
    assert delay_s(RetrySettings(base_s=1.0, cap_s=9.0), 2, 3.0, Fixed(0.5)) == 4.0


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20), st.floats(0, 100))
def test_no_delay_is_shorter_than_asked_for_nor_longer_than_its_bound(
    seed: int, number: int, after_s: float
) -> None:
    settings = RetrySettings()
    delay = delay_s(settings, number, after_s, seeded(seed))
    assert after_s <= delay <= after_s + settings.cap_s


def test_the_seed_matters() -> None:
    def drawn(seed: int) -> list[float]:
        random = seeded(seed)
        return [delay_s(RetrySettings(), n, None, random) for n in range(1, 9)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"0", 0.0),
        (b"120", 120.0),
        (b" 7\t", 7.0),
        (b"Sun, 06 Nov 1994 08:49:40 GMT", 3.0),
        (b"Sunday, 06-Nov-94 08:49:40 GMT", 3.0),
        (b"Sun Nov  6 08:49:40 1994", 3.0),
        (b"Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        (b"", None),
        (b"\x0b7", None),
        (b"X7", None),
        (b"-1", None),
        (b"1.5", None),
        (b"1e3", None),
        (b"12345678901", None),
        (b"tomorrow", None),
        (b"Sun, 99 Nov 1994 08:49:40 GMT", None),
        (b"Sun", None),
        (b"Sun, 06 Nov 99999999999999999999 08:49:40 GMT", None),
        (b"Sun, 06 Nov 1994 08:49:40 +99999999999999999999", None),
        (b"1994-11-06T08:49:40Z", None),
        (b"\xb2", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_http_and_nothing_else(
    value: bytes, seconds: float | None
) -> None:
    assert retry_after_s(value, 784111777.0) == seconds


def test_a_date_without_a_zone_is_in_gmt_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC+5")
        time.tzset()
        assert retry_after_s(b"Sun Nov  6 08:49:40 1994", 784111777.0) == 3.0
    time.tzset()


@settings(deadline=None)
@given(st.binary(max_size=60), st.floats(0, 4e9))
def test_no_retry_after_breaks_anything(value: bytes, unix_now: float) -> None:
    found = retry_after_s(value, unix_now)
    assert found is None or found >= 0.0


def test_every_refusal_is_explained() -> None:
    assert set(REFUSALS) == set(Refusal)
