"""The results as one SVG picture: a row for each hop, a column of bars for each figure."""

from collections.abc import Callable

from benchmarks.report.bars import Column, bars
from benchmarks.report.numbers import counted
from benchmarks.report.turns import Turns
from benchmarks.wire.hops import DIRECT, HOPS, WIRE
from benchmarks.wire.report import figures as fig
from benchmarks.wire.samples import Session


def picture(session: Session) -> str:
    """Return the SVG text."""
    hops = fig.hops_in([*session.passing, *session.bulk])
    rows = {name: HOPS[name].title for name in hops}
    title = f"A hop in between, {counted(session.connections, 'connection')}, one process each"
    return bars(title, _foot(session), rows, _columns(session, hops), WIRE)


def _columns(session: Session, hops: list[str]) -> list[Column]:
    flat_out, paced = (fig.passing(session, paced=paced) for paced in (False, True))
    bulk = Turns(session.bulk)

    def column(heading: str, better: str, value: Callable[[str], float | None]) -> Column:
        return Column(heading, better, [value(name) for name in hops])

    def cpu(hop: str) -> float | None:
        return None if hop == DIRECT else flat_out.median(hop, fig.cpu_s)

    more, less = "more is better", "less is better"
    return [
        column("requests/s", more, lambda hop: flat_out.median(hop, fig.per_s)),
        column("p50 at equal rate, ms", less, lambda hop: paced.median(hop, fig.p50_ms)),
        column("p99 at equal rate, ms", less, lambda hop: paced.median(hop, fig.p99_ms)),
        column("CPU s, 10,000 requests", less, cpu),
        column("bulk, MB/s", more, lambda hop: bulk.median(hop, fig.mb_per_s)),
    ]


def _foot(session: Session) -> str:
    return (
        f"{session.machine.description}. nginx behind each hop, one log line per request in it. "
        f"Medians of {counted(session.rounds, 'round')} of {session.seconds} s, hops in turns."
    )
