"""The targets that the pair is built to reach, and whether a session holds them."""

from benchmarks.report import figures as fig
from benchmarks.report.verdict import Verdict
from benchmarks.samples import Session
from benchmarks.stacks.catalogue import NAIVE, OURS, REFERENCE


def verdicts(session: Session) -> list[Verdict]:
    """Return every target, at 64 connections, with what was measured."""
    at_64 = fig.at(session, fig.HEADLINE_CONNECTIONS)
    memory = _larger(at_64.median(OURS, fig.peak_a_mb), at_64.median(OURS, fig.peak_b_mb))
    start = _larger(fig.cold_start_ms(session, OURS, "A"), fig.cold_start_ms(session, OURS, "B"))
    return [
        Verdict(
            "B's CPU per request, nginx = 1, at most 1.6",
            at_64.ratio(OURS, REFERENCE, fig.cpu_b_s),
            1.6,
            True,
            " x",
        ),
        Verdict(
            "B's CPU per request, times less than the naive pair's, at least 75",
            _inverse(at_64.ratio(OURS, NAIVE, fig.cpu_b_s)),
            75,
            False,
            " x",
        ),
        Verdict(
            "requests/s, times the naive pair's, at least 40",
            at_64.ratio(OURS, NAIVE, fig.per_s),
            40,
            False,
            " x",
        ),
        Verdict("p99, nginx = 1, under 4", at_64.ratio(OURS, REFERENCE, fig.p99_ms), 4, True, " x"),
        Verdict("peak resident memory, the larger service, under 30 MB", memory, 30, True, " MB"),
        Verdict(
            "cold start to the first 200, the slower service, under 150 ms", start, 150, True, " ms"
        ),
    ]


def _larger(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)


def _inverse(ratio: float | None) -> float | None:
    return 1 / ratio if ratio else None
