"""Ctrl+C while a check runs."""

import asyncio
import os
import signal
from typing import Any


class Stop:
    """Ctrl+C and SIGTERM: the first ends the check in good order, the second at once."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.status = 0
        """A shell's status for the signal that came: 130 for Ctrl+C; 0 if none did."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.status:
            os._exit(128 + number)  # the keepers end what was started
        self.status = 128 + number
        self._loop.call_soon_threadsafe(self.event.set)
