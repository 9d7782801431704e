"""Medians and ratios of a session's samples: pure arithmetic."""

from collections.abc import Callable, Sequence
from statistics import mean, median

from benchmarks.load import Load
from benchmarks.report.turns import Turns
from benchmarks.wire.hops import DIRECT, HAPROXY, HOPS
from benchmarks.wire.samples import Bulk, Delays, Passing, Session, Waves

REQUESTS_UNIT = 10_000
MB, GB = 1e6, 1e9
PassingFigure = Callable[[Passing], float]


def per_s(sample: Passing) -> float:
    """Good answers a second."""
    return sample.load.per_s


def p50_ms(sample: Passing) -> float:
    """Median latency."""
    return sample.load.p50_ms


def p99_ms(sample: Passing) -> float:
    """Latency that 99 % of the answers stayed under."""
    return sample.load.p99_ms


def cpu_s(sample: Passing) -> float:
    """CPU seconds of the hop for 10,000 good answers."""
    return sample.usage.cpu_s / sample.load.good * REQUESTS_UNIT if sample.usage else 0.0


def peak_mb(sample: Passing | Bulk) -> float:
    """Peak resident memory of the hop."""
    return sample.usage.peak_rss_bytes / MB if sample.usage else 0.0


def mb_per_s(sample: Bulk) -> float:
    """A million bytes of body a second."""
    return sample.bytes / sample.duration_s / MB


def cpu_s_per_gb(sample: Bulk) -> float:
    """CPU seconds of the hop for 1,000 MB."""
    return sample.usage.cpu_s / sample.bytes * GB if sample.usage else 0.0


def passing(session: Session, *, paced: bool) -> Turns[Passing]:
    """Return the loads of one way: flat out, or all at the same rate."""
    return Turns([sample for sample in session.passing if sample.paced is paced])


def added_ms(loads: Turns[Passing], hop: str, figure: PassingFigure) -> float | None:
    """Return the latency that a hop adds to nothing in between: medians' difference."""
    with_it, without = loads.median(hop, figure), loads.median(DIRECT, figure)
    return None if with_it is None or without is None or hop == DIRECT else with_it - without


def added_times_haproxy(loads: Turns[Passing], hop: str, figure: PassingFigure) -> float | None:
    """Return the latency that a hop adds, with what haproxy adds as the unit."""
    added, unit = added_ms(loads, hop, figure), added_ms(loads, HAPROXY, figure)
    return added / unit if added is not None and unit is not None and unit > 0 else None


def hops_in(samples: Sequence[Passing | Bulk]) -> list[str]:
    """Return the hops that were measured, in the catalogue's order."""
    measured = {sample.name for sample in samples}
    return [name for name in HOPS if name in measured]


def errors(loads: Turns[Passing], hop: str) -> int:
    """Return how much went wrong in all runs of a hop."""
    return sum(sample.load.errors for sample in loads.of(hop))


def waves_in(session: Session) -> list[list[Waves]]:
    """Return, for each kind of wave, those of all rounds."""
    return [list(kind) for kind in zip(*(sample.waves for sample in session.delays), strict=True)]


def beyond_load_ms(waves: Waves) -> float:
    """How much later the p99 is with the long delay than with one of 0.

    A delay of 0 is the loop's load alone: as many requests, all in the hands of the fault.
    """
    return waves.late.p99_ms - waves.at_no_delay.p99_ms


def of_delays(session: Session, figure: Callable[[Delays], float]) -> float | None:
    """Return the median over all rounds."""
    return median(map(figure, session.delays)) if session.delays else None


def crowd_in(session: Session) -> int:
    """Return how many requests were delayed at once."""
    return max((kind.late.requests for s in session.delays for kind in s.waves), default=0)


def times_without(sample: Delays, load: Load) -> float:
    """Requests/s of a load, with those before a fault was set and after it as the unit."""
    return load.per_s / mean((sample.before.per_s, sample.after.per_s))


def throughput_meanwhile(sample: Delays) -> float:
    """Requests/s beside the crowd that waits, before and after = 1."""
    return times_without(sample, sample.meanwhile)


def memory_growth(sample: Delays) -> float:
    """Resident memory with the crowd waiting for the last time, the first time = 1."""
    return sample.last_bytes / sample.first_bytes
