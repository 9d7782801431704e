"""Places for so many at once; the others stand in line, first come first served."""

import asyncio


class Line:
    """`places` may be in at once. Whoever has entered must leave, once."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: dict[asyncio.Future[bool], None] = {}

    async def enter(self, within_s: float | None) -> bool:
        """Wait for a place, within `within_s` seconds if given: whether there was one."""
        if self._free:
            self._free -= 1
            return True
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting[turn] = None
        timer = loop.call_later(within_s, self._too_late, turn) if within_s is not None else None
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()  # the turn had come in the same moment
            raise
        finally:
            self._waiting.pop(turn, None)
            if timer is not None:
                timer.cancel()

    def leave(self) -> None:
        """The place is the next one's."""
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(True)
                return
        self._free += 1

    def _too_late(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            turn.set_result(False)
