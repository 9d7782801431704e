"""One process of the system under watch: started, listened to, told to stop, buried."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from faultwire.lab.lines import LineSplitter
from faultwire.lab.plan import Plan

_READ_BYTES = 64 << 10
_LAST_WORDS_S = 0.5


Show = Callable[[str, Sequence[bytes]], None]
"""Where lines go: the name of the process, and the lines without their newlines."""

_CAN_PAUSE = hasattr(signal, "SIGSTOP") and hasattr(os, "killpg")
_GROUP_OF_ITS_OWN: dict[str, Any] = (
    {"preexec_fn": os.setpgrp} if hasattr(os, "setpgrp") else {}  # uvloop has no `process_group`
)


class Child:
    """A process of ours, from its start on. Its output goes to `show`.

    It runs in a process group of its own, so that the terminal's Ctrl+C reaches it only through
    us, once; and it ends when its standard input does, so that it never outlives us. One that is
    frozen cannot see that. But its group is in our session, and we are its only parent there: if
    we die the group is orphaned, and the system wakes all in it, whoever froze them (POSIX,
    `_exit`: SIGHUP, then SIGCONT, to an orphaned group with a stopped member).
    """

    def __init__(self, plan: Plan, process: asyncio.subprocess.Process, show: Show) -> None:
        self.plan = plan
        self.pid = process.pid
        self.is_ready = False
        self._process = process
        self._show = show
        self.exited = asyncio.create_task(self._run())

    @classmethod
    async def start(cls, plan: Plan, show: Show) -> "Child":
        """Start the process. -P: what lies in the current folder is not imported."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "faultwire", *plan.command, "--until-eof"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **_GROUP_OF_ITS_OWN,
        )
        return cls(plan, process, show)

    @property
    def code(self) -> int:
        """The exit status, once `exited`: negative for a signal."""
        return self.exited.result()

    def stop(self, *, graceful: bool) -> None:
        """Ask it to end: with SIGTERM's grace, or at once as Ctrl+C does.

        Before it is ready a SIGINT would find Python importing, and print a traceback; the end
        of its input waits until it is noticed. Windows has no other way.
        """
        if self.exited.done():
            return
        if os.name == "nt" or not (self.is_ready or graceful):
            if self._process.stdin is not None:
                self._process.stdin.close()
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM if graceful else signal.SIGINT)
        self.resume()

    def pause(self) -> None:
        """Freeze it and its workers: its port still accepts connections, and nobody reads them."""
        if _CAN_PAUSE:
            self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, whoever froze it."""
        if _CAN_PAUSE:
            self._signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """End it now, and its workers. Safe in a signal handler."""
        if hasattr(os, "killpg"):
            self._signal_all(signal.SIGKILL)
        elif not self.exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.kill()

    def _signal_all(self, number: int) -> None:
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def _run(self) -> int:
        """Show its output until it ends; the exit status."""
        reading = asyncio.create_task(self._show_output())
        code = await self._process.wait()
        await asyncio.wait({reading}, timeout=_LAST_WORDS_S)  # a grandchild may hold the pipe
        reading.cancel()
        return code

    async def _show_output(self) -> None:
        splitter = LineSplitter()
        try:
            while (out := self._process.stdout) and (data := await out.read(_READ_BYTES)):
                self._show(self.plan.name, splitter.feed(data))
        finally:
            self._show(self.plan.name, splitter.end())
