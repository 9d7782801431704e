"""One call, step by step, with nothing but numbers for time."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from faultwire.failures import Failure, FailureKind
from faultwire.policy.attempt import Attempt, Done, Fail, Start, Wait
from faultwire.policy.breaker import Changed
from faultwire.policy.conductor import Conductor
from faultwire.policy.plan import Plan
from faultwire.policy.retry import Refusal
from faultwire.policy.sets import read_set
from faultwire.policy.states import TABLE, Signal, State

RESET = Failure(FailureKind.CONNECTION_RESET, "reset")
SLOW = Failure(FailureKind.RESPONSE_TIMEOUT, "slow")
ILL = Failure(FailureKind.UPSTREAM_STATUS, "503", status=503)
NO_JITTER = "retry(attempts=3,base=100ms,cap=1s,jitter=none)"


def conductor(text: str, *addresses: str, changes: list[Changed] | None = None) -> Conductor:
    told = None if changes is None else changes.append
    return Conductor(read_set(text), Random(7), addresses, told)  # noqa: S311 - repeatable


def start(plan: Plan, now: float) -> Attempt:
    step = plan.next(now)
    assert isinstance(step, Start), step
    return step.attempt


def fail(conductor: Conductor, now: float, failure: Failure = ILL, **more: float) -> Plan:
    """A call with one attempt, which fails."""
    plan = conductor.begin(now, 1.0, **more)  # type: ignore[arg-type]
    plan.failed(start(plan, now), failure, now)
    return plan


def refused(plan: Plan, now: float) -> tuple[FailureKind, float | None]:
    step = plan.next(now)
    assert isinstance(step, Fail), step
    return step.failure.kind, step.retry_after_s


def test_without_policies_a_call_is_one_attempt_with_all_the_time() -> None:
    plan = conductor("none").begin(5.0, 1.0)
    attempt = start(plan, 5.0)
    assert (attempt.number, attempt.timeout_s, attempt.address) == (1, 1.0, None)
    assert attempt.deadline_header is None
    assert plan.next(5.1) == Wait(None)
    plan.failed(attempt, RESET, 5.2)
    assert plan.next(5.2) == Fail(RESET, None)
    assert (plan.attempts, plan.stopped_by, plan.state) == (1, None, State.FAILED)


def test_an_answer_ends_the_call() -> None:
    plan = conductor("production").begin(0.0, 1.0)
    attempt = start(plan, 0.0)
    plan.succeeded(attempt, 0.1)
    assert plan.next(0.1) == Done(attempt)
    plan.failed(attempt, RESET, 0.2)
    assert plan.next(0.2) == Done(attempt), "what comes later is nothing"


def test_a_failed_attempt_is_repeated_after_its_delay() -> None:
    bosun = conductor(NO_JITTER)
    plan = bosun.begin(0.0, 1.0)
    plan.failed(start(plan, 0.0), RESET, 0.1)
    assert plan.next(0.1) == Wait(0.2)
    second = start(plan, 0.2)
    assert (second.number, second.timeout_s) == (2, 0.8)
    plan.failed(second, RESET, 0.3)
    assert plan.next(0.3) == Wait(0.5)
    plan.failed(start(plan, 0.5), ILL, 0.6, retry_after_s=9.0)
    assert plan.next(0.6) == Fail(ILL, 9.0)
    assert plan.stopped_by is Refusal.ATTEMPTS
    assert bosun.tally.retries == 2
    assert bosun.tally.stopped[Refusal.ATTEMPTS] == 1


def test_what_is_not_idempotent_is_sent_once() -> None:
    plan = conductor("retry+hedge").begin(0.0, 1.0, idempotent=False)
    plan.failed(start(plan, 0.0), RESET, 0.1)
    assert plan.next(0.1) == Fail(RESET, None)
    assert plan.stopped_by is Refusal.NOT_IDEMPOTENT


def test_the_budget_pays_for_retries_with_calls() -> None:
    bosun = conductor(f"{NO_JITTER}+budget(ratio=0.5,floor_per_s=0)")
    assert fail(bosun, 0.0).stopped_by is Refusal.BUDGET
    assert fail(bosun, 0.0).state is State.BACKING_OFF
    assert fail(bosun, 0.0).stopped_by is Refusal.BUDGET


def test_each_attempt_leaves_time_for_another_and_tells_its_deadline() -> None:
    plan = conductor(f"{NO_JITTER}+attempt_timeout+deadline").begin(0.0, 1.0)
    first = start(plan, 0.0)
    assert (first.timeout_s, first.deadline_header) == (0.5, "500")
    plan.failed(first, SLOW, 0.5)
    second = start(plan, 0.6)
    assert second.deadline_header == "400"


def test_a_callers_shorter_deadline_counts() -> None:
    plan = conductor("none").begin(0.0, 1.0, asked_s=0.3)
    assert start(plan, 0.0).timeout_s == 0.3
    late = conductor("none").begin(0.0, 1.0, asked_s=0.0005)
    assert refused(late, 0.0) == (FailureKind.DEADLINE_EXCEEDED, None)
    just = conductor("none").begin(0.0, 1.0, asked_s=0.001)
    assert start(just, 0.0).timeout_s == 0.001


def test_an_open_breaker_refuses_and_says_for_how_long() -> None:
    changes: list[Changed] = []
    bosun = conductor("breaker(volume=2,open=4s)", changes=changes)
    fail(bosun, 0.0)
    fail(bosun, 0.0)
    assert refused(bosun.begin(1.0, 1.0), 1.0) == (FailureKind.CIRCUIT_OPEN, 3.0)
    assert [change.after for change in changes] == ["open"]
    assert bosun.tally.refused[FailureKind.CIRCUIT_OPEN] == 1
    assert bosun.standing(1.0) == {"breaker_state": "open"}


def test_when_the_breaker_opens_during_a_delay_the_first_failure_is_told() -> None:
    bosun = conductor(f"{NO_JITTER}+breaker(volume=2,open=4s)")
    plan = fail(bosun, 0.0)
    fail(bosun, 0.0, RESET)
    assert plan.next(0.1) == Fail(ILL, 3.9)
    assert plan.stopped_by is Refusal.BREAKER
    assert bosun.tally.refused[FailureKind.CIRCUIT_OPEN] == 0
    assert bosun.tally.retries == 0


def test_when_time_runs_out_during_a_delay_the_first_failure_is_told() -> None:
    plan = fail(conductor(NO_JITTER), 0.0)
    assert plan.next(0.9995) == Fail(ILL, None)
    assert plan.stopped_by is Refusal.DEADLINE


@pytest.mark.parametrize(
    ("total_s", "asked_s", "policies", "opens"),
    [
        (1.0, None, "", True),
        (1.0, 0.99, "", False),
        (1.0, 0.8, "+attempt_timeout", True),
        (1.0, 0.4, "+attempt_timeout", False),
    ],
)
def test_only_a_timeout_of_the_usual_length_speaks_against_the_upstream(
    total_s: float, asked_s: float | None, policies: str, opens: bool
) -> None:
    bosun = conductor(f"breaker(volume=2){policies}")
    for _ in range(50):
        plan = bosun.begin(0.0, total_s, asked_s=asked_s)
        step = plan.next(0.0)
        if isinstance(step, Start):
            plan.failed(step.attempt, SLOW, 0.5)
    assert bosun.standing(0.0)["breaker_state"] == ("open" if opens else "closed")


def test_a_retrys_shorter_time_does_not_speak_against_the_upstream() -> None:
    bosun = conductor("retry(attempts=2,base=300ms,jitter=none)+breaker(volume=1)")
    plan = bosun.begin(0.0, 1.0)
    plan.failed(start(plan, 0.0), Failure(FailureKind.UPSTREAM_STATUS, "429", status=429), 0.0)
    second = start(plan, 0.3)
    plan.failed(second, SLOW, 1.0)
    assert bosun.standing(1.0)["breaker_state"] == "closed"


def test_a_full_bulkhead_refuses_and_a_queue_hands_its_places_on() -> None:
    bosun = conductor("bulkhead(in_flight=1,queue=1,wait=200ms)")
    woken: list[str] = []
    first = bosun.begin(0.0, 1.0)
    attempt = start(first, 0.0)
    second = bosun.begin(0.0, 1.0, wake=lambda: woken.append("second"))
    assert second.next(0.0) == Wait(0.2)
    assert refused(bosun.begin(0.0, 1.0), 0.0) == (FailureKind.BULKHEAD_FULL, 1.0)
    assert bosun.standing(0.0) == {"bulkhead_in_flight": 1, "bulkhead_waiting": 1}
    first.succeeded(attempt, 0.1)
    assert woken == ["second"]
    second.succeeded(start(second, 0.1), 0.1)
    assert bosun.standing(0.1) == {"bulkhead_in_flight": 0, "bulkhead_waiting": 0}


def test_who_has_queued_long_enough_is_refused() -> None:
    bosun = conductor("bulkhead(in_flight=1,queue=2,wait=200ms)")
    start(bosun.begin(0.0, 1.0), 0.0)
    patient, hurried = bosun.begin(0.0, 1.0), bosun.begin(0.0, 1.0, asked_s=0.05)
    assert patient.next(0.0) == Wait(0.2)
    assert hurried.next(0.0) == Wait(0.05)
    assert refused(hurried, 0.05)[0] is FailureKind.BULKHEAD_FULL
    assert refused(patient, 0.2) == (FailureKind.BULKHEAD_FULL, 1.0)
    assert bosun.standing(0.2)["bulkhead_waiting"] == 0


def test_whoever_leaves_while_queued_or_flying_gives_all_back() -> None:
    bosun = conductor("bulkhead(in_flight=1,queue=1)+shed+breaker+balance", "a", "b")
    flying, queued = bosun.begin(0.0, 1.0), bosun.begin(0.0, 1.0)
    start(flying, 0.0)
    queued.next(0.0)
    queued.close(0.0)
    flying.close(0.0)
    flying.close(0.0)
    standing = bosun.standing(0.0)
    assert (standing["bulkhead_in_flight"], standing["bulkhead_waiting"]) == (0, 0)
    assert standing["shed_in_flight"] == 0
    assert all(u.in_flight == 0 for u in bosun._layers.balancer.upstreams)  # type: ignore[union-attr]


def test_above_the_adaptive_limit_calls_are_shed() -> None:
    bosun = conductor("shed(initial=1,least=1)")
    start(bosun.begin(0.0, 1.0), 0.0)
    for _ in range(2):
        assert refused(bosun.begin(0.0, 1.0), 0.0) == (FailureKind.OVERLOADED, 1.0)
    assert bosun.tally.refused[FailureKind.OVERLOADED] == 2


@pytest.mark.parametrize("end", ["fails", "is not retried", "is refused", "is closed"])
def test_however_a_call_ends_its_place_is_handed_on(end: str) -> None:
    bosun = conductor("bulkhead(in_flight=1,queue=1)" + "+retry" * (end == "is not retried"))
    first, second = bosun.begin(0.0, 1.0), bosun.begin(0.0, 1.0)
    attempt = start(first, 0.0)
    second.next(0.0)
    if end == "fails":
        first.failed(attempt, RESET, 0.1)
    elif end == "is not retried":
        first.failed(attempt, Failure(FailureKind.RESPONSE_INVALID, "x"), 0.1)
    elif end == "is closed":
        first.close(0.1)
    else:
        first.succeeded(attempt, 0.05)
        third = bosun.begin(0.05, 1.0)
        third.next(0.05)
        assert refused(second, 1.0)[0] is FailureKind.DEADLINE_EXCEEDED
        assert bosun.standing(1.0)["bulkhead_in_flight"] == 0, "the third has waited too long"
        return
    assert start(second, 0.1).timeout_s == 0.9


@pytest.mark.parametrize(
    ("failure", "latency_s", "limit"),
    [(None, 0.1, 50 + 0.8), (SLOW, 1.0, 45.0), (RESET, 0.001, 50.0), (ILL, 0.001, 50.0)],
)
def test_the_limit_learns_from_answers_and_timeouts_and_not_from_quick_failures(
    failure: Failure | None, latency_s: float, limit: float
) -> None:
    bosun = conductor("shed")
    plans = [bosun.begin(10.0, 1.0) for _ in range(50)]
    attempts = [start(plan, 10.0) for plan in plans]
    for plan, attempt in list(zip(plans, attempts, strict=True))[:10]:
        if failure is None:
            plan.succeeded(attempt, 10.0 + latency_s)
        else:
            plan.failed(attempt, failure, 10.0 + latency_s)
    assert bosun._layers.shed is not None
    assert bosun._layers.shed.limit == pytest.approx(limit)
    if failure is None:
        assert bosun._layers.shed._long_term_s == pytest.approx(latency_s)


def test_callers_in_a_hurry_do_not_lower_the_limit_for_others() -> None:
    bosun = conductor("shed")
    for _ in range(20):
        plan = bosun.begin(10.0, 1.0, asked_s=0.01)
        plan.failed(start(plan, 10.0), SLOW, 10.01)
    assert bosun.standing(10.01)["shed_limit"] == 50


def test_an_attempt_that_began_a_little_late_speaks_against_the_upstream() -> None:
    bosun = conductor("breaker(volume=1)")
    plan = bosun.begin(0.0, 1.0)
    plan.failed(start(plan, 0.05), SLOW, 1.0)
    assert bosun.standing(1.0)["breaker_state"] == "open"


def test_an_address_that_fails_is_ejected() -> None:
    bosun = conductor("balance(failures=2)", "a", "b")
    while not bosun.standing(0.0)["upstreams_ejected"]:
        fail(bosun, 0.0)
    assert len({start(bosun.begin(0.0, 1.0), 0.0).address for _ in range(20)}) == 1


def test_one_address_that_fails_opens_no_breaker_and_all_of_them_do() -> None:
    bosun = conductor("breaker(volume=8)+balance(ejected_percent=0)", "a", "b")

    def ends(address: str, failure: Failure | None) -> None:
        plan = bosun.begin(0.0, 1.0)
        attempt = start(plan, 0.0)
        while attempt.address != address:
            plan.close(0.0)
            plan = bosun.begin(0.0, 1.0)
            attempt = start(plan, 0.0)
        if failure is None:
            plan.succeeded(attempt, 0.0)
        else:
            plan.failed(attempt, failure, 0.0)

    for _ in range(20):
        ends("a", RESET)
        ends("b", None)
    assert bosun.standing(0.0)["breaker_state"] == "closed"
    while bosun.standing(0.0)["breaker_state"] == "closed":
        ends("b", RESET)
        ends("a", RESET)


def test_what_the_upstream_asked_for_comes_before_the_retry() -> None:
    plan = conductor("retry").begin(0.0, 1.0)
    plan.failed(start(plan, 0.0), ILL, 0.0, retry_after_s=0.5)
    step = plan.next(0.0)
    assert isinstance(step, Wait)
    assert step.until is not None
    assert 0.5 < step.until < 0.525


def test_everything_is_counted_every_time() -> None:
    bosun = hedger(f"+{NO_JITTER}")
    for _ in range(2):
        plan = bosun.begin(1.0, 1.0)
        start(plan, 1.0)
        plan.succeeded(start(plan, 1.1), 1.2)
        assert refused(bosun.begin(1.0, 1.0, asked_s=0.0), 1.0)[0] is FailureKind.DEADLINE_EXCEEDED
        other = bosun.begin(1.0, 1.0, idempotent=False)
        other.failed(start(other, 1.0), RESET, 1.0)
    assert (bosun.tally.hedges, bosun.tally.hedges_won) == (2, 2)
    assert bosun.tally.refused[FailureKind.DEADLINE_EXCEEDED] == 2
    assert bosun.tally.stopped[Refusal.NOT_IDEMPOTENT] == 2


def test_a_refusal_says_in_words_what_it_is() -> None:
    step = conductor("none").begin(0.0, 1.0, asked_s=0.0).next(0.0)
    assert isinstance(step, Fail)
    assert step.failure.detail == "no time was left to call the upstream"


def test_a_hedge_asks_the_breaker_too() -> None:
    bosun = hedger("+breaker(volume=102,ratio=.01)")
    plan = bosun.begin(1.0, 1.0)
    first = start(plan, 1.0)
    plan.failed(start(plan, 1.1), ILL, 1.2)
    plan.failed(first, ILL, 1.2)
    assert bosun.standing(1.2)["breaker_state"] == "open"


def test_the_loser_of_a_hedge_has_taken_at_least_as_long_as_it_has() -> None:
    bosun = hedger()
    assert bosun._layers.hedge is not None
    latencies = bosun._layers.hedge._latencies
    plan = bosun.begin(1.0, 1.0)
    start(plan, 1.0)
    plan.succeeded(start(plan, 1.1), 1.11)
    assert latencies.count == 102
    assert latencies.percentile_s(100.0) == pytest.approx(0.11, rel=0.11)
    assert bosun.standing(9.0)["hedge_delay_s"] == pytest.approx(0.01, rel=0.11)


def test_a_driver_that_asks_too_late_gets_no_hedge() -> None:
    plan = hedger().begin(1.0, 1.0)
    start(plan, 1.0)
    assert plan.next(1.9995) == Wait(None)


def hedger(extra: str = "", *addresses: str) -> Conductor:
    """One that has seen a hundred answers of 10 ms."""
    bosun = conductor(f"hedge(share=0.5){extra}", *addresses)
    for _ in range(100):
        plan = bosun.begin(0.0, 1.0)
        plan.succeeded(start(plan, 0.0), 0.01)
    return bosun


def test_a_slow_attempt_is_hedged_elsewhere_and_the_first_answer_wins() -> None:
    bosun = hedger("+balance", "a", "b")
    plan = bosun.begin(1.0, 1.0)
    first = start(plan, 1.0)
    wait = plan.next(1.0)
    assert isinstance(wait, Wait)
    assert wait.until is not None
    assert 1.01 <= wait.until <= 1.012
    hedge = start(plan, wait.until)
    assert (hedge.hedge, hedge.number, hedge.address != first.address) == (True, 2, True)
    assert plan.next(1.02) == Wait(None)
    plan.succeeded(hedge, 1.03)
    assert plan.next(1.03) == Done(hedge)
    assert (bosun.tally.hedges, bosun.tally.hedges_won) == (1, 1)


def test_a_hedge_goes_elsewhere_even_where_more_is_in_flight() -> None:
    bosun = hedger("+balance", "a", "b")
    plan = bosun.begin(1.0, 1.0)
    first = start(plan, 1.0)
    assert bosun._layers.balancer is not None
    for upstream in bosun._layers.balancer.upstreams:
        upstream.in_flight += 0 if upstream.address == first.address else 9
    assert start(plan, 1.1).address != first.address


def test_a_call_fails_only_when_both_have_failed() -> None:
    plan = hedger().begin(1.0, 1.0)
    first = start(plan, 1.0)
    hedge = start(plan, 1.1)
    plan.failed(first, RESET, 1.2)
    assert plan.next(1.2) == Wait(None)
    plan.failed(hedge, ILL, 1.3)
    assert plan.next(1.3) == Fail(ILL, None)


@pytest.mark.parametrize("why", ["not idempotent", "no time", "share", "breaker", "retry"])
def test_some_attempts_are_not_hedged(why: str) -> None:
    bosun = hedger("+breaker(volume=200)+" + NO_JITTER)
    plan = bosun.begin(
        1.0,
        1.0,
        idempotent=why != "not idempotent",
        asked_s=0.0105 if why == "no time" else None,
    )
    first = start(plan, 1.0)
    if why == "share":
        while bosun._layers.hedge.withdraw(1.0):  # type: ignore[union-attr]
            pass
    elif why == "breaker":
        for _ in range(100):
            fail(bosun, 1.0)
    elif why == "retry":
        plan.failed(first, RESET, 1.005)
        start(plan, 1.2)
    assert plan.next(1.9) == Wait(None)
    assert bosun.tally.hedges == 0


def test_several_addresses_are_balanced_without_being_asked_and_change_over_time() -> None:
    bosun = conductor("none", "a", "b")
    assert start(bosun.begin(0.0, 1.0), 0.0).address in {"a", "b"}
    bosun.update(["c", "d"])
    assert start(bosun.begin(0.0, 1.0), 0.0).address in {"c", "d"}
    conductor("none").update(["x"])
    alone = conductor("none", "a")
    assert start(alone.begin(0.0, 1.0), 0.0).address is None
    assert alone.policies == read_set("none")


def test_everything_can_be_seen() -> None:
    policies = "production+shed+hedge"
    standing = conductor(policies, "a", "b").standing(0.0)
    assert standing == {
        "shed_limit": 50,
        "shed_in_flight": 0,
        "bulkhead_in_flight": 0,
        "bulkhead_waiting": 0,
        "budget_balance": 10.0,
        "hedge_delay_s": None,
        "breaker_state": "closed",
        "upstreams": 2,
        "upstreams_ejected": 0,
    }


def test_the_table_leads_from_new_to_an_end() -> None:
    assert set(TABLE) == set(State)
    assert {after for row in TABLE.values() for after in row.values()} == set(State) - {State.NEW}
    assert {signal for row in TABLE.values() for signal in row} == set(Signal)
    assert not TABLE[State.DONE]
    assert not TABLE[State.FAILED]


class CallsMachine(RuleBasedStateMachine):
    """Many calls at once, driven, ended and cancelled in any order: nothing leaks."""

    plans = Bundle("plans")

    def __init__(self) -> None:
        super().__init__()
        self.conductor = conductor(
            "production+shed(initial=4,least=2)+hedge(samples=1,share=1)"
            "+bulkhead(in_flight=3,queue=2,wait=300ms)+breaker(volume=4,open=1s,trials=2)",
            "a",
            "b",
        )
        self.now = 0.0
        self.open: dict[Plan, list[Attempt]] = {}

    @rule(seconds=st.floats(0.0, 0.6))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=plans, asked_s=st.none() | st.floats(0.0, 1.0))
    def begin(self, asked_s: float | None) -> Plan:
        plan = self.conductor.begin(self.now, 1.0, asked_s=asked_s)
        self.open[plan] = []
        self._drive(plan)
        return plan

    @rule(plan=plans)
    def drive(self, plan: Plan) -> None:
        self._drive(plan)

    @rule(plan=plans, data=st.data(), failure=st.sampled_from([None, RESET, SLOW, ILL]))
    def end_attempt(self, plan: Plan, data: st.DataObject, failure: Failure | None) -> None:
        flying = self.open.get(plan)
        if flying:
            attempt = data.draw(st.sampled_from(flying))
            flying.remove(attempt)
            if failure is None:
                plan.succeeded(attempt, self.now)
            else:
                plan.failed(attempt, failure, self.now)
            self._drive(plan)

    @rule(plan=consumes(plans))
    def cancel(self, plan: Plan) -> None:
        plan.close(self.now)
        self.open.pop(plan, None)

    def _drive(self, plan: Plan) -> None:
        while plan in self.open:
            step = plan.next(self.now)
            if isinstance(step, Start):
                assert step.attempt.timeout_s > 0
                self.open[plan].append(step.attempt)
            elif isinstance(step, Wait):
                assert step.until is None or step.until > self.now
                assert len(self.open[plan]) <= 2
                return
            else:
                plan.close(self.now)
                del self.open[plan]

    @invariant()
    def only_open_calls_hold_anything(self) -> None:
        layers = self.conductor._layers
        assert layers.shed is not None
        assert layers.bulkhead is not None
        assert layers.balancer is not None
        assert layers.shed.in_flight == len(self.open)
        queued = sum(plan.state is State.QUEUED for plan in self.open)
        assert layers.bulkhead.in_flight == len(self.open) - queued
        flying = sum(map(len, self.open.values()))
        assert sum(u.in_flight for u in layers.balancer.upstreams) == flying


TestCalls = CallsMachine.TestCase
TestCalls.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
