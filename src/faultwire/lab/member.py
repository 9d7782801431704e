"""A place in the system: one process at a time, which can end and be started again.

DOWN --start--> STARTING --ready--> UP <--pause, resume--> PAUSED
^                  |                |                        |
|                  +---- stop ----> DRAINING <--- stop ------+
+-------------------- it has ended ----+ (from any state)
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from time import time

from faultwire.lab.child import Child, Show
from faultwire.lab.exits import explain_exit
from faultwire.lab.plan import Plan
from faultwire.lab.probe import until_ready

_END_WITHIN_S = 3.0


class State(StrEnum):
    """What a member is doing, in the words of the page."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    PAUSED = "paused"
    DRAINING = "draining"


class CannotAct(Exception):
    """What was asked of a member makes no sense now. The message is one sentence."""


class Member:
    """Runs what `plan` says. `on_change` is told whenever its state is another.

    `said` is why it is down; `wanted` whether somebody asked for that. Once `closed`, it starts
    nothing more.
    """

    def __init__(self, plan: Plan, show: Show, on_change: Callable[["Member"], None]) -> None:
        self.plan = plan
        self.state = State.DOWN
        self.said = ""
        self.since = time()
        self.wanted = False
        self.closed = False
        self.child: Child | None = None
        self.ready = asyncio.Event()
        self._show = show
        self._on_change = on_change
        self._following: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Its name on the screen."""
        return self.plan.name

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self.child is not None and not self.child.exited.done()

    async def start(self) -> None:
        """Start the process. Raises `CannotAct` where one runs, or none may any more."""
        if self.closed:
            raise CannotAct("The system is ending")
        if self.state is not State.DOWN:
            raise CannotAct(f"{self.name} runs already")
        self._become(State.STARTING)
        self.wanted = False
        self.ready.clear()
        try:
            self.child = await Child.start(self.plan, self._show)
        except OSError as error:
            self._become(State.DOWN, f"it cannot be started: {error}")
            raise CannotAct(f"{self.name} cannot be started: {error}") from error
        self._following = asyncio.create_task(self._follow(self.child))

    def stop(self, *, graceful: bool = True) -> None:
        """Ask it to end. Raises `CannotAct` where nothing runs."""
        child = self._running_child()
        self.wanted = True
        self._become(State.DRAINING)
        child.stop(graceful=graceful)

    def kill(self) -> None:
        """End it now. Raises `CannotAct` where nothing runs."""
        child = self._running_child()
        self.wanted = True
        child.kill()

    def pause(self) -> None:
        """Freeze it. Raises `CannotAct` unless it is up."""
        if self.state is not State.UP:
            raise CannotAct(f"{self.name} is {self.state}: only what is up can be paused")
        self._running_child().pause()
        self._become(State.PAUSED)

    def resume(self) -> None:
        """Let it go on. Raises `CannotAct` where nothing runs."""
        child = self._running_child()
        child.resume()
        if self.state is State.PAUSED:
            self._become(State.UP)

    async def restart(self, plan: Plan | None = None) -> None:
        """End it, if it runs, and start it again, as `plan` says from now on."""
        if self.state is State.STARTING:
            raise CannotAct(f"{self.name} is starting: wait a moment")
        if self.running:
            self.stop(graceful=False)
            await self._end_in_time()
        self.plan = plan or self.plan
        await self.start()

    async def _end_in_time(self) -> None:
        """Wait until it has ended; by force where that takes long."""
        ending = asyncio.create_task(self.ended())
        await asyncio.wait({ending}, timeout=_END_WITHIN_S)
        if not ending.done() and self.child is not None:
            self.child.kill()
        await ending

    async def ended(self) -> None:
        """Return when no process is left. It is not made to end."""
        if self._following is not None:
            await asyncio.shield(self._following)

    def notice_pause(self, *, stopped: bool) -> None:
        """Somebody else may have frozen it, or let it go on."""
        if stopped and self.state is State.UP:
            self._become(State.PAUSED)
        elif not stopped and self.state is State.PAUSED:
            self._become(State.UP)

    def _running_child(self) -> Child:
        if self.child is None or self.child.exited.done():
            raise CannotAct(f"{self.name} does not run")
        return self.child

    def _become(self, state: State, said: str = "") -> None:
        self.state, self.said, self.since = state, said, time()
        self._on_change(self)

    async def _follow(self, child: Child) -> None:
        """See it become ready, and see it end."""
        probing = asyncio.create_task(until_ready(*self.plan.probed))
        try:
            await asyncio.wait({probing, child.exited}, return_when=asyncio.FIRST_COMPLETED)
            if not child.exited.done():
                child.is_ready = True
                if self.state is State.STARTING:
                    self._become(State.UP)
                self.ready.set()
        finally:
            probing.cancel()
        await asyncio.wait({child.exited})
        self._become(State.DOWN, explain_exit(child.code))
