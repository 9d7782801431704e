"""An experiment as text for people and as data for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Any

from faultwire.simulate.experiment import Experiment
from faultwire.simulate.lessons.lesson import Lesson
from faultwire.simulate.run import Result
from faultwire.simulate.statistics import shares, sparkline

_WIDTH = 60
_HEAD = (
    "VARIANT",
    "GOOD",
    "DURING",
    "AFTER",
    "P50",
    "P99",
    "P99.9",
    "ATTEMPTS",
    "LOAD",
    "PEAK",
    "WASTED",
    "RECOVERED",
)
_LEGEND = """
GOOD answers of all requests, of those that came DURING the trouble, and AFTER it; percentiles of
all answers in ms; ATTEMPTS per request; LOAD on A during the trouble and its PEAK in one second,
over what A can do when it is well; the share of A's work that was WASTED; how long after the
trouble's end it had RECOVERED."""


def introduction(lesson: Lesson) -> str:
    """What to expect, before it runs."""
    return f"{lesson.title}\n\n{fill(' '.join(lesson.expect.split()), 96)}\n"


def text(experiment: Experiment, *, unicode: bool) -> str:
    """The table, the course of each run second by second, and the verdict."""
    parts = [_setting(experiment), _table(experiment.results), _courses(experiment, unicode)]
    parts += ["\n".join(_policies(experiment.results)), _verdict(experiment)]
    return "\n\n".join(part for part in parts if part)


def data(experiment: Experiment) -> dict[str, Any]:
    """The same for programs."""
    return {
        "lesson": experiment.lesson.name,
        "seed": experiment.seed,
        "scenario": asdict(experiment.scenario),
        "results": [asdict(result) for result in experiment.results],
        "claims": [claim._asdict() for claim in experiment.claims],
        "held": experiment.held,
    }


def _setting(experiment: Experiment) -> str:
    scenario = experiment.scenario
    requests = max(result.requests for result in experiment.results)
    return (
        f"{scenario.clients:,} clients, {scenario.rate:g} requests/s together, "
        f"{scenario.duration_s:g} s: {requests:,} requests; A can do {scenario.capacity:.0f}/s; "
        f"seed {experiment.seed}"
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table: the first column begins at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _table(results: Sequence[Result]) -> str:
    return "\n".join([aligned([_HEAD, *map(_row, results)]), _LEGEND])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join(cells)


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.variant,
        f"{result.goodput:.1%}",
        f"{result.during:.1%}",
        f"{result.after:.1%}",
        f"{result.p50_ms:.0f}",
        f"{result.p99_ms:.0f}",
        f"{result.p999_ms:.0f}",
        f"{result.attempts_per_request:.2f}",
        f"{result.load_during:.2f}",
        f"{result.load_peak:.1f}",
        f"{result.wasted:.1%}",
        "never" if result.recovery_s is None else f"{result.recovery_s} s",
    )


def _courses(experiment: Experiment, unicode: bool) -> str:
    """Good answers over time, all of them side by side, and where the trouble was."""
    scenario = experiment.scenario
    name_width = max(len(result.variant) for result in experiment.results)
    lines = [f"{r.variant:{name_width}}  {_course(r, unicode)}" for r in experiment.results]
    each_s = scenario.duration_s / _WIDTH
    before = round(scenario.trouble.start_s / each_s)
    during = max(round((scenario.trouble.end_s - scenario.trouble.start_s) / each_s), 1)
    mark = f"{'':{name_width}}  {' ' * before}{'^' * during} the trouble"
    return "\n".join([f"Good answers, {each_s:g} s a column", *lines, mark])


def _course(result: Result, unicode: bool) -> str:
    good = shares(result.good_per_s, result.requests_per_s)
    return sparkline(good, _WIDTH, unicode=unicode)


def _policies(results: Sequence[Result]) -> list[str]:
    return [f"{r.variant}: {r.policies}" for r in results if r.variant != r.policies]


def _verdict(experiment: Experiment) -> str:
    said = [
        f"{'Held' if claim.held else 'NOT SO'}: {claim.sentence}." for claim in experiment.claims
    ]
    return "\n".join(fill(line, 96, subsequent_indent="  ") for line in said)
