"""One command as a process of ours, kept by `keeper.py`: its output, its signals, its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from faultwire.check.target.output import Output

_KEEPER = Path(__file__).with_name("keeper.py")
_READ_BYTES = 1 << 20
_PATIENCE_S = 15.0
_POLL_S = 0.02
_LAST_WORDS_S = 1.0
_TERM = signal.SIGTERM


class Child:
    """A command from its start on. Use `start`.

    `ended` is set when the command itself has; processes that it left behind may live on, and
    are ended by `kill` all the same. `code` is its exit status then, negative for a signal.
    """

    def __init__(
        self, keeper: asyncio.subprocess.Process, out: asyncio.StreamReader | None, output: Output
    ) -> None:
        self.pid = 0
        self.code: int | None = None
        self.failed = ""
        self.ended = asyncio.Event()
        self._started = asyncio.Event()
        self._closing = ExitStack()
        self._keeper = keeper
        self._output = output
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read(out))]

    @classmethod
    async def start(
        cls, command: Sequence[str], *, cwd: str, env: Mapping[str, str], output: Output
    ) -> "Child":
        """Start a command. Where that cannot be done, it has `ended`, and `failed` says why."""
        with ExitStack() as stack:
            out, stdout = await _pipe(stack)
            try:
                keeper = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", str(_KEEPER), cwd, *command),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=stdout,
                    stderr=asyncio.subprocess.PIPE,
                    env=dict(env),
                    start_new_session=True,
                    limit=_READ_BYTES,
                )
            finally:
                if out is not None:
                    os.close(stdout)
            child = cls(keeper, out or keeper.stdout, output)
            child._closing = stack.pop_all()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await child._started.wait()
        except BaseException:
            await child.kill()
            raise
        return child

    def alive(self) -> bool:
        """Whether the command, or a process that it left behind, still runs."""
        return not self.ended.is_set() or bool(self.processes())

    def processes(self) -> list[psutil.Process]:
        """The command's process and all below it that run."""
        if self._keeper.returncode is not None:
            return []
        try:
            found = psutil.Process(self._keeper.pid).children(recursive=True)
        except psutil.Error:
            return []
        return [each for each in found if _runs(each)]

    def signal(self, number: int) -> None:
        """Send a signal to the command and all that it started."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error, ValueError):
                process.send_signal(number)

    def terminate(self, number: int = _TERM) -> None:
        """Ask it to end: a signal to its process group, as a supervisor does."""
        if os.name == "nt":
            self.signal(number)
        elif not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def wait(self, within_s: float) -> bool:
        """Whether the command, and what it left behind, ends within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                await self.ended.wait()
                while self.processes():  # noqa: ASYNC110 - children of others set no Event
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return False
        return True

    async def stop(self, grace_s: float) -> None:
        """Ask it to end, and kill what is left of it after `grace_s`."""
        try:
            self.terminate()
            await self.wait(grace_s)
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End it now, with all that it has started. Returns when they are gone."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        gone = asyncio.ensure_future(self._keeper.wait())
        try:
            await asyncio.wait({gone}, timeout=_PATIENCE_S)
        finally:
            if not gone.done():
                gone.cancel()
                self._kill_by_hand()
            await self._end_tasks()
            self._closing.close()
            self._output.end()
            self.ended.set()
            await asyncio.sleep(0)  # transports are gone in the loop's next round

    def _kill_by_hand(self) -> None:
        """The keeper did not do its work in time, or nobody waits for it."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ProcessLookupError):
            self._keeper.kill()

    async def _end_tasks(self) -> None:
        await asyncio.wait(self._tasks, timeout=_LAST_WORDS_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        """What the keeper says of the command."""
        said = self._keeper.stderr
        try:
            while said is not None and (line := await said.readline()):
                word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
                if word == "pid":
                    self.pid = int(rest)
                elif word == "exit":
                    self.code = int(rest)
                    self.ended.set()
                elif word == "failed":
                    self.failed = rest
                self._started.set()
        finally:
            self.ended.set()
            self._started.set()

    async def _read(self, out: asyncio.StreamReader | None) -> None:
        while out is not None and (data := await out.read(_READ_BYTES)):
            self._output.feed(data)


async def _pipe(stack: ExitStack) -> tuple[asyncio.StreamReader | None, int]:
    """Where to read what a process writes, and what to give it for its standard output.

    A pipe of our own: event loops take sockets, which nobody can open as /dev/stdout.
    """
    if os.name == "nt":
        return None, asyncio.subprocess.PIPE
    ours, theirs = os.pipe()
    file = os.fdopen(ours, "rb", 0)
    out = asyncio.StreamReader(_READ_BYTES)
    try:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(out), file)
    except BaseException:
        os.close(theirs)
        file.close()
        raise
    stack.callback(transport.close)
    return out, theirs


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
