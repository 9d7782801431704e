"""The report as one HTML file that needs nothing else: no script, no font, no network."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from faultwire.check.model import Report
from faultwire.check.report.timeline import LANES, timeline
from faultwire.check.report.words import (
    MARKS,
    NAMES,
    capped,
    evidence_lines,
    graded,
    shown,
    title_of,
    totals,
)
from faultwire.check.score import by_group

_TEMPLATE = "report.html.jinja"


def render(report: Report) -> str:
    """The whole report. Everything that came from the target is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    source = files("faultwire.check.report") / "templates" / _TEMPLATE
    return environment.from_string(source.read_text("utf-8")).render(
        report=report,
        groups=by_group(report.scenarios),
        title=title_of(report),
        totals=totals(report),
        capped=capped(report),
        graded=graded,
        marks=MARKS,
        names=NAMES,
        lanes=LANES,
        timeline=timeline,
        evidence_lines=evidence_lines,
    )
