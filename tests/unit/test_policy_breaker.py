"""The breaker opens when failures prevail, tries again, and never jams."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from faultwire.policy.breaker import (
    TABLE,
    Breaker,
    BreakerSettings,
    Changed,
    Permit,
    Signal,
    State,
)
from faultwire.policy.verdict import Verdict

SETTINGS = BreakerSettings(ratio=0.5, volume=4, window_s=10.0, open_s=5.0, trials=2)


def state(breaker: Breaker) -> State:
    """The state, unknown to the type checker."""
    return breaker.state


def run(breaker: Breaker, verdict: Verdict, now: float, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.admit(now)
        assert permit is not None
        permit.release(verdict, now)


def opened(changes: list[Changed] | None = None) -> Breaker:
    breaker = Breaker(SETTINGS, None if changes is None else changes.append)
    run(breaker, Verdict.FAILED, 0.0, 4)
    return breaker


def half_open() -> tuple[Breaker, Permit, Permit]:
    breaker = opened()
    one, two = breaker.admit(5.0), breaker.admit(5.0)
    assert one is not None
    assert two is not None
    return breaker, one, two


def test_it_opens_at_the_ratio_once_there_is_the_volume() -> None:
    breaker = Breaker(SETTINGS)
    run(breaker, Verdict.FAILED, 0.0, 3)
    assert state(breaker) is State.CLOSED
    run(breaker, Verdict.FAILED, 1.0)
    assert state(breaker) is State.OPEN
    assert not breaker.closed
    assert breaker.admit(1.0) is None


@pytest.mark.parametrize(("good", "bad", "expected"), [(4, 4, State.OPEN), (5, 4, State.CLOSED)])
def test_it_opens_at_exactly_the_ratio(good: int, bad: int, expected: State) -> None:
    breaker = Breaker(SETTINGS)
    run(breaker, Verdict.SUCCEEDED, 0.0, good)
    run(breaker, Verdict.FAILED, 0.0, bad)
    assert state(breaker) is expected


def test_failures_older_than_the_window_are_forgotten() -> None:
    breaker = Breaker(SETTINGS)
    run(breaker, Verdict.FAILED, 0.0, 3)
    run(breaker, Verdict.FAILED, 10.0, 3)
    assert state(breaker) is State.CLOSED


def test_cancelled_and_impatient_callers_never_open_it() -> None:
    breaker = Breaker(SETTINGS)
    run(breaker, Verdict.NEUTRAL, 0.0, 1000)
    assert state(breaker) is State.CLOSED
    run(breaker, Verdict.FAILED, 0.0, 3)
    assert state(breaker) is State.CLOSED, "neutral ends are no volume either"


def test_it_says_how_long_it_stays_open_and_then_tries() -> None:
    changes: list[Changed] = []
    breaker = opened(changes)
    assert breaker.retry_after_s(1.0) == 4.0
    assert breaker.retry_after_s(4.75) == 0.25
    assert breaker.admit(4.99) is None
    run(breaker, Verdict.SUCCEEDED, 5.0, 2)
    assert breaker.retry_after_s(5.0) == 0.0
    assert changes == [
        Changed(0.0, State.CLOSED, Signal.FAILURES_PREVAILED, State.OPEN),
        Changed(5.0, State.OPEN, Signal.REST_OVER, State.HALF_OPEN),
        Changed(5.0, State.HALF_OPEN, Signal.TRIALS_SUCCEEDED, State.CLOSED),
    ]


def test_half_open_it_lets_so_many_trials_pass_and_no_more() -> None:
    breaker, one, two = half_open()
    assert state(breaker) is State.HALF_OPEN
    assert breaker.admit(5.0) is None
    one.release(Verdict.SUCCEEDED, 5.0)
    assert breaker.admit(5.0) is None, "one has succeeded, one is in flight"
    two.release(Verdict.SUCCEEDED, 5.0)
    assert state(breaker) is State.CLOSED


def test_a_failed_trial_opens_it_anew() -> None:
    breaker, one, two = half_open()
    one.release(Verdict.SUCCEEDED, 6.0)
    two.release(Verdict.FAILED, 6.0)
    assert state(breaker) is State.OPEN
    assert breaker.retry_after_s(6.0) == 5.0


def test_a_cancelled_trial_does_not_jam_the_half_open_breaker() -> None:
    breaker, one, two = half_open()
    one.release(Verdict.NEUTRAL, 5.0)
    two.release(Verdict.NEUTRAL, 5.0)
    assert state(breaker) is State.HALF_OPEN
    run(breaker, Verdict.SUCCEEDED, 6.0, 2)
    assert state(breaker) is State.CLOSED


def test_a_permit_counts_once() -> None:
    breaker = Breaker(SETTINGS)
    permit = breaker.admit(0.0)
    assert permit is not None
    for _ in range(10):
        permit.release(Verdict.FAILED, 0.0)
    assert state(breaker) is State.CLOSED
    run(breaker, Verdict.FAILED, 0.0, 3)
    assert state(breaker) is State.OPEN


@pytest.mark.parametrize("verdict", Verdict)
def test_a_stale_reply_says_nothing(verdict: Verdict) -> None:
    breaker = Breaker(SETTINGS)
    old = [breaker.admit(0.0) for _ in range(9)]
    run(breaker, Verdict.FAILED, 0.0, 4)
    trial = breaker.admit(5.0)
    for permit in old:
        assert permit is not None
        permit.release(verdict, 5.0)
    assert state(breaker) is State.HALF_OPEN
    assert trial is not None
    trial.release(Verdict.SUCCEEDED, 5.0)
    run(breaker, Verdict.SUCCEEDED, 5.0)
    assert breaker.closed


def test_a_trial_of_an_earlier_half_open_time_is_stale() -> None:
    breaker, one, two = half_open()
    one.release(Verdict.FAILED, 5.0)
    trial = breaker.admit(10.0)
    two.release(Verdict.FAILED, 10.0)
    assert state(breaker) is State.HALF_OPEN
    assert trial is not None
    assert breaker.admit(10.0) is not None, "the stale one has not freed a place, nor taken one"
    assert breaker.admit(10.0) is None


def test_closed_again_it_begins_with_nothing() -> None:
    breaker = opened()
    run(breaker, Verdict.SUCCEEDED, 5.0, 2)
    run(breaker, Verdict.FAILED, 5.0, 3)
    assert breaker.closed


def test_the_table_leads_everywhere_and_back() -> None:
    assert set(TABLE) == set(State)
    assert {after for row in TABLE.values() for after in row.values()} == set(State)
    assert {signal for row in TABLE.values() for signal in row} == set(Signal)


class BreakerMachine(RuleBasedStateMachine):
    """Permits are taken and given back in any order, at any time, or twice."""

    permits = Bundle("permits")
    released = Bundle("released")

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Changed] = []
        self.breaker = Breaker(SETTINGS, self.changes.append)
        self.now = 0.0
        self.held: list[tuple[Permit, int]] = []

    @rule(seconds=st.floats(0.0, 7.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=permits)
    def admit(self) -> Permit | None:
        open_before = self.breaker.retry_after_s(self.now) > 0
        permit = self.breaker.admit(self.now)
        assert not (open_before and permit)
        if self.breaker.closed:
            assert permit is not None
        if permit is not None:
            self.held.append((permit, len(self.changes)))
        return permit

    @rule(target=released, permit=consumes(permits), verdict=st.sampled_from(Verdict))
    def release(self, permit: Permit | None, verdict: Verdict) -> Permit | None:
        if permit is not None:
            current = (permit, len(self.changes)) in self.held
            before = self.breaker.state
            self.held = [held for held in self.held if held[0] is not permit]
            permit.release(verdict, self.now)
            assert current or self.breaker.state is before, "a stale reply changed the state"
        return permit

    @rule(permit=released, verdict=st.sampled_from(Verdict))
    def release_again(self, permit: Permit | None, verdict: Verdict) -> None:
        before = (
            self.breaker.state,
            self.breaker._trials,
            self.breaker._counts.totals(self.now)[:],
        )
        if permit is not None:
            permit.release(verdict, self.now)
        after = (self.breaker.state, self.breaker._trials, self.breaker._counts.totals(self.now)[:])
        assert after == before

    @invariant()
    def no_permit_leaks(self) -> None:
        if self.breaker.state is State.HALF_OPEN:
            mine = [1 for _, generation in self.held if generation == len(self.changes)]
            assert self.breaker._trials == len(mine) <= SETTINGS.trials

    @invariant()
    def every_change_is_in_the_table(self) -> None:
        for change in self.changes:
            assert TABLE[change.before][change.signal] is change.after

    def teardown(self) -> None:
        """Whatever happened, a healthy upstream is called again."""
        for permit, _ in self.held:
            permit.release(Verdict.NEUTRAL, self.now)
        self.now += SETTINGS.open_s
        for _ in range(SETTINGS.trials):
            permit_now = self.breaker.admit(self.now)
            assert permit_now is not None
            permit_now.release(Verdict.SUCCEEDED, self.now)
        assert self.breaker.closed


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
