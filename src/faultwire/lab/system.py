"""Processes that stand and fall alone, and are started, watched and stopped together.

STARTING --all ready--> RUNNING --all dead, and nobody can start them again--> exit 1
   |  |                    |
   |  +--one dies or cannot be started, or 10 s pass--> STOPPING --> exit 1
   +--Ctrl+C, SIGTERM------+-----> STOPPING --> exit 0; a second one kills: exit 128 + signal

One that dies while the system runs stays dead until somebody starts it, and the rest go on: that
is what there is to see.
"""

import asyncio
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from faultwire.lab.child import Show
from faultwire.lab.exits import explain_exit
from faultwire.lab.member import CannotAct, Member, State
from faultwire.lab.plan import Plan, program
from faultwire.lab.probe import until_listening
from faultwire.lab.screen import Screen

_READY_WITHIN_S = 10.0
_FLUSH_EVERY_S = 0.2
_SIGNAL_BASE = 128  # a shell's exit status for a signal
_KILL_AFTER_S = 2.0
"""So much longer than its drain may take does a process have to end."""


Sieve = Callable[[str, Sequence[bytes]], Sequence[bytes]]
"""The name of a process and its lines in, those that people want to see out."""


class Stop(Protocol):
    """Who asks us to stop: once, and then again by `insisted`, with a signal's number."""

    insisted: Callable[[int], None]

    @property
    def graceful(self) -> bool:
        """Whether there is time for others to notice."""

    def listen_to_signals(self) -> None:
        """Begin to hear."""

    async def wait(self) -> None:
        """Return once asked."""


class System:
    """Runs all plans. `welcome` is called once, when all are ready.

    `beside` is open while the system runs: the console. With one, what has died can be started
    again, so that the system goes on when nothing runs; `page` says where. `shows` are told every
    line that `sieve` lets pass, `kills` are called when all is to end at once.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        screen: Screen,
        stop: Stop,
        drain_s: float,
        welcome: Callable[["System"], None] = lambda _: None,
    ) -> None:
        self._screen = screen
        self._drain_s = drain_s
        self._stop = stop
        self.welcome = welcome
        self._running = False  # all have been ready, and nobody has asked to stop
        self._dead = asyncio.Event()
        self.page = ""
        self.beside: AbstractAsyncContextManager[object] = nullcontext()
        self.sieve: Sieve = _all_of_them
        self.shows: list[Show] = [screen.lines]
        self.kills: list[Callable[[], None]] = []
        self.members = {plan.name: Member(plan, self._show, self._changed) for plan in plans}
        stop.insisted = self._kill_and_leave

    async def run(self) -> int:
        """Run it all; the exit status."""
        self._stop.listen_to_signals()
        flushing = asyncio.create_task(self._keep_flushing())
        asked = asyncio.create_task(self._stop.wait())
        try:
            async with self.beside:
                try:
                    for member in self.members.values():
                        await member.start()
                    return await self._watch(asked)
                except CannotAct as error:  # no memory, or too many processes or files
                    self._screen.say(f"{error}; stopping.")
                    return 1
                finally:
                    self._running = False
                    await self._end()
        finally:
            flushing.cancel()
            self._screen.flush(1.0)

    async def _watch(self, asked: "asyncio.Task[None]") -> int:
        if not await self._all_ready(asked):
            return 0 if asked.done() else 1
        self._running = True
        self.welcome(self)
        dead = asyncio.create_task(self._dead.wait())
        await _first([asked, *([] if self.page else [dead])])
        dead.cancel()
        if asked.done():
            return 0
        self._screen.say("Nothing runs any more.")
        return 1

    async def _all_ready(self, asked: "asyncio.Task[None]") -> bool:
        """Whether all answer before one dies, time is up or somebody asks to stop."""
        ready = asyncio.create_task(self._each_ready())
        ends = {asyncio.create_task(m.ended()): m for m in self.members.values()}
        await _first([ready, asked, *ends], within_s=_READY_WITHIN_S)
        dead = [member for task, member in ends.items() if task.done()]
        if not ready.done() or dead:
            for member in dead:
                self._screen.say(f"{member.name} did not start: {member.said}")
            if not dead and not asked.done():
                self._screen.say(f"Not ready after {_READY_WITHIN_S:g} s; stopping.")
        for task in (ready, *ends):
            task.cancel()
        return ready.done() and not ready.cancelled() and not dead

    async def _each_ready(self) -> None:
        """The wire may be ready a moment before it listens, which it does once it has found A."""
        for member in self.members.values():
            await member.ready.wait()
        for member in self.members.values():
            await until_listening(member.plan.host, member.plan.port)

    # What members say.

    def _show(self, name: str, lines: Sequence[bytes]) -> None:
        lines = self.sieve(name, lines)
        for show in self.shows:
            show(name, lines)

    def _changed(self, member: Member) -> None:
        if member.state is State.DOWN and self._running:
            self._say_ended(member)
            if not any(other.running for other in self.members.values()):
                self._dead.set()

    def _say_ended(self, member: Member) -> None:
        child = member.child
        if child is None or member.wanted:
            return
        verb = "ended" if child.code == 0 else "died"
        self._screen.say(f"{member.name} {verb}: {explain_exit(child.code)}")
        others = [other.name for other in self.members.values() if other.running]
        if not others and not self.page:
            return
        names = f"{' and '.join(others)} {'goes' if len(others) == 1 else 'go'} on. "
        where = f": press Start on {self.page}, or" if self.page else ","
        again = f"{program()} {shlex.join(member.plan.command)}"
        self._screen.say(
            f"{names if others else ''}To start it again{where} in a second terminal: {again}"
        )

    # The end.

    async def _end(self) -> None:
        """Stop what still runs, and wait; by force when it does not end in time."""
        for member in self.members.values():
            member.closed = True
        alive = [member for member in self.members.values() if member.running]
        for member in alive:
            member.stop(graceful=self._stop.graceful)
        if alive:
            tasks = {asyncio.create_task(member.ended()) for member in alive}
            _, late = await asyncio.wait(tasks, timeout=self._drain_s + _KILL_AFTER_S)
            for member in alive:
                if member.child is not None:
                    member.child.kill()
            if late:
                await asyncio.wait(late)

    def _kill_and_leave(self, number: int) -> None:
        for member in self.members.values():
            if member.child is not None:
                member.child.kill()
        for kill in self.kills:
            kill()
        os._exit(_SIGNAL_BASE + number)

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            self._screen.flush()


def _all_of_them(_: str, lines: Sequence[bytes]) -> Sequence[bytes]:
    return lines


async def _first(futures: Sequence["asyncio.Future[Any]"], within_s: float | None = None) -> None:
    """Wait for whichever is done first."""
    await asyncio.wait(list(futures), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
