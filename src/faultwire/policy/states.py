"""Where a call may be, and every way from one place to another."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a call is."""

    NEW = "new"
    QUEUED = "queued"
    READY = "ready"
    FLYING = "flying"
    BACKING_OFF = "backing_off"
    DONE = "done"
    FAILED = "failed"


class Signal(StrEnum):
    """What changes where a call is."""

    REFUSED = "refused"
    QUEUED = "queued"
    ADMITTED = "admitted"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    RETRY_GRANTED = "retry_granted"
    DELAY_OVER = "delay_over"
    GIVEN_UP = "given_up"


TABLE: Mapping[State, Mapping[Signal, State]] = MappingProxyType(
    {
        State.NEW: {
            Signal.REFUSED: State.FAILED,
            Signal.QUEUED: State.QUEUED,
            Signal.ADMITTED: State.READY,
        },
        State.QUEUED: {Signal.ADMITTED: State.READY, Signal.REFUSED: State.FAILED},
        State.READY: {Signal.STARTED: State.FLYING, Signal.REFUSED: State.FAILED},
        State.FLYING: {
            Signal.SUCCEEDED: State.DONE,
            Signal.RETRY_GRANTED: State.BACKING_OFF,
            Signal.GIVEN_UP: State.FAILED,
        },
        State.BACKING_OFF: {Signal.DELAY_OVER: State.READY},
        State.DONE: {},
        State.FAILED: {},
    }
)
"""Every change of state there is."""
