"""The results as Markdown."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.load import Load
from benchmarks.report.numbers import counted, number, table
from benchmarks.report.turns import Turns
from benchmarks.report.verdict import verdict_table
from benchmarks.wire.hops import DIRECT, HAPROXY, HOPS, NGINX
from benchmarks.wire.report import figures as fig
from benchmarks.wire.report.targets import verdicts
from benchmarks.wire.report.words import beginning
from benchmarks.wire.samples import Delays, Passing, Session, Wave

PASSING_HEADS = (
    "in between",
    "requests/s",
    "requests/s, nginx = 1",
    "p50 ms",
    "p99 ms",
    "added p50 ms",
    "added p99 ms",
    "added p50, haproxy = 1",
    "added p99, haproxy = 1",
    "CPU s, 10,000 requests",
    "MB peak",
    "errors",
)
BULK_HEADS = ("in between", "MB/s", "MB/s, haproxy = 1", "CPU s, 1,000 MB", "MB peak")
WAVE_HEADS = (
    "requests",
    "delay s",
    "waiting at once",
    "earliest ms",
    "p50 ms",
    "p99 ms",
    "latest ms",
    "wrong",
)
WAVES_SAID = (
    "How much later than the delay each answer began, as the clients saw it. The same requests "
    "without a fault, and with a delay of 0, show what the load explains."
)
BESIDE_HEADS = ("undelayed requests", "requests/s", "without a fault = 1", "p50 ms", "p99 ms")
MEMORY_HEADS = ("the wire's memory", "MB")
LOG_LINE_TOLERANCE = 0.5


def results(session: Session) -> str:
    """Return the whole of wire.md."""
    blocks = [
        "# The wire's benchmark results",
        _measured_on(session),
        *_passing_blocks(session),
        *_bulk_block(session),
        *_delays_blocks(session),
        "## Targets",
        targets(session),
        *_remarks(session),
    ]
    return "\n\n".join(blocks) + "\n"


def targets(session: Session) -> str:
    """Return the table of targets: held, missed or not measured."""
    return verdict_table("target of the wire", verdicts(session))


def _measured_on(session: Session) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in session.machine.versions.items())
    rounds = counted(session.rounds, "round")
    return (
        f"{session.machine.description}; {versions}. {rounds} of {session.seconds} s, "
        "medians. [What is measured, and how](../README.md#the-wire)."
    )


# Small requests.


def _passing_blocks(session: Session) -> list[str]:
    if not session.passing:
        return []
    count = counted(session.connections, "connection")
    return [
        "![The hops beside each other](wire.svg)",
        f"## Small requests, {count}, flat out",
        _passing_table(session, paced=False),
        f"## Small requests, {count}, at an equal rate",
        _passing_table(session, paced=True),
    ]


def _passing_table(session: Session, *, paced: bool) -> str:
    loads = fig.passing(session, paced=paced)
    return table(PASSING_HEADS, [_passing_row(loads, hop) for hop in fig.hops_in(loads.samples)])


def _passing_row(loads: Turns[Passing], hop: str) -> list[str]:
    values = (
        loads.median(hop, fig.per_s),
        loads.ratio(hop, NGINX, fig.per_s),
        loads.median(hop, fig.p50_ms),
        loads.median(hop, fig.p99_ms),
        fig.added_ms(loads, hop, fig.p50_ms),
        fig.added_ms(loads, hop, fig.p99_ms),
        fig.added_times_haproxy(loads, hop, fig.p50_ms),
        fig.added_times_haproxy(loads, hop, fig.p99_ms),
        _of_hop(hop, loads.median(hop, fig.cpu_s)),
        _of_hop(hop, loads.median(hop, fig.peak_mb)),
    )
    errors = fig.errors(loads, hop)
    return [HOPS[hop].title, *map(number, values), f"{errors:,}" if errors else "none"]


def _of_hop(hop: str, value: float | None) -> float | None:
    """Where nothing is in between, it uses nothing."""
    return None if hop == DIRECT else value


# A large body.


def _bulk_block(session: Session) -> list[str]:
    if not session.bulk:
        return []
    bulk = Turns(session.bulk)
    rows = [
        [
            HOPS[hop].title,
            number(bulk.median(hop, fig.mb_per_s)),
            number(bulk.ratio(hop, HAPROXY, fig.mb_per_s)),
            number(_of_hop(hop, bulk.median(hop, fig.cpu_s_per_gb))),
            number(_of_hop(hop, bulk.median(hop, fig.peak_mb))),
        ]
        for hop in fig.hops_in(bulk.samples)
    ]
    return ["## A large body", table(BULK_HEADS, rows)]


# Delays.


def _delays_blocks(session: Session) -> list[str]:
    if not session.delays:
        return []
    return [
        f"## {fig.crowd_in(session):,} requests delayed at once",
        WAVES_SAID,
        table(WAVE_HEADS, _wave_rows(session)),
        table(BESIDE_HEADS, _beside_rows(session.delays)),
        table(MEMORY_HEADS, _memory_rows(session)),
    ]


def _wave_rows(session: Session) -> list[list[str]]:
    """For each kind of wave three rows: no fault, a delay of 0, a long one."""
    rows: list[list[str]] = []
    for kind in fig.waves_in(session):
        rows.append(_wave_row([waves.plain for waves in kind], "none"))
        rows.append(_wave_row([waves.at_no_delay for waves in kind], "0"))
        rows.append(_wave_row([waves.late for waves in kind], f"{kind[0].late.delay_s:g}"))
    return rows


def _wave_row(waves: Sequence[Wave], delay: str) -> list[str]:
    one = waves[0]
    figures = (
        min(wave.earliest_ms for wave in waves),
        median(wave.p50_ms for wave in waves),
        median(wave.p99_ms for wave in waves),
        max(wave.latest_ms for wave in waves),
    )
    wrong = sum(wave.wrong for wave in waves)
    at_once = min(wave.at_once for wave in waves)
    return [
        f"{one.requests:,} {beginning(one)}",
        delay,
        f"{at_once:,}",
        *(f"{figure:.1f}" for figure in figures),
        f"{wrong:,}" if wrong else "none",
    ]


def _beside_rows(delays: Sequence[Delays]) -> list[list[str]]:
    loads: tuple[tuple[str, Callable[[Delays], Load]], ...] = (
        ("no fault set", lambda sample: sample.before),
        ("a fault set, for others", lambda sample: sample.armed),
        ("the others wait", lambda sample: sample.meanwhile),
        ("no fault set any more", lambda sample: sample.after),
    )
    return [[words, *_beside(delays, load)] for words, load in loads]


def _beside(delays: Sequence[Delays], load: Callable[[Delays], Load]) -> list[str]:
    figures = (
        median(load(sample).per_s for sample in delays),
        median(fig.times_without(sample, load(sample)) for sample in delays),
        median(load(sample).p50_ms for sample in delays),
        median(load(sample).p99_ms for sample in delays),
    )
    return [number(figure) for figure in figures]


def _memory_rows(session: Session) -> list[list[str]]:
    crowd = f"{fig.crowd_in(session):,}"
    sizes: tuple[tuple[str, Callable[[Delays], float]], ...] = (
        ("before", lambda sample: sample.start_bytes),
        (f"{crowd} wait for the first time", lambda sample: sample.first_bytes),
        (f"{crowd} wait for the last time", lambda sample: sample.last_bytes),
        ("peak", lambda sample: sample.peak_bytes),
    )
    return [[words, number(median(map(size, session.delays)) / fig.MB)] for words, size in sizes]


# What else there is to say.


def _remarks(session: Session) -> list[str]:
    remarks = [f"- failed run: {failure}" for failure in session.failures]
    measured = fig.hops_in([*session.passing, *session.bulk])
    if measured and HAPROXY not in measured:
        remarks.append("- without haproxy, what is set against it is not measured")
    remarks += [
        f"- haproxy added no {name} {way} that could be told from noise"
        for way, paced in (("flat out", False), ("at an equal rate", True))
        for name, figure in (("p50", fig.p50_ms), ("p99", fig.p99_ms))
        if (fig.added_ms(fig.passing(session, paced=paced), HAPROXY, figure) or 1) <= 0
    ]
    remarks += [
        f"- {HOPS[hop].title} did not write one log line per request"
        for hop in measured
        if hop != DIRECT and not _logs_each_request(session, hop)
    ]
    return ["## Remarks", "\n".join(remarks)] if remarks else []


def _logs_each_request(session: Session, hop: str) -> bool:
    """Whether there was near one line per request in the runs without errors."""
    return all(
        abs(sample.usage.log_lines / sample.load.requests - 1) < LOG_LINE_TOLERANCE
        for sample in session.passing
        if sample.name == hop and sample.usage and not sample.load.errors
    )
