"""A picture in SVG: a row of bars for each subject, a column for each figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.report.numbers import number

NAMES_WIDTH, COLUMN_WIDTH, BAR_WIDTH = 190, 180, 105
TOP, ROW_HEIGHT, BAR_HEIGHT, FOOT = 96, 34, 18, 44
INK, FAINT, OTHERS, ACCENT, PAPER = "#1f2933", "#616e7c", "#9fb3c8", "#d9480f", "#ffffff"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure: its heading, what is good, and its value for each row."""

    heading: str
    better: str
    values: Sequence[float | None]


def bars(
    title: str, foot: str, rows: Mapping[str, str], columns: Sequence[Column], ours: str
) -> str:
    """Return the SVG text. `rows` gives each subject's title; that of `ours` stands out."""
    width = NAMES_WIDTH + COLUMN_WIDTH * len(columns)
    height = TOP + ROW_HEIGHT * len(rows) + FOOT
    accents = [name == ours for name in rows]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
        f' viewBox="0 0 {width} {height}" role="img" font-family="system-ui, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        _text(20, 32, title, size=17, weight=600),
        *(_text(20, _middle(row), words) for row, words in enumerate(rows.values())),
        *(_column(place, column, accents) for place, column in enumerate(columns)),
        _text(20, height - 18, foot, colour=FAINT, size=12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _column(place: int, column: Column, accents: Sequence[bool]) -> str:
    left = NAMES_WIDTH + COLUMN_WIDTH * place
    longest = max((value for value in column.values if value is not None), default=0) or 1
    parts = [
        _text(left, TOP - 30, column.heading, weight=600),
        _text(left, TOP - 13, column.better, colour=FAINT, size=11),
        *(
            _bar(left, row, value, longest, accent=accents[row])
            for row, value in enumerate(column.values)
        ),
    ]
    return "\n".join(parts)


def _bar(left: int, row: int, value: float | None, longest: float, *, accent: bool) -> str:
    """Draw one bar, at least a line wide, and its value at its end."""
    length = 0.0 if value is None else max(1.5, BAR_WIDTH * value / longest)
    colour = ACCENT if accent else OTHERS
    top = TOP + ROW_HEIGHT * row + (ROW_HEIGHT - BAR_HEIGHT) // 2
    bar = (
        f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}" '
        f'rx="1.5" fill="{colour}"/>'
    )
    weight = 600 if accent else 400
    return bar + _text(left + length + 6, _middle(row), number(value), weight=weight)


def _middle(row: int) -> float:
    return TOP + ROW_HEIGHT * (row + 0.5) + 4.5


def _text(
    x: float, y: float, words: str, *, colour: str = INK, size: int = 13, weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )
