"""What each lesson asserts holds, and the same seed tells the same story."""

from dataclasses import replace

import pytest

from faultwire.policy.sets import read_set
from faultwire.simulate.experiment import Experiment, experiment
from faultwire.simulate.lessons import LESSONS
from faultwire.simulate.lessons.lesson import Lesson, percent
from faultwire.simulate.run import Result, Variant, run
from faultwire.simulate.scenario import Scenario, Trouble

CLIENTS = 20_000
QUIET = Trouble(start_s=30.0, end_s=40.0)


def short(lesson: Lesson) -> Lesson:
    """The same without what happens in its last minutes, which is nothing new."""
    return replace(lesson, scenario=replace(lesson.scenario, duration_s=210.0))


def played(name: str, seed: int = 1) -> Experiment:
    return experiment(short(LESSONS[name]), CLIENTS, seed)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", LESSONS)
def test_what_a_lesson_asserts_holds(name: str) -> None:
    done = played(name)
    assert done.claims
    assert not [claim for claim in done.claims if not claim.held]
    assert done.held
    for result in done.results:
        assert result.before > 0.97, "before the trouble nearly all is well"
        assert result.requests == sum(result.requests_per_s)


def of(policies: str, seed: int = 1, **changes: object) -> Result:
    scenario = replace(
        Scenario(clients=CLIENTS, duration_s=70.0, trouble=QUIET),
        **changes,  # type: ignore[arg-type]
    )
    return run(Variant(name="x", policies=policies, scenario=scenario), seed)


def test_the_same_seed_gives_the_same_result_and_another_another() -> None:
    assert of("production+hedge", 5) == of("production+hedge", 5)
    assert of("production+hedge", 5) != of("production+hedge", 6)


def test_variants_see_the_same_arrivals() -> None:
    assert of("none").requests_per_s == of("production").requests_per_s


def test_no_request_is_lost_and_none_is_counted_twice() -> None:
    trouble = Trouble(start_s=20.0, end_s=30.0, down=True)
    found = of("production+hedge+shed+bulkhead(queue=5)", trouble=trouble, arrivals="constant")
    assert found.requests == 7000 - 1
    assert max(found.requests_per_s) - min(found.requests_per_s) <= 2


def test_without_trouble_latency_is_that_of_the_queue() -> None:
    """M/M/1: the sojourn time is exponential with mean service / (1 - utilisation)."""
    found = of("none", duration_s=600.0, clients=10_000, utilisation=0.5, timeout_s=30.0)
    scenario = Scenario(clients=10_000, utilisation=0.5)
    assert scenario.workers == 2
    one = replace(scenario, clients=5_000)
    assert (one.workers, one.service_s) == (1, 0.02)
    alone = of("none", duration_s=900.0, clients=5_000, utilisation=0.5, timeout_s=30.0)
    assert alone.p50_ms == pytest.approx(0.04 * 693, rel=0.15)
    assert found.goodput == 1.0
    assert found.load_during == pytest.approx(0.5, rel=0.25)


def test_a_down_upstream_loses_what_it_was_working_on_and_refuses_the_rest() -> None:
    trouble = Trouble(start_s=30.0, end_s=40.0, down=True)
    found = of("none", trouble=trouble)
    assert found.during == 0.0
    assert found.recovery_s == 0
    assert 0.0 < found.wasted < 0.05
    assert of("retry(attempts=2,base=100ms,cap=100ms)", trouble=trouble).attempts_per_request > 1.1


def test_a_full_queue_is_answered_at_once() -> None:
    slow = Trouble(start_s=20.0, end_s=60.0, slowdown=10.0)
    bounded = of("none", trouble=slow, queue_s=0.1)
    assert bounded.p50_ms < 100.0
    assert bounded.wasted < of("none", trouble=slow).wasted


def test_a_told_upstream_stops_at_the_deadline() -> None:
    slow = Trouble(start_s=20.0, end_s=60.0, slowdown=100.0)
    assert of("deadline", trouble=slow).recovery_s == 0
    untold = of("none", trouble=slow)
    assert untold.recovery_s is None or untold.recovery_s > 0


def test_hedges_cut_the_tail() -> None:
    plain, hedged = of("none", utilisation=0.2), of("hedge(share=0.1)", utilisation=0.2)
    assert hedged.p999_ms < plain.p999_ms
    assert plain.attempts_per_request == 1.0 < hedged.attempts_per_request < 1.11


def test_policies_of_ones_own_are_compared_without_claims() -> None:
    sets = {name: read_set(name) for name in ("none", "retry(attempts=2)+budget")}
    quick = short(LESSONS["retry-storm"])
    done = experiment(quick, CLIENTS, 3, sets)
    assert [result.variant for result in done.results] == list(sets)
    assert done.claims == ()
    assert done.held


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0%"), (0.5, "50%"), (0.9967, "99.7%"), (1.0, "100%")]
)
def test_nearly_all_is_not_said_to_be_all(share: float, said: str) -> None:
    assert percent(share) == said
