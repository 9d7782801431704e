"""A slow upstream takes what its caller has; one that is down takes nothing."""

from collections.abc import Sequence
from dataclasses import replace

from faultwire.simulate.lessons.lesson import Claim, Lesson, Results, percent
from faultwire.simulate.run import Variant
from faultwire.simulate.scenario import Scenario, Trouble

_EXPECT = """
Half of B's requests do not need A at all. B has a bounded number of places for requests, as every
server has threads, connections or memory. For two minutes A is down: it refuses, B says so at
once, and the other half is served as ever. Then the same with an A that is fifty times slower:
each request that needs it holds a place for the whole second of its deadline, the places run out,
and B refuses those that it could have answered by itself. A bulkhead keeps places free. A breaker
stops asking.
"""
_SLOW = Trouble(start_s=60, end_s=180, slowdown=50.0)
_DOWN = Trouble(start_s=60, end_s=180, down=True)


def _variants(scenario: Scenario) -> Sequence[Variant]:
    down = replace(scenario, trouble=_DOWN)
    places = max(round(0.05 * scenario.rate), 2)  # a quarter of B's
    return (
        Variant(name="down", policies="none", scenario=down),
        Variant(name="slow", policies="none", scenario=scenario),
        Variant(name="slow, bulkhead", policies=f"bulkhead(in_flight={places})", scenario=scenario),
        Variant(name="slow, breaker", policies="breaker", scenario=scenario),
    )


def _claims(results: Results) -> Sequence[Claim]:
    down, slow = results["down"], results["slow"]
    bulkhead, breaker = results["slow, bulkhead"], results["slow, breaker"]
    return (
        Claim(
            f"while A is down B answers {percent(down.during)}, the half that does not need A; "
            f"while A is slow {percent(slow.during)}",
            down.during > 0.45 and slow.during < down.during - 0.15,
        ),
        Claim(
            f"a bulkhead brings back {percent(bulkhead.during)}, "
            f"a breaker {percent(breaker.during)}",
            min(bulkhead.during, breaker.during) > slow.during + 0.1,
        ),
    )


LESSON = Lesson(
    name="slow-is-worse",
    title="Slow is worse than down",
    expect=_EXPECT,
    scenario=Scenario(utilisation=0.35, local=0.5, slots_s=0.2, trouble=_SLOW),
    variants=_variants,
    claims=_claims,
)
