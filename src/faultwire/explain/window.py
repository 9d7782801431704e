"""The last blocks of all logs: where the other lines of a failed request are looked for."""

import re
from collections import deque
from collections.abc import Iterator

from faultwire.explain.block import Block, id_key
from faultwire.explain.entry import Entry

MAX_BYTES = 32 << 20
MAX_BLOCKS = 4096
"""Whoever follows a log gets it in small pieces."""
_SLACK_S = 1.0


class Window:
    """Blocks in the order in which they came, as many as the bound allows."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._size = 0
        self._blocks: deque[Block] = deque()

    def add(self, block: Block) -> None:
        """Keep a block."""
        self._blocks.append(block)
        self._size += len(block.data)

    @property
    def is_full(self) -> bool:
        """Whether a block must go."""
        return self._size > self._max or len(self._blocks) > MAX_BLOCKS

    def oldest_time(self) -> float:
        """The end of the block that goes next."""
        return self._blocks[0].last if self._blocks else 0.0

    def drop_oldest(self) -> None:
        """Let the oldest block go."""
        self._size -= len(self._blocks.popleft().data)

    def with_id(
        self,
        request_id: str,
        start: float,
        end: float,
        close: tuple[float, float],
        slack: float = _SLACK_S,
    ) -> list[Entry]:
        """The lines of a request id written in this time (or at a time that they do not say).

        An id that very many requests share is looked for in the time `close` only. `slack` is how
        far a line is looked for from its place in the order of time.
        """
        key = id_key(request_id)
        found: list[Entry] = []
        for block in self._overlapping(start, end, slack):
            if lines := block.with_id(request_id, key, close):
                found += [e for e in lines if not e.end or start <= e.end <= end]
        return found

    def between(self, start: float, end: float) -> list[Entry]:
        """Every request that ended in this time."""
        return [e for block in self._overlapping(start, end) for e in block.between(start, end)]

    def slow_between(self, start: float, end: float) -> list[Entry]:
        """Those that took 100 ms or longer."""
        blocks = self._overlapping(start, end)
        return [e for block in blocks for e in block.slow if start <= e.end <= end]

    def mentions(self, words: re.Pattern[bytes], start: float, end: float) -> bool:
        """Whether some line of this time has these words."""
        return any(b.mentions(words, start, end) for b in self._overlapping(start, end))

    def _overlapping(self, start: float, end: float, slack: float = _SLACK_S) -> Iterator[Block]:
        start, end = start - slack, end + slack
        for block in self._blocks:
            if not block.first or (block.first <= end and block.last >= start):
                yield block
