"""Retries are a share of requests, whatever happens in whatever order."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from faultwire.policy.budget import BudgetSettings, RetryBudget
from faultwire.policy.window import SlidingCounts

WINDOW_S = 10.0


def test_a_fifth_of_the_requests_and_a_floor_may_be_retried() -> None:
    budget = RetryBudget(BudgetSettings(ratio=0.2, floor_per_s=1.0, window_s=WINDOW_S))
    for _ in range(100):
        budget.deposit(5.0)
    assert budget.balance(5.0) == 30.0
    assert [budget.withdraw(5.0) for _ in range(31)] == [True] * 30 + [False]


def test_what_is_older_than_the_window_neither_pays_nor_costs() -> None:
    budget = RetryBudget(BudgetSettings(ratio=0.5, floor_per_s=0.0, window_s=WINDOW_S))
    for _ in range(4):
        budget.deposit(0.5)
    assert budget.withdraw(9.5)
    assert budget.balance(9.9) == 1.0
    assert budget.balance(10.1) == -1.0, "the requests are forgotten, the retry is not yet"
    assert not budget.withdraw(10.1)
    assert budget.balance(20.0) == 0.0


def test_a_service_without_traffic_may_retry_by_the_floor() -> None:
    budget = RetryBudget(BudgetSettings(ratio=0.2, floor_per_s=0.3, window_s=WINDOW_S))
    assert [budget.withdraw(0.0) for _ in range(4)] == [True, True, True, False]


def test_less_than_a_whole_retry_is_none() -> None:
    budget = RetryBudget(BudgetSettings(ratio=0.2, floor_per_s=0.0))
    for _ in range(4):
        budget.deposit(0.0)
    assert not budget.withdraw(0.0)
    budget.deposit(0.0)
    assert budget.withdraw(0.0)


@pytest.mark.parametrize("later", [0.0, 0.99, 8.99])
def test_a_count_stays_for_its_window(later: float) -> None:
    counts = SlidingCounts(WINDOW_S, 2)
    counts.add(3.0, 1)
    assert counts.totals(3.0 + later) == [0, 1]


def test_a_count_goes_after_its_window_and_a_long_pause_forgets_all() -> None:
    counts = SlidingCounts(WINDOW_S, 2)
    counts.add(0.0, 0)
    counts.add(9.0, 1)
    assert counts.totals(10.0) == [0, 1]
    assert counts.totals(1e6) == [0, 0]
    counts.add(1e6, 0)
    assert counts.totals(1e6) == [1, 0]


def test_a_short_window_has_short_slices() -> None:
    counts = SlidingCounts(5.0, 1)
    counts.add(1.0, 0)
    assert counts.totals(5.9) == [1]
    assert counts.totals(6.0) == [0]


def test_time_that_goes_backwards_counts_as_the_latest() -> None:
    counts = SlidingCounts(WINDOW_S, 1)
    counts.add(50.0, 0)
    counts.add(10.0, 0)
    assert counts.totals(10.0) == [2]
    assert counts.totals(59.0) == [2]
    assert counts.totals(60.0) == [0]


def test_clearing_forgets_everything() -> None:
    counts = SlidingCounts(WINDOW_S, 2)
    counts.add(1.0, 0)
    counts.clear()
    assert counts.totals(1.0) == [0, 0]
    assert counts.totals(30.0) == [0, 0]


class BudgetMachine(RuleBasedStateMachine):
    """Held against a list of all that ever happened."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(BudgetSettings(ratio=0.5, floor_per_s=0.2, window_s=WINDOW_S))
        self.now = 0.0
        self.deposits: list[float] = []
        self.withdrawals: list[float] = []

    def _recent(self, times: list[float]) -> int:
        """Those of this slice and the nine before it."""
        return sum(int(self.now) - int(time) < WINDOW_S for time in times)

    @rule(seconds=st.floats(0.0, 12.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(times=st.integers(1, 8))
    def deposit(self, times: int) -> None:
        for _ in range(times):
            self.budget.deposit(self.now)
            self.deposits.append(self.now)

    @rule()
    def withdraw(self) -> None:
        may = 0.5 * self._recent(self.deposits) + 2.0 - self._recent(self.withdrawals) >= 1.0
        assert self.budget.withdraw(self.now) == may
        if may:
            self.withdrawals.append(self.now)

    @precondition(lambda self: self.deposits)
    @invariant()
    def retries_are_a_share(self) -> None:
        assert len(self.withdrawals) <= 0.5 * len(self.deposits) + 0.2 * (self.now + 2 * WINDOW_S)


TestBudget = BudgetMachine.TestCase
TestBudget.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
