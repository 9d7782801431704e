"""Where a server's connection stands, and for how long it has stood there."""

from enum import IntEnum, auto


class State(IntEnum):
    """Where a connection stands. Every state but BUSY has a time limit."""

    IDLE = auto()
    READING_HEAD = auto()
    READING_BODY = auto()
    BUSY = auto()
    STALLED = auto()
    """The client does not read its answer."""
    ENDING = auto()
    """The last answer is sent, and what still comes is not looked at."""


class Stay:
    """How long a connection has been in a state for the same message, counted in ticks."""

    __slots__ = ("_message", "_state", "_ticks")

    def __init__(self) -> None:
        self._state: State | None = None  # at the last tick
        self._message: object = None
        self._ticks = 0

    def tick(self, state: State, message: object) -> int:
        """One tick has passed: for how many it is in this state now."""
        if state is self._state and message is self._message:
            self._ticks += 1
        else:
            self._state, self._message = state, message
            self._ticks = 0
        return self._ticks

    def ticks(self, message: object) -> int:
        """For how many ticks it had been there at the last one; 0 for a message that is new."""
        return self._ticks if message is self._message else 0

    def begin_anew(self) -> None:
        """Something has moved on: the time counts from the next tick."""
        self._state = None
