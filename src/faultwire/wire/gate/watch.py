"""Whether the upstream listens: what dialling it has shown, and a look now and then."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import cast

from faultwire.wire.upstream import Refusal, Upstream

IDLE_S = 1.0
_LEAST_S = 0.05
_MOST_S = 0.25
_SLOWER = 1.25
_SILENCE_S = 1.0


class _Look(asyncio.Protocol):
    """One connection that comes and goes: a FIN out, a FIN back."""

    def __init__(self, ended: Callable[["_Look", Exception | None], None]) -> None:
        self._ended = ended
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        with suppress(OSError):  # it has been reset already
            self._transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ended(self, exc)

    @property
    def unanswered(self) -> bool:
        """Whether the upstream has not ended it yet."""
        return self._transport is not None

    def abort(self) -> None:
        """Let go of it."""
        if self._transport is not None:
            self._transport.abort()


class Watch:
    """Keeps `up`, and calls `on_change` when it changes.

    While the upstream is there and nobody dials it, it is looked at every `idle_s` seconds.
    """

    def __init__(self, upstream: Upstream, idle_s: float = IDLE_S) -> None:
        self.up = False
        self.url = upstream.url
        self.on_change: Callable[[], None] = lambda: None
        self._upstream = upstream
        self._idle_s = idle_s
        self._loop = asyncio.get_running_loop()
        self._wait_s = _LEAST_S
        self._seen = 0.0  # when the last dial that succeeded began
        self._looked = 0.0  # when the last look began
        self._refused = 0.0  # when it was last found to refuse
        self._suspected = 0.0
        self._alarm = asyncio.Event()
        self._look: _Look | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, and keep looking. An upstream that stays silent is taken to be there."""
        self._upstream.on_dialled = self._dialled
        first = self._loop.create_task(self._take_a_look())
        self._task = self._loop.create_task(self._keep_looking(first))
        if not (await asyncio.wait([first], timeout=_SILENCE_S))[0]:
            self._set(up=True)

    def close(self) -> None:
        """Look no more."""
        self.on_change = lambda: None
        if self._task is not None:
            self._task.cancel()
        if self._look is not None:
            self._look.abort()

    def suspect(self) -> None:
        """Something has ended that should not have: look now."""
        self._suspected = monotonic()
        self._alarm.set()

    def _dialled(self, since: float, refusal: Refusal | None) -> None:
        if refusal is None or refusal.is_there:
            if since > self._refused:  # else it may have been the last that got through
                self._seen = max(self._seen, since)
                self._set(up=True)
        elif refusal is Refusal.TIMEOUT:
            self._set(up=True)  # it is silent, but it does not refuse
        elif refusal.is_down:
            self._refused = monotonic()
            self._set(up=False)

    def _set(self, *, up: bool) -> None:
        if up is self.up:
            return
        self.up = up
        self._wait_s = _LEAST_S
        self._alarm.set()
        self.on_change()

    async def _keep_looking(self, first: asyncio.Task[None]) -> None:
        await first
        while True:
            await self._wait()
            if self._is_worth_while():
                await self._take_a_look()

    async def _wait(self) -> None:
        """Until the next look is due; not sooner than a moment after the last one."""
        wait_s = self._idle_s if self.up else self._wait_s
        try:
            async with asyncio.timeout(wait_s):
                await self._alarm.wait()
                self._alarm.clear()
                await asyncio.sleep(max(self._looked + _LEAST_S - monotonic(), 0.0))
        except TimeoutError:
            pass

    def _is_worth_while(self) -> bool:
        if not self.up:
            return True
        if self._look is not None and self._look.unanswered:
            return False  # busy; if it were gone, this connection would have been reset
        now = monotonic()
        return self._seen <= max(self._suspected, now - self._idle_s)

    async def _take_a_look(self) -> None:
        self._looked = monotonic()
        if not self.up:
            self._wait_s = min(self._wait_s * _SLOWER, _MOST_S)
        if self._look is not None:
            self._look.abort()
        self._look = _Look(self._look_ended)
        if await self._upstream.knock(self._look) is not None:
            self._look = None  # it never came to be

    def _look_ended(self, look: _Look, error: Exception | None) -> None:
        """A reset may be the end of a server that had been busy, or just its way to close."""
        waited = monotonic() - self._looked > self._idle_s
        if error is not None and waited and look is self._look:
            self.suspect()
