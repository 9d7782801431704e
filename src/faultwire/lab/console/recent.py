"""The last lines of one service's log, and those that are new since the page was last told."""

from collections import deque
from typing import Any

from faultwire.lab.console.reading import Line

_HELD = 150
_AT_ONCE = 30

Json = dict[str, Any]


class Recent:
    """Holds the last lines. `count` is how many there have been."""

    def __init__(self) -> None:
        self.count = 0
        self._lines: deque[Line] = deque(maxlen=_HELD)
        self._told = 0

    def add(self, line: Line) -> None:
        """One more line."""
        self.count += 1
        self._lines.append(line)

    def all(self) -> Json:
        """Every line that is held."""
        return {"lines": [_shown(line) for line in self._lines], "missed": 0}

    def new(self) -> Json | None:
        """The newest of those not yet told, and how many of them are left out; None if none."""
        fresh, self._told = self.count - self._told, self.count
        if not fresh:
            return None
        some = min(fresh, _AT_ONCE, len(self._lines))
        lines = [self._lines[at] for at in range(-some, 0)]
        return {"lines": [_shown(line) for line in lines], "missed": fresh - some}


def _shown(line: Line) -> list[str]:
    return [line.text, line.request_id]
