"""The report for a terminal: groups with their marks, then what failed, explained."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from faultwire.check.model import GroupScore, Report, Result, Verdict
from faultwire.check.report.words import (
    MARKS,
    capped,
    evidence_rows,
    explained,
    graded,
    shown,
    title_of,
    totals,
)
from faultwire.check.score import by_group

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.FLAKY: "magenta",
    Verdict.SKIP: "dim",
}
WIDE = 100
_LONGEST = 120
_MOST_EVIDENCE = 4
"""Of each kind; the other formats have more."""


def render(report: Report) -> str:
    """The whole report as plain text, as it is when piped."""
    console = Console(width=WIDE, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        show(report, console)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def show(report: Report, console: Console) -> None:
    """Print the whole report."""
    console.print(Text(shown(title_of(report)), "dim"))
    for group, results in by_group(report.scenarios).items():
        console.print(Text(f"\n{group.value}", "bold"))
        console.print(_lines(results))
    for result in explained(report.scenarios):
        console.print(_explanation(result))
    console.print()
    console.print(_scores(report.groups))
    if report.aborted:
        console.print(Text(f"Ended early: {shown(report.aborted)}", "bold red"))
    grade = graded(report.score, report.grade)
    console.print(Text(f"{grade}: {totals(report)} in {report.duration_s:.1f} s", "bold"))
    if said := capped(report):
        console.print(Text(said))
    if report.unexamined:
        console.print(Text(shown(report.unexamined), "yellow"))


def _lines(results: list[Result]) -> RenderableType:
    """A mark and a sentence each; why it failed is told below, why it was skipped only here."""
    grid = Table.grid(padding=(0, 1))
    for result in results:
        line = Text(result.title)
        if result.said and result.verdict is not Verdict.PASS:
            line.append(f" - {_cut(shown(result.said))}", "dim")
        grid.add_row(Text(MARKS[result.verdict], COLOURS[result.verdict]), line)
    return Padding(grid, (0, 0, 0, 2))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _explanation(result: Result) -> RenderableType:
    heading = Text(f"\n{MARKS[result.verdict]} {result.title}", COLOURS[result.verdict])
    heading.append(f"  {result.id}", "dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, text in (
        ("seen", result.said),
        ("expected", result.expects),
        ("why", f"{result.why} ({result.source})"),
        ("mend it", result.mend),
    ):
        grid.add_row(name, Text(shown(text)))
    for kind, text in evidence_rows(result, _MOST_EVIDENCE):
        grid.add_row(kind, Text(text, "dim"))
    return Group(heading, Padding(grid, (0, 0, 0, 2)))


def _scores(groups: list[GroupScore]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("group")
    table.add_column("grade")
    for verdict in Verdict:
        table.add_column(MARKS[verdict], justify="right", style=COLOURS[verdict])
    for each in groups:
        counts = (each.passed, each.failed, each.warned, each.flaky, each.skipped)
        cells = [str(count) if count else "" for count in counts]
        table.add_row(each.group.value, graded(each.score, each.grade), *cells)
    return table
