"""When a process is to stop: the first signal asks, the second insists.

RUNNING --SIGTERM--> DRAINING, with grace --any signal--> gone, status 128 + signal
   |                                                          ^
   +--SIGINT, SIGHUP, end of the watched input--> DRAINING ---+
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # SIGBREAK: Windows' SIGTERM
    if hasattr(signal, name)
)
GRACEFUL = ("SIGTERM", "SIGBREAK")
_ECHO_S = 0.1


def take_over(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Handle every signal that stops, but for a SIGHUP that is ignored: `nohup` means it.

    Says what handled them before.
    """
    return {
        number: signal.signal(number, handler)
        for number in STOP_SIGNALS
        if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN
    }


def is_echo(first: object, asked_at: float, again: object) -> bool:
    """Whether a signal is the first one once more, which came at `asked_at` (monotonic seconds).

    `timeout` sends its signal to a process and then to the process's group: twice within some
    microseconds. Nobody's fingers are as quick.
    """
    return again == first and monotonic() - asked_at < _ECHO_S


def leave(number: int) -> None:
    """End at once, whatever is unfinished; a shell's status for a signal."""
    os._exit(128 + number)


def stay(_number: int) -> None:
    """Go on draining. So does a worker: its terminal and its parent may send it the same Ctrl+C."""


class StopRequest:
    """Who asked this process to stop, once somebody has.

    `insisted` is told the number of every further signal.
    """

    def __init__(self, insisted: Callable[[int], None] = leave) -> None:
        self.reason = ""
        self.insisted = insisted
        self._asked_at = 0.0
        self._asked: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def graceful(self) -> bool:
        """Whether there is time for others to notice before the service stops accepting."""
        return self.reason in GRACEFUL

    def listen_to_signals(self) -> None:
        """Take the signals over, in the main thread.

        Not by the event loop's own handlers: Windows has none, and a loop that is stuck could
        not be ended by them.
        """
        take_over(self._on_signal)

    def watch(self, fd: int, reason: str) -> None:
        """Stop when `fd` reaches its end: whoever holds the other side has gone."""
        threading.Thread(target=self._read, args=(fd, reason), daemon=True).start()

    async def wait(self) -> None:
        """Return when somebody has asked."""
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if not self.reason:
            await self._asked.wait()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.reason and not is_echo(self.reason, self._asked_at, name):
            self.insisted(number)
        self._ask(name)

    def _ask(self, reason: str) -> None:
        if self.reason:
            return
        self.reason, self._asked_at = reason, monotonic()
        if self._loop is not None and self._asked is not None:
            # Also from the main thread: a signal handler runs while the loop may be asleep.
            self._loop.call_soon_threadsafe(self._asked.set)

    def _read(self, fd: int, reason: str) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # they wake the main thread
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass  # closed at start: as good as its end
        self._ask(reason)
