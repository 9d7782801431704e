"""One run: a scenario, a set of policies and a seed, and what came of it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from faultwire.policy.conductor import Conductor
from faultwire.policy.sets import read_set
from faultwire.simulate.clock import Clock
from faultwire.simulate.record import Record
from faultwire.simulate.scenario import Scenario
from faultwire.simulate.service_a import ServiceA
from faultwire.simulate.service_b import ServiceB
from faultwire.simulate.statistics import recovery_s, share

_PERCENTILES = (50.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is compared within a lesson: a set of policies, and what else is different."""

    name: str
    policies: str
    scenario: Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a run. Shares are from 0 to 1; times are of all answers, good and bad.

    `before`, `during` and `after` are shares of requests answered well, by when they arrived:
    before the trouble, while it lasted, after it. `load` is the attempts at A over what it can
    answer, on average while the trouble lasted and in the worst second. `wasted` is the share of
    A's work that nobody waited for. `recovery_s` is None if it never recovered.
    """

    variant: str
    policies: str
    requests: int
    events: int
    goodput: float
    before: float
    during: float
    after: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    attempts_per_request: float
    load_during: float
    load_peak: float
    wasted: float
    recovery_s: int | None
    good_per_s: tuple[int, ...]
    requests_per_s: tuple[int, ...]
    attempts_per_s: tuple[int, ...]


class Arrivals:
    """Clients' requests as they come: each sets the next."""

    def __init__(self, scenario: Scenario, clock: Clock, random: Random, service: ServiceB) -> None:
        self._scenario = scenario
        self._clock = clock
        self._random = random
        self._service = service
        self._gap_s = 1.0 / scenario.rate
        self._poisson = scenario.arrivals == "poisson"
        self._count = 0
        self._set_next()

    def _set_next(self) -> None:
        self._count += 1
        if self._poisson:
            when = self._clock.now + self._random.expovariate(1.0) * self._gap_s
        else:
            when = self._count * self._gap_s
        if when < self._scenario.duration_s:
            self._clock.at(when, self._arrive, None)

    def _arrive(self, _: None) -> None:
        self._set_next()
        local = self._scenario.local
        self._service.request(local=bool(local) and self._random.random() < local)


def run(variant: Variant, seed: int) -> Result:
    """Simulate it. The same seed gives the same result, and variants the same arrivals."""
    scenario, clock = variant.scenario, Clock()
    record = Record(scenario.duration_s)
    conductor = Conductor(read_set(variant.policies), _chance(seed, "policies"))
    service_b = ServiceB(scenario, clock, conductor, record)
    service_a = ServiceA(scenario, clock, _chance(seed, "work"), service_b.ended)
    service_b.upstream = service_a
    Arrivals(scenario, clock, _chance(seed, "arrivals"), service_b)
    with _without_collection():
        clock.run(scenario.duration_s + scenario.timeout_s)
    return _result(variant, clock, record, service_a)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection: no cycles are left behind, and it would look through all queues."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _chance(seed: int, of: str) -> Random:
    """A source of its own for each, so that one more draw here changes nothing there."""
    return Random(f"{seed} {of}")  # noqa: S311 - to be repeatable, not secret


def _result(variant: Variant, clock: Clock, record: Record, service_a: ServiceA) -> Result:
    scenario = variant.scenario
    seconds, start = int(scenario.duration_s), int(scenario.trouble.start_s)
    mended = int(scenario.trouble.end_s)
    good, requests = record.good[:seconds], record.requests[:seconds]
    attempts = service_a.attempts[:seconds]
    p50, p99, p999 = record.latencies_ms(_PERCENTILES)
    troubled = attempts[start:mended]
    return Result(
        variant=variant.name,
        policies=variant.policies,
        requests=sum(requests),
        events=clock.events,
        goodput=share(good, requests),
        before=share(good[:start], requests[:start]),
        during=share(good[start:mended], requests[start:mended]),
        after=share(good[mended:], requests[mended:]),
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        attempts_per_request=sum(attempts) / max(sum(requests), 1),
        load_during=sum(troubled) / len(troubled) / scenario.capacity,
        load_peak=max(attempts) / scenario.capacity,
        wasted=service_a.wasted_s / service_a.worked_s if service_a.worked_s else 0.0,
        recovery_s=recovery_s(good, requests, mended),
        good_per_s=tuple(good),
        requests_per_s=tuple(requests),
        attempts_per_s=tuple(attempts),
    )
