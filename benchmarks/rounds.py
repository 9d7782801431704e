"""The session: stacks in turns, so that a noisy minute strikes all of them alike."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.load import LoadFailedError, run_wrk
from benchmarks.measure import Meter
from benchmarks.processes import (
    PROBE_TARGET,
    StackFailedError,
    cold_start_s,
    new_place,
    running_pair,
)
from benchmarks.samples import ColdStart, Sample
from benchmarks.stacks.catalogue import OURS, REFERENCE, STACKS, Stack

WARM_UP_S = 1
Tell = Callable[[str], None]


def order(stacks: Sequence[str], rounds: int) -> list[str]:
    """Return the turns: nginx, then ours, nginx, other, ours, nginx, next other, and so on.

    Ours and nginx thus stand beside each other always, and near every other stack.
    """
    anchors = [name for name in (OURS, REFERENCE) if name in stacks]
    others = [name for name in stacks if name not in anchors]
    one_round = [name for other in others for name in (*anchors, other)] or anchors
    return anchors[1:] + one_round * rounds


def take_samples(
    turns: Sequence[str], connections: Sequence[int], seconds: int, tell: Tell
) -> tuple[list[Sample], list[str]]:
    """Run every turn at every number of connections; return the samples and what failed."""
    samples: list[Sample] = []
    failures: list[str] = []
    plan = [(name, count) for count in connections for name in turns]
    for number, (name, count) in enumerate(plan, 1):
        label = f"[{number}/{len(plan)}] {name} at {count}"
        try:
            samples.append(take_sample(STACKS[name], count, seconds))
        except (StackFailedError, LoadFailedError) as error:
            failures.append(f"{name} at {count}: {str(error).splitlines()[0].rstrip(':')}")
            tell(f"{label}: failed: {error}")
        else:
            tell(f"{label}: {_in_short(samples[-1])}")
    return samples, failures


def take_sample(stack: Stack, connections: int, seconds: int) -> Sample:
    """Start a pair, warm it up, measure it under load, stop it.

    Raises StackFailedError or LoadFailedError.
    """
    with running_pair(stack) as pair:
        url = f"http://127.0.0.1:{pair.place.port_b}{PROBE_TARGET}"
        run_wrk(url, connections, WARM_UP_S)
        meter_a = Meter(pair.session_a, pair.place.log_a)
        meter_b = Meter(pair.session_b, pair.place.log_b)
        load = run_wrk(url, connections, seconds)
        return Sample(stack.name, connections, load, a=meter_a.read(), b=meter_b.read())


def take_cold_starts(stacks: Sequence[str], times: int, tell: Tell) -> list[ColdStart]:
    """Start each service alone, `times` times in turns, and time its first 200."""
    starts: list[ColdStart] = []
    for _ in range(times):
        for name in stacks:
            try:
                starts.extend(_cold_starts_of(STACKS[name]))
            except StackFailedError as error:
                tell(f"cold start of {name} failed: {error}")
    return starts


def _cold_starts_of(stack: Stack) -> Iterator[ColdStart]:
    with new_place() as place:
        command_a, command_b = stack.commands(place)
        yield ColdStart(stack.name, "A", cold_start_s(command_a, place.port_a, place.log_a))
        yield ColdStart(stack.name, "B", cold_start_s(command_b, place.port_b, place.log_b))


def _in_short(sample: Sample) -> str:
    load = sample.load
    cpu_s = sample.b.cpu_s / load.good * 10_000
    errors = f", {load.errors} ERRORS" if load.errors else ""
    return f"{load.per_s:,.0f}/s, p99 {load.p99_ms:.1f} ms, B {cpu_s:.2f} CPU s/10,000{errors}"
