"""A service that the check starts itself: ready when it says so, measured, stopped, restarted."""

import asyncio
import signal
from collections.abc import Callable
from time import monotonic
from typing import NoReturn

import psutil

from faultwire.check.asking import ask
from faultwire.check.stage import CannotPlay
from faultwire.check.target.child import Child
from faultwire.check.target.launch import Launch
from faultwire.check.target.output import Output
from faultwire.check.target.ports import HOSTS, host_on
from faultwire.http.address import Origin

_POLL_S = 0.02
_ONE_TRY_S = 2.0
_GRACE_S = 0.5
_FREE_S = 5.0
_LAST_LINES = 20


class NotStarted(Exception):
    """A service does not start. `lines` are the last ones of its output."""

    def __init__(self, sentence: str, lines: list[str] | None = None) -> None:
        super().__init__(sentence)
        self.lines = lines or []


class Service:
    """Runs a `Launch` as often as needed. `name` is for sentences: "B", "A".

    It listens on `host`, which is known once it is ready. One whose health route never answered at
    its first start is ready from then on when it listens.
    """

    def __init__(self, name: str, launch: Launch) -> None:
        self.name = name
        self.launch = launch
        self.output = Output()
        self.host = HOSTS[0]
        self.starts = 0
        self._child: Child | None = None
        self._paused = False
        self._listens_only = False

    @property
    def url(self) -> str:
        """Where it is asked."""
        return Origin(self.host, self.launch.port).url

    async def start(self) -> None:
        """Start it, and return when it is ready. Raises `NotStarted`."""
        await self._until_free()
        self.starts += 1
        launch = self.launch
        try:
            self._child = await Child.start(
                launch.command, cwd=launch.cwd, env=launch.env, output=self.output
            )
            await self._until_ready(self._child)
        except (OSError, TimeoutError) as error:
            await self.kill()
            raise NotStarted(f"{self.name} could not be started: {error}") from error
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End it, in good order where it is quick about that. Safe at any time."""
        if self._child is not None:
            self.resume()
            await self._child.stop(_GRACE_S)
            self._child = None

    async def kill(self) -> None:
        """End it now."""
        child, self._child, self._paused = self._child, None, False
        if child is not None:
            await child.kill()

    async def restart(self) -> None:
        """Kill it, start it anew, and return when it is ready. Raises `NotStarted`."""
        await self.kill()
        await self.start()

    async def terminate(self, within_s: float) -> int | None:
        """Ask it to end; its exit status, None if it still lives in the end (and is killed)."""
        child = self._child
        if child is None:
            return None
        child.terminate(self.launch.stop_signal)
        await child.wait(within_s)
        code = child.code
        await self.kill()
        return code

    def pause(self) -> None:
        """Let it neither answer nor end."""
        if not hasattr(signal, "SIGSTOP"):
            raise CannotPlay("a process cannot be paused on this system")
        if self._child is not None:
            self._paused = True
            self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self._paused and self._child is not None:
            self._paused = False
            self._child.signal(signal.SIGCONT)

    def alive(self) -> bool:
        """Whether it, or what it left behind, runs."""
        return self._child is not None and self._child.alive()

    async def died(self, notice_s: float) -> str:
        """How it ended by itself, in words; empty while it lives.

        One that is ending just now may take so long to be noticed.
        """
        if self._child is not None:
            await self._child.wait(notice_s)
        return "" if self.alive() else self.ending()

    def ending(self) -> str:
        """How it ended, in words; empty while it lives."""
        child = self._child
        if child is None or not child.ended.is_set():
            return ""
        if child.code is None:
            return child.failed or "it ended"
        if child.code < 0:
            return f"it was ended by signal {-child.code}"
        return f"it ended with exit status {child.code}"

    # What it uses.

    def memory_bytes(self) -> int:
        """Resident memory of all its processes."""
        return sum(_measured(each, _resident) for each in self._processes())

    def descriptors(self) -> int | None:
        """Open descriptors of all its processes, None where that cannot be told."""
        if not hasattr(psutil.Process, "num_fds"):
            return None
        return sum(_measured(each, lambda p: int(p.num_fds())) for each in self._processes())

    def connections_to(self, port: int) -> int | None:
        """Its established TCP connections to a port."""
        return sum(_measured(each, lambda p: _connected(p, port)) for each in self._processes())

    def _processes(self) -> list[psutil.Process]:
        return [] if self._child is None else self._child.processes()

    # Starting.

    async def _until_free(self) -> None:
        """The port of one that has just ended may be held for a moment by what it left."""
        port = self.launch.port
        end = monotonic() + (_FREE_S if self.starts else 0.0)
        while port and await host_on(port):
            if monotonic() >= end:
                raise NotStarted(
                    f"{self.name} cannot be started: port {port} is taken; stop what uses it"
                )
            await asyncio.sleep(_POLL_S)

    async def _until_ready(self, child: Child) -> None:
        launch = self.launch
        end = monotonic() + launch.within_s
        while not await self._is_ready():
            if not child.alive():
                await child.kill()  # its last words are read then
                self._give_up(f"{self.name} does not start: {self._why(child)}")
            if monotonic() >= end:
                if launch.ready == "tcp" and await host_on(launch.port):
                    self._listens_only = True  # what is wrong with it, the scenarios say
                    return
                where = f"port {launch.port}" if launch.port else "its port"
                self._give_up(f"{self.name} is not ready on {where} after {launch.within_s:g} s")
            await asyncio.sleep(_POLL_S)

    async def _is_ready(self) -> bool:
        host = await host_on(self.launch.port)
        if not host:
            return False
        self.host = host
        if self.launch.ready == "tcp":
            return await self._serves()
        answer = await ask(self.url, target=self.launch.ready, timeout_s=_ONE_TRY_S)
        return 0 < answer.status < 500

    async def _serves(self) -> bool:
        """Whether the health route gives any answer at all.

        One that listens may not serve yet: gunicorn's workers load their program behind a port
        that is open already.
        """
        if self._listens_only or not self.launch.health:
            return True
        answer = await ask(self.url, target=self.launch.health, timeout_s=_ONE_TRY_S)
        return not answer.error.startswith("timeout")

    def _why(self, child: Child) -> str:
        return child.failed or self.ending() or "it ended"

    def _give_up(self, sentence: str) -> NoReturn:
        raise NotStarted(sentence, self.output.last(_LAST_LINES))


def _measured(process: psutil.Process, measure: Callable[[psutil.Process], int]) -> int:
    try:
        return measure(process)
    except psutil.Error:
        return 0  # it ended in this moment


def _resident(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _connected(process: psutil.Process, port: int) -> int:
    return sum(
        each.status == psutil.CONN_ESTABLISHED and bool(each.raddr) and each.raddr.port == port
        for each in process.net_connections("tcp")
    )
