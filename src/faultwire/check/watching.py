"""Those who watch a check from outside: a line on a terminal, a line of JSON per event."""

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TextIO

import msgspec
from rich.cells import set_cell_size

from faultwire.check.model import Result, Target, Verdict
from faultwire.check.report.words import MARKS, shown
from faultwire.check.scenario import Scenario


def _write(stream: TextIO, text: str) -> None:
    """Show it, if anybody looks: a check does not end because its terminal has gone."""
    with suppress(OSError):
        stream.write(text)
        stream.flush()


class JsonLines:
    """One JSON object a line: `progress` with done and total, and `verdict`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def started(self, _target: Target, scenarios: Sequence[Scenario]) -> None:
        self._progress(0, len(scenarios))

    def began(self, scenario: Scenario) -> None:
        """The line of its verdict says all."""

    def verdict(self, result: Result, done: int, total: int) -> None:
        self._write(
            {
                "event": "verdict",
                "id": result.id,
                "title": result.title,
                "group": result.group,
                "verdict": result.verdict,
                "seconds": result.duration_s,
            }
        )
        self._progress(done, total)

    def _progress(self, done: int, total: int) -> None:
        self._write({"event": "progress", "done": done, "total": total})

    def _write(self, event: dict[str, object]) -> None:
        _write(self._stream, msgspec.json.encode(event).decode() + "\n")


class OneLine:
    """One line on a terminal that is written anew: how far it is, what failed, the time left."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width
        self._began = monotonic()
        self._done = self._total = self._failed = 0
        self._now: dict[str, str] = {}

    def started(self, _target: Target, scenarios: Sequence[Scenario]) -> None:
        self._began, self._total = monotonic(), len(scenarios)
        self._show()

    def began(self, scenario: Scenario) -> None:
        self._now[scenario.id] = scenario.title
        self._show()

    def verdict(self, result: Result, done: int, total: int) -> None:
        self._done, self._total = done, total
        self._failed += result.verdict in (Verdict.FAIL, Verdict.FLAKY)
        self._now.pop(result.id, None)
        self._show()

    def clear(self) -> None:
        """Take the line away."""
        _write(self._stream, "\r\x1b[K")

    def _show(self) -> None:
        title = next(reversed(self._now.values()), "")
        failed = f"  {MARKS[Verdict.FAIL]} {self._failed}" if self._failed else ""
        text = shown(f"{self._done}/{self._total}{failed}{self._left()}  {title}")
        _write(self._stream, f"\r{set_cell_size(text, self._width - 1)}")

    def _left(self) -> str:
        """Guessed from the time that those before took."""
        if self._done < 5:
            return ""
        per_s = (monotonic() - self._began) / self._done
        return f"  about {per_s * (self._total - self._done):.0f} s left"
