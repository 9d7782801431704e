"""Ending early: SIGTERM and Ctrl+C still stop what was started."""

import signal
import sys
from types import FrameType


def leave_in_order() -> None:
    """From now on both signals raise in the main thread, so that every `finally` runs."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)
