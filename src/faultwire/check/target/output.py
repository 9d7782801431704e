"""What a process writes: the last lines with their times, however much it writes."""

import asyncio
from collections import deque
from itertools import islice
from time import time
from typing import NamedTuple

MOST_LINES = 4000
MOST_LINE_BYTES = 4096
_MOST_BYTES_PER_S = 4 << 20


class Line(NamedTuple):
    """One line of output; `at` is in seconds since 1970."""

    at: float
    text: str


class Output:
    """A bounded ring of lines.

    A process that floods its output is read all the same, or it would stand still; what comes
    beyond 4 MiB in a second is counted in `dropped_bytes` and not looked at.
    """

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=MOST_LINES)
        self._rest = b""
        self._second = 0
        self._room = 0
        self._more = asyncio.Event()
        self.count = 0
        self.dropped_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take a piece of output."""
        now = time()
        if int(now) != self._second:
            self._second, self._room = int(now), _MOST_BYTES_PER_S
        self._room -= len(data)
        if self._room < 0:
            self.dropped_bytes += len(data)
            return
        *whole, rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._add(now, line)
        if len(rest) > MOST_LINE_BYTES:
            self._add(now, rest)
            rest = b""
        self._rest = rest

    def end(self) -> None:
        """Nothing more comes: what stands without a newline is a line, too."""
        if self._rest:
            self._add(time(), self._rest)
            self._rest = b""

    def since(self, count: int) -> list[Line]:
        """The lines that came after `count` had come, those of them that are still here."""
        new = min(self.count - count, len(self._lines))
        return list(islice(self._lines, len(self._lines) - new, None))

    def last(self, most: int) -> list[str]:
        """The texts of the last lines."""
        return [line.text for line in self.since(max(self.count - most, 0))]

    async def more(self) -> None:
        """Return when another line has come."""
        self._more.clear()
        await self._more.wait()

    def _add(self, now: float, line: bytes) -> None:
        text = line[:MOST_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
        self._lines.append(Line(now, text))
        self.count += 1
        self._more.set()
