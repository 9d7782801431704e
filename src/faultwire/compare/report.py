"""A comparison as text for people and as data for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Any

from faultwire.compare.course import Course
from faultwire.compare.figures import Figures
from faultwire.compare.ranking import ranking
from faultwire.simulate.report import aligned
from faultwire.simulate.statistics import shares, sparkline

_WIDTH = 96
_BARS = 60
_WELL = 0.95
_LATE_MS = 100.0
_FEW_MS = 9.95
_HEAD = (
    "POLICIES",
    "REQUESTS",
    "GOOD",
    "/S",
    "DURING",
    "/S",
    "P50",
    "P99",
    "P99.9",
    "ATTEMPTS",
    "PEAK",
    "RECOVERED",
)
_LEGEND = """
GOOD answers of all requests that were due, and of those due DURING the fault; percentiles of all
answers in ms since each request was due; ATTEMPTS at A per request, and their PEAK in one second,
as the wire saw them; when after the fault's end each second was again, and stayed, as good as 95 %
of what was before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was played and what came of it, set by set; `stopped` before all of it was played."""

    course: Course
    seed: int
    found: Sequence[Figures]
    stopped: bool

    @property
    def ranking(self) -> str:
        """Who did best, in one sentence."""
        return ranking(self.found)


def text(done: Comparison, *, unicode: bool) -> str:
    """The table, the course of each run second by second, what to doubt, and the ranking."""
    parts = [fill(setting(done.course, done.seed), _WIDTH)]
    parts += ["\n".join([aligned([_HEAD, *map(_row, done.found)]), _LEGEND])]
    parts += [_courses(done, unicode=unicode), *_doubts(done)]
    parts += [fill(done.ranking, _WIDTH, break_long_words=False, break_on_hyphens=False)]
    return "\n\n".join(parts)


def data(done: Comparison) -> dict[str, Any]:
    """The same for programs."""
    course = done.course
    return {
        "seed": done.seed,
        "rate": course.rate,
        "duration_s": course.duration_s,
        "fault_from_s": course.fault_from_s,
        "fault_for_s": course.fault_for_s,
        "work_s": course.work_s,
        "timeout_s": course.timeout_s,
        "faults": [made.shown() for made in course.faults],
        "stopped": done.stopped,
        "sets": [asdict(each) for each in done.found],
        "ranking": done.ranking,
    }


def setting(course: Course, seed: int) -> str:
    """What is played, in a sentence."""
    faults = ", ".join(_fault(made.shown()) for made in course.faults)
    return (
        f"{course.rate:g} requests/s for {course.duration_s:g} s; from {course.fault_from_s:g} s "
        f"to {course.fault_end_s:g} s: {faults}; seed {seed}"
    )


def _fault(shown: dict[str, Any]) -> str:
    """A break in a few words: its fault, its attributes, how often it strikes."""
    hidden = ("fault", "name", "seed", "for_s", "rate", "phase")
    words = [shown["fault"], *(f"{k}={v}" for k, v in shown.items() if k not in hidden)]
    return " ".join([*words, f"rate={shown['rate']:g}"])


def _row(each: Figures) -> tuple[str, ...]:
    return (
        each.policies,
        f"{each.requests:,}",
        f"{each.goodput:.1%}",
        f"{each.goodput_per_s:.0f}",
        f"{each.during:.1%}" if each.during_requests else "-",
        f"{each.during_per_s:.0f}" if each.during_requests else "-",
        *map(_ms, (each.p50_ms, each.p99_ms, each.p999_ms)),
        f"{each.attempts_per_request:.2f}",
        f"{each.load_peak}/s",
        "never" if each.recovery_s is None else f"{each.recovery_s} s",
    )


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < _FEW_MS else f"{value:.0f}"


def _courses(done: Comparison, *, unicode: bool) -> str:
    """Good answers over time, all of them side by side, and where the fault was."""
    width = max((len(each.policies) for each in done.found), default=0)
    seconds = int(done.course.duration_s)
    each_s = -(-seconds // _BARS)
    lines = [f"{each.policies:{width}}  {_course(each, unicode)}" for each in done.found]
    before = round(done.course.fault_from_s / each_s)
    during = max(round(done.course.fault_for_s / each_s), 1)
    mark = f"{'':{width}}  {' ' * before}{'^' * during} the fault"
    return "\n".join([f"Good answers, {each_s} s a column", *lines, mark])


def _course(each: Figures, unicode: bool) -> str:
    return sparkline(shares(each.good_per_s, each.requests_per_s), _BARS, unicode=unicode)


def _doubts(done: Comparison) -> list[str]:
    """What makes the figures less worth than they look, if anything does."""
    said = ["Stopped before all was played."] if done.stopped else []
    for each in done.found:
        if each.before < _WELL:
            said.append(
                f"{each.policies}: before the fault only {each.before:.1%} of the answers were "
                "good: the rate is too high for this machine, or --work too long for the policies."
            )
        if each.unsent:
            said.append(
                f"{each.policies}: {each.unsent:,} requests were not sent, for too many were under "
                "way; they count as not answered."
            )
        if each.late_ms > _LATE_MS:
            said.append(
                f"{each.policies}: the machine was busy, requests were sent up to "
                f"{each.late_ms:.0f} ms late, which is in the latencies."
            )
    return ["\n".join(fill(line, _WIDTH) for line in said)] if said else []
