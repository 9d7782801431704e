"""The table of a class: CSV for a spreadsheet, HTML for people, lines for a terminal."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from types import MappingProxyType

from faultwire.check.many import Row, common_defects
from faultwire.check.report.words import graded, shown

_COLUMNS = (
    "submission", "score", "grade", "passed", "failed", "flaky", "warned", "skipped", "seconds",
    "problem", "defects",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .3rem .6rem; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
"""


def as_csv(rows: Sequence[Row]) -> str:
    """One line each, with a heading."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_safe(cell) for cell in _cells(row)])
    return out.getvalue()


def as_text(rows: Sequence[Row]) -> str:
    """For a terminal."""
    width = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        problem = f"  {shown(row.problem)}" if row.problem else ""
        lines.append(f"{shown(row.name):<{width}}  {graded(row.score, row.grade)}{problem}")
    defects = [
        f"{count:>4}  {defect.title} ({defect.id})" for defect, count in common_defects(rows)
    ]
    if defects:
        lines += ["", "The most common defects", *defects]
    return "\n".join([*lines, ""])


def as_html(rows: Sequence[Row]) -> str:
    """One page that needs nothing else."""
    body = "".join(f"<tr>{_html_cells(row)}</tr>\n" for row in rows)
    defects = "".join(
        f'<tr><td class="n">{count}</td><td>{escape(defect.title)}</td>'
        f"<td>{escape(defect.mend)}</td></tr>\n"
        for defect, count in common_defects(rows)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Faultwire: {len(rows)} submissions</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{len(rows)} submissions</h1>\n"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"
        "<h2>The most common defects</h2>\n<table><thead><tr>"
        '<th scope="col">submissions</th><th scope="col">defect</th><th scope="col">mending</th>'
        f"</tr></thead><tbody>\n{defects}</tbody></table>\n</body></html>\n"
    )


TABLES: Mapping[str, Callable[[Sequence[Row]], str]] = MappingProxyType(
    {"terminal": as_text, "csv": as_csv, "html": as_html}
)
"""By the name of `--format`."""


def _cells(row: Row) -> list[str]:
    counts = (row.passed, row.failed, row.flaky, row.warned, row.skipped)
    return [
        row.name,
        "" if row.score is None else f"{row.score:g}",
        row.grade,
        *map(str, counts),
        f"{row.duration_s:.1f}",
        shown(row.problem),
        "; ".join(defect.id for defect in row.defects),
    ]


def _safe(cell: str) -> str:
    """A spreadsheet takes some texts for formulas (CWE-1236); a dash alone is none."""
    return f"'{cell}" if cell.startswith(_FORMULA) and len(cell) > 1 else cell


def _html_cells(row: Row) -> str:
    numbers = range(_COLUMNS.index("passed"), _COLUMNS.index("problem"))
    return "".join(
        f'<td class="n">{escape(cell)}</td>' if place in numbers else f"<td>{escape(cell)}</td>"
        for place, cell in enumerate(_cells(row))
    )
