"""Ctrl+C while a check runs, and a terminal that closes."""

import asyncio
import signal
from time import monotonic
from typing import Any

from faultwire.services.stopping import is_echo, leave, take_over


class Stop:
    """Ctrl+C, SIGTERM, SIGHUP: the first ends the check in good order, the second at once.

    What was found is still written. A SIGHUP that is ignored stays so: `nohup` means it.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.status = 0
        """A shell's status for the signal that came: 130 for Ctrl+C; 0 if none did."""
        self._asked_at = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._before = take_over(self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if is_echo(self.status, self._asked_at, 128 + number):
            return
        if self.status:
            leave(number)  # the keepers end what was started
        self._asked_at = monotonic()
        self.status = 128 + number
        self._loop.call_soon_threadsafe(self.event.set)
