"""A lesson at work: its runs, side by side on as many processors as there are, and its verdict."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from faultwire.policy.sets import PolicySet
from faultwire.simulate.lessons.lesson import Claim, Lesson
from faultwire.simulate.run import Result, Variant, run
from faultwire.simulate.scenario import Scenario

_WORTH_A_PROCESS = 100_000  # requests; below, starting processes takes longer than it saves


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What was run, and what came of it. `claims` is empty where the policies were one's own."""

    lesson: Lesson
    seed: int
    scenario: Scenario
    results: Sequence[Result]
    claims: Sequence[Claim]

    @property
    def held(self) -> bool:
        """Whether every claim holds."""
        return all(claim.held for claim in self.claims)


def experiment(
    lesson: Lesson, clients: int, seed: int, policies: Mapping[str, PolicySet] | None = None
) -> Experiment:
    """Run a lesson with so many clients; with sets of policies of one's own, if there are any."""
    scenario = replace(lesson.scenario, clients=clients)
    if policies is None:
        variants = lesson.variants(scenario)
    else:
        variants = [Variant(name=n, policies=n, scenario=scenario) for n in policies]
    results = _run_all(variants, seed)
    claims = lesson.claims({r.variant: r for r in results}) if policies is None else ()
    return Experiment(lesson=lesson, seed=seed, scenario=scenario, results=results, claims=claims)


def _run_all(variants: Sequence[Variant], seed: int) -> Sequence[Result]:
    one = partial(run, seed=seed)
    requests = sum(each.scenario.rate * each.scenario.duration_s for each in variants)
    processes = min(len(variants), os.cpu_count() or 1)
    if requests < _WORTH_A_PROCESS or processes == 1:
        return [one(each) for each in variants]
    context = multiprocessing.get_context("spawn")  # alike on every system
    with ProcessPoolExecutor(processes, context, _end_with_the_parent) as pool:
        try:
            return list(pool.map(one, variants))
        except KeyboardInterrupt:
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _end_with_the_parent() -> None:
    """Ctrl+C is for the whole group of processes, and only one of them has something to say.

    Where the parent alone is ended, by whatever signal, nobody would tell its children.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_watch_the_parent, daemon=True).start()


def _watch_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
