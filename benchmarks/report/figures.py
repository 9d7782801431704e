"""Medians and ratios of a session's samples: pure arithmetic."""

from collections.abc import Callable
from statistics import median

from benchmarks.report.turns import Turns
from benchmarks.samples import Sample, Session
from benchmarks.stacks.catalogue import NAIVE, REFERENCE, STACKS

HEADLINE_CONNECTIONS = 64
REQUESTS_UNIT = 10_000
MB = 1_000_000
Figure = Callable[[Sample], float]


def per_s(sample: Sample) -> float:
    """Good answers a second."""
    return sample.load.per_s


def p50_ms(sample: Sample) -> float:
    """Median latency."""
    return sample.load.p50_ms


def p99_ms(sample: Sample) -> float:
    """Latency that 99 % of the answers stayed under."""
    return sample.load.p99_ms


def cpu_a_s(sample: Sample) -> float:
    """CPU seconds of A for 10,000 good answers."""
    return sample.a.cpu_s / sample.load.good * REQUESTS_UNIT


def cpu_b_s(sample: Sample) -> float:
    """CPU seconds of B for 10,000 good answers."""
    return sample.b.cpu_s / sample.load.good * REQUESTS_UNIT


def peak_a_mb(sample: Sample) -> float:
    """Peak resident memory of A."""
    return sample.a.peak_rss_bytes / MB


def peak_b_mb(sample: Sample) -> float:
    """Peak resident memory of B."""
    return sample.b.peak_rss_bytes / MB


def after_a_mb(sample: Sample) -> float:
    """Resident memory of A after the load."""
    return sample.a.rss_bytes / MB


def after_b_mb(sample: Sample) -> float:
    """Resident memory of B after the load."""
    return sample.b.rss_bytes / MB


class Figures(Turns[Sample]):
    """The samples of one number of connections."""

    def errors(self, stack: str) -> tuple[int, int, int]:
        """Return how many runs saw errors, how many runs there were, and the errors' sum."""
        errors = [sample.load.errors for sample in self.of(stack)]
        return sum(1 for count in errors if count), len(errors), sum(errors)


def at(session: Session, connections: int) -> Figures:
    """Return the figures of one number of connections."""
    return Figures([s for s in session.samples if s.connections == connections])


def connection_counts(session: Session) -> list[int]:
    """Return the numbers of connections measured, the headline first."""
    counts = sorted({sample.connections for sample in session.samples})
    return sorted(counts, key=lambda count: count != HEADLINE_CONNECTIONS)


def headline(session: Session) -> int:
    """Return the number of connections that the picture shows: 64 if it was measured."""
    return next(iter(connection_counts(session)), HEADLINE_CONNECTIONS)


def stacks_in(session: Session) -> list[str]:
    """Return the stacks that were measured, in the catalogue's order."""
    measured = {sample.stack for sample in session.samples}
    return [name for name in STACKS if name in measured]


def cold_start_ms(session: Session, stack: str, service: str) -> float | None:
    """Return the median cold start of one service."""
    starts = [
        start.seconds * 1000
        for start in session.cold_starts
        if (start.stack, start.service) == (stack, service)
    ]
    return median(starts) if starts else None


def times_nginx(figures: Figures, stack: str, figure: Figure) -> float | None:
    """Return a figure of `stack` with nginx's as the unit."""
    return figures.ratio(stack, REFERENCE, figure)


def times_naive(figures: Figures, stack: str, figure: Figure) -> float | None:
    """Return a figure of `stack` with the naive pair's as the unit."""
    return figures.ratio(stack, NAIVE, figure)


def log_lines_per_request(sample: Sample) -> tuple[float, float]:
    """Return the log lines of A and of B for each request that wrk saw answered."""
    requests = sample.load.requests
    return sample.a.log_lines / requests, sample.b.log_lines / requests
