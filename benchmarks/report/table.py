"""The results as Markdown."""

from itertools import chain

from benchmarks.report import figures as fig
from benchmarks.report.numbers import counted, number, table
from benchmarks.report.targets import verdicts
from benchmarks.report.verdict import verdict_table
from benchmarks.samples import Session
from benchmarks.stacks.catalogue import STACKS

LOAD_HEADS = (
    "pair",
    "requests/s",
    "requests/s, naive = 1",
    "p50 ms",
    "p99 ms",
    "CPU of B, nginx = 1",
    "CPU of A, nginx = 1",
    "CPU s of B, 10,000 requests",
    "CPU s of A, 10,000 requests",
    "errors",
)
PROCESS_HEADS = ("pair", "B: MB after", "B: MB peak", "A: MB peak", "B: start ms", "A: start ms")
LOG_LINE_TOLERANCE = 0.5


def results(session: Session) -> str:
    """Return the whole of results.md."""
    counts = fig.connection_counts(session)
    blocks = [
        "# Benchmark results",
        _measured_on(session),
        "![The pairs beside each other](results.svg)",
        *chain.from_iterable(_load_block(session, count) for count in counts),
        "## Memory and cold start",
        table(PROCESS_HEADS, [_process_row(session, name) for name in fig.stacks_in(session)]),
        "## Targets",
        targets(session),
        *_remarks(session),
    ]
    return "\n\n".join(blocks) + "\n"


def targets(session: Session) -> str:
    """Return the table of targets: held, missed or not measured."""
    return verdict_table("target, at 64 connections", verdicts(session))


def _measured_on(session: Session) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in session.machine.versions.items())
    rounds = counted(session.rounds, "round")
    return (
        f"{session.machine.description}; {versions}. {rounds} of {session.seconds} s, "
        "medians. [What the columns mean](../README.md)."
    )


def _load_block(session: Session, connections: int) -> tuple[str, str]:
    figures = fig.at(session, connections)
    rows = [_load_row(figures, name) for name in fig.stacks_in(session) if figures.of(name)]
    return f"## {counted(connections, 'connection')}", table(LOAD_HEADS, rows)


def _load_row(figures: fig.Figures, name: str) -> list[str]:
    values = (
        figures.median(name, fig.per_s),
        fig.times_naive(figures, name, fig.per_s),
        figures.median(name, fig.p50_ms),
        figures.median(name, fig.p99_ms),
        fig.times_nginx(figures, name, fig.cpu_b_s),
        fig.times_nginx(figures, name, fig.cpu_a_s),
        figures.median(name, fig.cpu_b_s),
        figures.median(name, fig.cpu_a_s),
    )
    return [STACKS[name].title, *map(number, values), _errors(figures, name)]


def _errors(figures: fig.Figures, name: str) -> str:
    bad_runs, runs, errors = figures.errors(name)
    return f"{errors:,} in {bad_runs} of {runs} runs" if errors else "none"


def _process_row(session: Session, name: str) -> list[str]:
    figures = fig.at(session, fig.headline(session))
    values = (
        figures.median(name, fig.after_b_mb),
        figures.median(name, fig.peak_b_mb),
        figures.median(name, fig.peak_a_mb),
        fig.cold_start_ms(session, name, "B"),
        fig.cold_start_ms(session, name, "A"),
    )
    return [STACKS[name].title, *map(number, values)]


def _remarks(session: Session) -> list[str]:
    remarks = [f"- failed run: {failure}" for failure in session.failures]
    remarks += [
        f"- {name} does not write one log line per request on both sides"
        for name in fig.stacks_in(session)
        if not _logs_each_request(session, name)
    ]
    return ["## Remarks", "\n".join(remarks)] if remarks else []


def _logs_each_request(session: Session, name: str) -> bool:
    """Whether both sides wrote near one line per request in the runs without errors."""
    return all(
        abs(lines - 1) < LOG_LINE_TOLERANCE
        for sample in session.samples
        if sample.stack == name and not sample.load.errors
        for lines in fig.log_lines_per_request(sample)
    )
