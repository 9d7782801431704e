"""Whole lines to a descriptor, each at once, and a bounded backlog when its reader stalls.

One line is one `write`: none is lost when the process dies, and up to 4 KiB they do not mix
with those of other processes. What finds no room waits in the backlog; beyond its bound whole
lines are dropped and counted, and a line that says how many stands where they are missing.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from faultwire.telemetry.descriptor import Descriptor

MAX_BACKLOG_BYTES = 1 << 20
_LINES_PER_TURN = 256


class _Waiting(NamedTuple):
    """What is left of some lines, and how many are missing if it is lost."""

    data: bytes
    stands_for: int
    is_gap: bool


def _lines(data: bytes) -> _Waiting:
    return _Waiting(data, data.count(b"\n"), is_gap=False)


class LineWriter:
    """Writes lines to `fd`; `gap(count)` makes the line that says how many are missing.

    What is written is one line or several, each ended by a newline. Nothing here raises or waits,
    whatever the reader does; what cannot be written at all (a full disk, a reader that has gone)
    is dropped.
    """

    def __init__(
        self, fd: int, gap: Callable[[int], bytes], max_backlog_bytes: int = MAX_BACKLOG_BYTES
    ) -> None:
        self._out = Descriptor(fd)
        self._gap = gap
        self._max = max_backlog_bytes
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._head_is_torn = False  # a part of the first waiting line is already written
        self._tail_is_torn = False  # what was written last is a line without its end
        self._said = 0
        self._unsaid = 0

    @property
    def dropped(self) -> int:
        """How many lines are lost in all."""
        return self._said + self._unsaid

    @property
    def waiting_bytes(self) -> int:
        """How much is in the backlog."""
        return self._waiting_bytes

    def write(self, line: bytes) -> None:
        """Write the line now, or keep it for later, or drop it."""
        if self._waiting or self._unsaid:
            self._queue(line)
            return
        try:
            written = self._out.write(line)
        except BlockingIOError:
            written = 0
        except OSError:
            self._unsaid = line.count(b"\n")
            return
        if written != len(line):
            self._keep(_lines(line[written:]))
            self._head_is_torn = written > 0

    def flush(self, timeout_s: float = 0.0) -> bool:
        """Try the backlog again, for so long at most. True if nothing is left to be written."""
        end = time.monotonic() + timeout_s
        while True:
            self._drain()
            self._say()
            self._drain()
            left = end - time.monotonic()
            if not self._waiting or left <= 0:
                return not self._waiting and not self._unsaid
            self._out.wait(left)

    def close(self, timeout_s: float = 0.0) -> bool:
        """Flush, and let go of the descriptor. Lines written later are dropped."""
        done = self.flush(timeout_s)
        self._out.close()
        return done

    def _queue(self, line: bytes) -> None:
        self._drain()
        self._say()
        if self._unsaid or self._waiting_bytes + len(line) > self._max:
            self._unsaid += line.count(b"\n")
            return
        self._keep(_lines(line))
        self._drain()

    def _say(self) -> None:
        """Mark the gap, once the backlog is half empty: not after every few lines."""
        if not self._unsaid or self._waiting_bytes > self._max // 2:
            return
        self._keep(_Waiting(self._gap(self._unsaid), self._unsaid, is_gap=True))
        self._said += self._unsaid
        self._unsaid = 0

    def _keep(self, line: _Waiting) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line.data)

    def _drain(self) -> None:
        """Write from the backlog until there is no room, or for one turn."""
        for _ in range(min(len(self._waiting), _LINES_PER_TURN)):
            line = self._waiting[0]
            if self._tail_is_torn:
                line = line._replace(data=b"\n" + line.data)
            try:
                written = self._out.write(line.data)
            except BlockingIOError:
                return
            except OSError:
                self._lose()
                return
            self._advance(line, written)
            if self._head_is_torn:
                return

    def _advance(self, line: _Waiting, written: int) -> None:
        self._tail_is_torn = False
        self._waiting_bytes -= len(self._waiting[0].data)
        rest = line.data[written:]
        self._head_is_torn = bool(rest)
        if rest:
            self._waiting[0] = line._replace(data=rest, stands_for=rest.count(b"\n"))
            self._waiting_bytes += len(rest)
        else:
            self._waiting.popleft()

    def _lose(self) -> None:
        """The reader has gone, and with it all that waited."""
        for line in self._waiting:
            self._unsaid += line.stands_for
            self._said -= line.stands_for if line.is_gap else 0
        self._tail_is_torn = self._tail_is_torn or self._head_is_torn
        self._head_is_torn = False
        self._waiting.clear()
        self._waiting_bytes = 0
