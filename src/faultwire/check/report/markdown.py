"""The report as Markdown, for a pull request or a README."""

from faultwire.check.model import Report, Result
from faultwire.check.report.words import (
    MARKS,
    capped,
    evidence_lines,
    explained,
    graded,
    shown,
    title_of,
    totals,
)
from faultwire.check.score import by_group

_TO_ESCAPE = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~"})


def render(report: Report) -> str:
    """The whole report."""
    return "\n".join([*_head(report), *_groups(report), *_table(report), *_explanations(report)])


def _head(report: Report) -> list[str]:
    said = f" {_plain(capped(report))}" if capped(report) else ""
    head = [
        f"# Check of {_plain(report.target.name)}: {graded(report.score, report.grade)}",
        "",
        f"{_plain(title_of(report))}. {totals(report)} in {report.duration_s:.1f} s.{said}",
        "",
    ]
    if report.unexamined:
        head += [f"**Not examined:** {_plain(report.unexamined)}.", ""]
    return [*head, f"**Ended early:** {_plain(report.aborted)}", ""] if report.aborted else head


def _groups(report: Report) -> list[str]:
    rows = [
        f"| {each.group} | {graded(each.score, each.grade)} | {each.passed} | {each.failed} "
        f"| {each.warned} | {each.flaky} | {each.skipped} |"
        for each in report.groups
    ]
    return [
        "| group | grade | passed | failed | warned | flaky | skipped |",
        "|---|---|---:|---:|---:|---:|---:|",
        *rows,
        "",
    ]


def _table(report: Report) -> list[str]:
    lines: list[str] = []
    for group, results in by_group(report.scenarios).items():
        lines += [f"## {group}", "", *map(_item, results), ""]
    return lines


def _item(result: Result) -> str:
    said = f" — {_plain(result.said)}" if result.said else ""
    return f"- {MARKS[result.verdict]} {_plain(result.title)} (`{result.id}`){said}"


def _explanations(report: Report) -> list[str]:
    lines: list[str] = []
    for result in explained(report.scenarios):
        lines += [
            f"### {MARKS[result.verdict]} {_plain(result.title)}",
            "",
            f"**Seen:** {_plain(result.said)}",
            f"**Expected:** {_plain(result.expects)}",
            f"**Why it matters:** {_plain(result.why)} ({_plain(result.source)})",
            f"**How to mend it:** {_plain(result.mend)}",
            "",
            *(f"    {line}" for each in evidence_lines(result) for line in each.splitlines()),
            "",
        ]
    return lines


def _plain(text: str) -> str:
    """A text in one line in which nothing is Markdown."""
    return " ".join(shown(text).split()).translate(_TO_ESCAPE)
