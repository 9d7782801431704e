"""How late this machine is: what a timer that should have rung already tells."""

import asyncio
from collections import deque
from time import monotonic
from typing import Self

_EVERY_S = 0.05
_REMEMBERED_S = 3.0


class Lag:
    """Measures while it runs as a context manager. The target shares the machine, and its load."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def worst_s(self) -> float:
        """The longest that a timer has been late in the last three seconds."""
        return max((late_s for _, late_s in self._late), default=0.0)

    async def _measure(self) -> None:
        while True:
            due = monotonic() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            now = monotonic()
            self._late.append((now, max(now - due, 0.0)))
            while self._late[0][0] < now - _REMEMBERED_S:
                self._late.popleft()
