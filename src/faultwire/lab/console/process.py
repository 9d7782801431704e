"""The console beside the system: served by the process that owns the services."""

import asyncio
import socket
from typing import Self

from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.listener import Listener
from faultwire.lab.console.app import App
from faultwire.lab.console.watch import Watch
from faultwire.lab.system import System
from faultwire.wire.control.guard import Guard

_TICK_S = 0.1
_REFRESH_S = 1.0
_LIMITS = DEFAULT_LIMITS._replace(connections=128, body_bytes=64 << 10)


class Console:
    """Serves on a listening socket while it is open. `token` is the wire's."""

    def __init__(self, system: System, sock: socket.socket, token: str) -> None:
        self._system = system
        self._sock = sock
        self._token = token
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._watch = Watch(self._system.members, self._token)
        host, port = self._sock.getsockname()[:2]
        app = App(self._watch, self._watch.hub, Guard(host, port, what="console"))
        self._listener = Listener(app, app.refusal, _LIMITS)
        await self._listener.start(self._sock)
        self._system.sieve = self._watch.services.without_ours
        self._system.shows.append(self._watch.take)
        self._system.kills.append(self._watch.checking.kill)
        self._tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self._refresh())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        self._listener.close()
        await self._watch.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._watch.tick()

    async def _refresh(self) -> None:
        while True:
            await self._watch.refresh()
            await asyncio.sleep(_REFRESH_S)
