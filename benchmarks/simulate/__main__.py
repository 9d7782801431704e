"""`python -m benchmarks.simulate [LESSON …]`: every lesson, or some, with 100,000 clients.

The aim is under 60 s for each on two processors. Wall time is what a user waits; events per second
of processor time is what the code does, whoever else uses the machine.
"""

import resource
import sys
from time import perf_counter

from faultwire.simulate.experiment import Experiment, experiment
from faultwire.simulate.lessons import LESSONS

CLIENTS = 100_000
AIM_S = 60.0


def main(names: list[str]) -> int:
    slow = 0
    print(f"{CLIENTS:,} clients, ten minutes\n")
    print(f"{'LESSON':22}{'WALL s':>8}{'CPU s':>8}{'EVENTS':>13}{'EVENTS/CPU s':>14}  HELD")
    for name in names or list(LESSONS):
        started, used = perf_counter(), cpu_s()
        done = experiment(LESSONS[name], CLIENTS, 1)
        wall_s = perf_counter() - started
        print(row(done, wall_s, cpu_s() - used), flush=True)
        slow += wall_s > AIM_S
    return int(slow > 0)


def row(done: Experiment, wall_s: float, used_s: float) -> str:
    events = sum(result.events for result in done.results)
    numbers = f"{wall_s:8.1f}{used_s:8.1f}{events:13,}{events / used_s:14,.0f}"
    return f"{done.lesson.name:22}{numbers}  {'yes' if done.held else 'NO'}"


def cpu_s() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    own, others = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    usages = (resource.getrusage(whose) for whose in (own, others))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
