"""The targets that the wire is built to reach, and whether a session holds them."""

from collections.abc import Sequence
from statistics import median

from benchmarks.report.turns import Turns
from benchmarks.report.verdict import Verdict
from benchmarks.wire.hops import HAPROXY, NGINX, WIRE
from benchmarks.wire.report import figures as fig
from benchmarks.wire.report.words import beginning
from benchmarks.wire.samples import Session, Waves


def verdicts(session: Session) -> list[Verdict]:
    """Return every target, with what was measured."""
    return [*_passing(session), _bulk(session), *_delays(session)]


def _passing(session: Session) -> list[Verdict]:
    flat_out = fig.passing(session, paced=False)
    ways = (("at an equal rate", fig.passing(session, paced=True)), ("flat out", flat_out))
    added = [
        Verdict(
            f"added {name} {way}, haproxy = 1, at most 1.5",
            fig.added_times_haproxy(loads, WIRE, figure),
            1.5,
            True,
            " x",
        )
        for way, loads in ways
        for name, figure in (("p50", fig.p50_ms), ("p99", fig.p99_ms))
    ]
    share = flat_out.ratio(WIRE, NGINX, fig.per_s)
    return [*added, Verdict("requests/s, nginx = 1, at least 0.4", share, 0.4, False, " x")]


def _bulk(session: Session) -> Verdict:
    share = Turns(session.bulk).ratio(WIRE, HAPROXY, fig.mb_per_s)
    return Verdict("bulk MB/s, haproxy = 1, at least 0.5", share, 0.5, False, " x")


def _delays(session: Session) -> list[Verdict]:
    crowd = f"{fig.crowd_in(session):,}" if session.delays else "5,000"
    return [
        *(_late(crowd, kind) for kind in fig.waves_in(session)),
        Verdict(
            f"undelayed requests/s while {crowd} wait, before and after = 1, at least 0.8",
            fig.of_delays(session, fig.throughput_meanwhile),
            0.8,
            False,
            " x",
        ),
        Verdict(
            f"memory while {crowd} wait for the last time, the first time = 1, at most 1.1",
            fig.of_delays(session, fig.memory_growth),
            1.1,
            True,
            " x",
        ),
    ]


def _late(crowd: str, kind: Sequence[Waves]) -> Verdict:
    """The error of the delay in one kind of wave, beyond what the load explains."""
    return Verdict(
        f"p99 of the delay's error, {crowd} {beginning(kind[0].late)}, beyond that at no delay, "
        "at most 5 ms",
        median(map(fig.beyond_load_ms, kind)),
        5,
        True,
        " ms",
    )
