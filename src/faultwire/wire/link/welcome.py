"""How a link begins: the faults of accepting, then the upstream is dialled."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from faultwire.wire.faults.connection import ResetOnAccept, SlowAccept
from faultwire.wire.link.ends import End
from faultwire.wire.link.naps import MOMENT_S, Naps
from faultwire.wire.plan import Chosen, Plan
from faultwire.wire.upstream import Refusal, Upstream


class Host(Protocol):
    """What a welcome needs of its link."""

    @property
    def client(self) -> End: ...
    @property
    def upstream(self) -> End: ...
    @property
    def naps(self) -> Naps: ...
    def end_client(self, how: str) -> None:
        """A fault ends the connection, by "fin" or "rst"."""

    def note(self, *, fault: str = "", error: str = "") -> None:
        """The connection has a record of its own."""

    def refused(self, refusal: Refusal) -> None:
        """There is no upstream."""


class Welcome:
    """Begins a link as a task. `on_end` is called when it is over, with the task."""

    def __init__(
        self,
        host: Host,
        plan: Plan,
        upstream: Upstream,
        on_end: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self._host = host
        self._on_end = on_end
        self._plan = plan
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._waits_until = 0.0
        self._task: asyncio.Task[None] | None = self._loop.create_task(self._begin())
        self._task.add_done_callback(self._leave)

    def client_finished(self) -> None:
        """The client has shut down its side: no long wait is worth while any more."""
        if self._waits_until - self._loop.time() > MOMENT_S:
            self.cancel()

    def cancel(self) -> None:
        """The client is gone."""
        if self._task is not None:
            self._task.cancel()

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._task = None  # a circle would keep both: the task knows what cancelled it, where
        self._on_end(task)

    async def _begin(self) -> None:
        for chosen in self._plan.on_accept() if self._plan.armed else []:
            if await self._ended_by(chosen):
                return
        end = self._host.upstream
        try:
            refusal = await self._upstream.dial(end)
        except asyncio.CancelledError:
            end.disown()
            raise
        if refusal is not None:
            end.disown()
            self._host.refused(refusal)

    async def _ended_by(self, chosen: Chosen) -> bool:
        """Play a fault of accepting. Whether it has ended the connection."""
        fault, host = chosen.fault, self._host
        delay_s = fault.delay_ms / 1000 if isinstance(fault, SlowAccept) else None
        gone = delay_s is not None and host.client.over and delay_s > MOMENT_S
        if delay_s is None or gone:
            host.end_client("rst" if isinstance(fault, ResetOnAccept) else "fin")
            host.note(fault=chosen.name)
            return True
        host.note(fault=chosen.name)
        self._waits_until = self._loop.time() + delay_s
        await host.naps.nap(chosen, delay_s)
        self._waits_until = 0.0
        return False
