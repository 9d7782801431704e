"""Figures as words: three telling digits, counted nouns, tables in Markdown."""

from collections.abc import Sequence


def number(value: float | None) -> str:
    """Return three telling digits: 12,345, 123, 12.3, 1.23, 0.123."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def counted(count: int, noun: str) -> str:
    """Return `1 round`, `3 rounds`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its first column to the left and the others to the right."""
    rule = ["---", *["---:" for _ in heads[1:]]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))
