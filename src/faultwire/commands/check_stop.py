"""Ctrl+C while a check runs, and a terminal that closes."""

import asyncio
import os
import signal
from time import monotonic
from typing import Any

_ECHO_S = 0.1
_SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


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
        for number in _SIGNALS:
            if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.status == 128 + number and monotonic() - self._asked_at < _ECHO_S:
            return  # `timeout` signals a process and then its group
        if self.status:
            os._exit(128 + number)  # the keepers end what was started
        self._asked_at = monotonic()
        self.status = 128 + number
        self._loop.call_soon_threadsafe(self.event.set)
