"""The results as one SVG picture: a row for each pair, a column of bars for each figure."""

from collections.abc import Callable

from benchmarks.report import figures as fig
from benchmarks.report.bars import Column, bars
from benchmarks.report.numbers import counted
from benchmarks.samples import Session
from benchmarks.stacks.catalogue import OURS, STACKS


def picture(session: Session) -> str:
    """Return the SVG text."""
    rows = {name: STACKS[name].title for name in fig.stacks_in(session)}
    return bars(_title(session), _foot(session), rows, _columns(session), OURS)


def _columns(session: Session) -> list[Column]:
    figures = fig.at(session, fig.headline(session))

    def column(heading: str, better: str, value: Callable[[str], float | None]) -> Column:
        return Column(heading, better, [value(name) for name in fig.stacks_in(session)])

    return [
        column("requests/s", "more is better", lambda s: figures.median(s, fig.per_s)),
        column("CPU of B, nginx = 1", "less is better", lambda s: _cpu(figures, s)),
        column("p99, ms", "less is better", lambda s: figures.median(s, fig.p99_ms)),
        column("memory of B, MB", "less is better", lambda s: figures.median(s, fig.peak_b_mb)),
        column("cold start of B, ms", "less is better", lambda s: _cold_start(session, s)),
    ]


def _cpu(figures: fig.Figures, stack: str) -> float | None:
    return fig.times_nginx(figures, stack, fig.cpu_b_s)


def _cold_start(session: Session, stack: str) -> float | None:
    return fig.cold_start_ms(session, stack, "B")


def _title(session: Session) -> str:
    count = fig.headline(session)
    return f"Service B calling Service A, {counted(count, 'connection')}, one process each"


def _foot(session: Session) -> str:
    rounds = counted(session.rounds, "round")
    return (
        f"{session.machine.description}. One log line per request on both sides. "
        f"Medians of {rounds} of {session.seconds} s, stacks in turns."
    )
