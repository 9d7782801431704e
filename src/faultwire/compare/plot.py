"""Goodput over time as a chart: one SVG file that needs nothing else."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from math import ceil, floor, log10
from textwrap import shorten
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from faultwire.compare.course import Course
from faultwire.compare.figures import Figures
from faultwire.compare.report import Comparison, setting

_TEMPLATE = "goodput.svg.jinja"
_LEFT, _TOP, _WIDE, _HIGH = 60.0, 64.0, 640.0, 300.0
_RIGHT, _LEGEND_ROW, _BELOW = 20.0, 20.0, 64.0
_TICKS = 5
_MOST_SUBTITLE = 105
_COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's: told apart by those who do not see all colours, too."""
_DASHES = ("none", "8 3", "2 3", "10 3 2 3")


class Line(NamedTuple):
    """One set of policies: what it is called, how its line looks and where it goes."""

    name: str
    colour: str
    dash: str
    points: str
    legend_y: float


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


class Scale(NamedTuple):
    """Where a second, and a number of answers per second, are on the page."""

    seconds: float
    most: float

    def x(self, second: float) -> float:
        return round(_LEFT + _WIDE * second / self.seconds, 1)

    def y(self, value: float) -> float:
        return round(_TOP + _HIGH * (1.0 - value / self.most), 1)


def plot(done: Comparison) -> str:
    """The chart. Everything from outside is escaped."""
    course = done.course
    said = setting(course, done.seed)
    most = max([course.rate, *(max(each.good_per_s, default=0) for each in done.found)])
    scale = Scale(course.duration_s, _rounded(most / _TICKS) * _TICKS)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = files("faultwire.compare") / "templates" / _TEMPLATE
    return environment.from_string(source.read_text("utf-8")).render(
        setting=said,
        subtitle=shorten(said, _MOST_SUBTITLE, placeholder=" …"),
        ranking=done.ranking,
        lines=list(_lines(done.found, course, scale)),
        shade=(scale.x(course.fault_from_s), scale.x(course.fault_end_s)),
        x_ticks=list(_x_ticks(scale)),
        y_ticks=[_y_tick(scale, number) for number in range(_TICKS + 1)],
        box=(_LEFT, _TOP, _LEFT + _WIDE, _TOP + _HIGH),
        size=(_LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BELOW + _LEGEND_ROW * len(done.found)),
    )


def _lines(found: Sequence[Figures], course: Course, scale: Scale) -> Iterator[Line]:
    for number, each in enumerate(found):
        whole = int(min(each.played_s, course.duration_s))
        counts = enumerate(each.good_per_s[:whole])
        points = " ".join(f"{scale.x(second + 0.5)},{scale.y(good)}" for second, good in counts)
        yield Line(
            each.policies,
            _COLOURS[number % len(_COLOURS)],
            _DASHES[number % len(_DASHES)],
            points,
            _TOP + _HIGH + _BELOW + _LEGEND_ROW * number,
        )


def _x_ticks(scale: Scale) -> Iterator[Tick]:
    step = _rounded(scale.seconds / 10.0)
    for number in range(int(scale.seconds / step) + 1):
        yield Tick(scale.x(number * step), f"{number * step:g}")


def _y_tick(scale: Scale, number: int) -> Tick:
    value = scale.most * number / _TICKS
    return Tick(scale.y(value), f"{value:g}")


def _rounded(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 and so on."""
    power = 10.0 ** floor(log10(step))
    return float(next(n for n in (1, 2, 5, 10) if ceil(step / power * 1e6) <= n * 1e6) * power)
