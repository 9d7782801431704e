"""Explanations and their summary for programs: one document, or one object a line."""

from collections.abc import Callable

import msgspec

from faultwire.explain.diagnosis import Case, Diagnosis
from faultwire.explain.explanation import Explanation, describe
from faultwire.explain.summary import Summary

VERSION = 1
"""Grows when a key is taken away or changes its meaning."""

_encode = msgspec.json.Encoder().encode


class JsonReport:
    """Writes the first `limit` explanations (0: all) as they are told, then the summary.

    As one document `{"version":1,"explanations":[…],"summary":{…}}`; with `lines`, each
    explanation is a line of its own and the last line is `{"summary":{…}}`.
    """

    def __init__(self, write: Callable[[str], object], limit: int, *, lines: bool = False) -> None:
        self._write = write
        self._limit = limit
        self._lines = lines
        self._told = 0
        self._begun = False

    def tell(self, case: Case, found: Diagnosis, joined: str) -> None:
        """One more request."""
        if not self._limit or self._told < self._limit:
            self._show(describe(case, found, joined))

    def draw(self, found: list[Explanation]) -> None:
        """The requests that were asked for, and nothing else."""
        document = {"version": VERSION, "explanations": found}
        self._write(f"{_encode(document).decode()}\n")

    def _show(self, found: Explanation) -> None:
        text = _encode(found).decode()
        if self._lines:
            self._write(f"{text}\n")
        else:
            self._begin()
            self._write(f",\n{text}" if self._told else f"\n{text}")
        self._told += 1

    def end(self, summary: Summary) -> None:
        """What all of it comes to."""
        text = _encode(summary).decode()
        if self._lines:
            self._write(f'{{"summary":{text}}}\n')
        else:
            self._begin()
            self._write(f'\n],"summary":{text}}}\n')

    def _begin(self) -> None:
        """Nothing is written before there is something to say: a log may be unreadable."""
        if not self._begun:
            self._begun = True
            self._write(f'{{"version":{VERSION},"explanations":[')
