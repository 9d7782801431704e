"""A target and what was measured: held or missed."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.numbers import table


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: `value` is None if the session did not measure it."""

    claim: str
    value: float | None
    limit: float
    at_most: bool
    unit: str

    @property
    def word(self) -> str:
        """Say held, missed or not measured."""
        if self.value is None:
            return "not measured"
        held = self.value <= self.limit if self.at_most else self.value >= self.limit
        return "held" if held else "missed"

    @property
    def measured(self) -> str:
        """Return the value with its unit."""
        return "-" if self.value is None else f"{self.value:.2f}{self.unit}"


def verdict_table(head: str, verdicts: Sequence[Verdict]) -> str:
    """Return the targets as a table; `head` is the heading of their column."""
    rows = [(verdict.claim, verdict.measured, verdict.word) for verdict in verdicts]
    return table((head, "measured", ""), rows)
