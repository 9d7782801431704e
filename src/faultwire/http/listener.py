"""A listening socket and the connections behind it: bounds, deadlines and the drain."""

import asyncio
import math
import socket
from collections import deque
from collections.abc import Callable

from faultwire.http.holding import Holding
from faultwire.http.limits import DEFAULT_LIMITS, Limits
from faultwire.http.message import BadRequest, Response
from faultwire.http.server import App, ServerConnection, State

_BACKLOG = 2048
_QUIET_ROUNDS = 8
"""After so many rounds of the event loop without a new connection, none waits to be accepted."""
_LOOKS_PER_TICK = 50_000
"""How many connections are looked at for idle ones to make room: 25 ms of work."""
_REFUSED_AT_ONCE = 32
"""How many connections over the bound are told so; those beyond are closed without a word."""


class Listener:
    """Serves an `App` on one socket.

    `refusal` turns a request that is not acceptable HTTP into the service's own error body.
    While `draining`, each answer ends its connection; when `leaving`, streams end at once.
    """

    def __init__(
        self,
        app: App,
        refusal: Callable[[BadRequest], Response],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.app = app
        self.refusal = refusal
        self.limits = limits
        self.holding = Holding(limits.held_bytes)
        self.draining = False
        self.leaving = False
        self._connections: dict[ServerConnection, None] = {}
        self._idlest: deque[ServerConnection] = deque()
        self._looks = _LOOKS_PER_TICK
        timeouts_s = _timeouts_s(limits)
        self._tick_s = min(1.0, *(timeout_s / 2 for timeout_s in timeouts_s.values()))
        self._allowed = {s: timeout_s / self._tick_s for s, timeout_s in timeouts_s.items()}
        self._all_closed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._accepted = 0
        self._closed = False

    async def start(self, sock: socket.socket) -> None:
        """Serve on a bound socket, which the listener then owns."""
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: ServerConnection(self, self._loop), sock=sock, backlog=_BACKLOG
        )
        self._timer = self._loop.call_later(self._tick_s, self._tick)

    async def drain(self, within_s: float) -> bool:
        """Accept nothing more, end streams, let requests in flight finish, then end what is left.

        Returns whether all of them were answered within `within_s` seconds.
        """
        self.draining = True
        await self._take_in()
        self._stop_accepting()
        self.leaving = True  # a stream of events has no end to wait for
        for connection in list(self._connections):
            connection.end_stream()
            if not connection.fresh:  # else its first request is on its way; one tick to arrive
                connection.close_if_idle()
        try:
            if self._connections:
                self._all_closed.clear()
                await asyncio.wait_for(self._all_closed.wait(), within_s)
        except TimeoutError:
            return all(c.state is State.ENDING for c in self._connections)
        else:
            return True
        finally:
            self.close()

    async def _take_in(self) -> None:
        """Accept those who wait in the socket's queue: closing it would reset them.

        uvloop accepts one connection in a round of the loop.
        """
        last, quiet = self._accepted, 0
        for _ in range(_BACKLOG):
            await asyncio.sleep(0)
            last, quiet = self._accepted, quiet + 1 if self._accepted == last else 0
            if quiet == _QUIET_ROUNDS:
                return

    def close(self) -> None:
        """End everything now."""
        self._closed = True
        self._stop_accepting()
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections):
            connection.abort()

    def _stop_accepting(self) -> None:
        self._allowed[State.IDLE] = 0  # a connection that was being accepted has its one chance
        if self._server is not None:
            self._server.close()

    # What connections say.

    def opened(self, connection: ServerConnection) -> bool:
        """Take a connection in, at the cost of the longest idle one if there are too many.

        Returns whether there was room; if not, the connection is being refused.
        """
        self._accepted += 1
        most = self.limits.connections
        has_room = len(self._connections) < most or self._make_room()
        self._connections[connection] = None
        if self._closed or len(self._connections) > most + _REFUSED_AT_ONCE:
            connection.abort()
        elif not has_room:
            connection.refuse(BadRequest(503, "Too many connections"))
        return has_room

    def closed(self, connection: ServerConnection) -> None:
        """Forget a connection that is gone."""
        self._connections.pop(connection, None)
        if not self._connections:
            self._all_closed.set()

    def _make_room(self) -> bool:
        """End the connection that has been idle for longest, as counted in ticks."""
        return self._end_idlest() or (self._sort_idle() and self._end_idlest())

    def _end_idlest(self) -> bool:
        while self._idlest:
            idlest = self._idlest.popleft()
            if idlest.close_if_idle():
                self._connections.pop(idlest, None)
                return True
        return False

    def _sort_idle(self) -> bool:
        """Who is idle, the longest first; not looked at too often, however great the crowd."""
        self._looks -= len(self._connections)
        if self._looks > 0:
            self._idlest.extend(sorted(self._connections, key=_idle_ticks, reverse=True))
        return bool(self._idlest)

    def _tick(self) -> None:
        """End every connection that has been in its state for too long."""
        self._timer = self._loop.call_later(self._tick_s, self._tick)
        self._idlest.clear()
        self._looks = _LOOKS_PER_TICK
        for connection in list(self._connections):
            state, ticks = connection.tick()
            if ticks >= self._allowed[state]:
                _time_out(connection, state)


def _idle_ticks(connection: ServerConnection) -> int:
    return connection.idle_ticks


def _time_out(connection: ServerConnection, state: State) -> None:
    match state:
        case State.IDLE:
            connection.close_if_idle()
        case State.READING_HEAD | State.READING_BODY:
            connection.refuse(BadRequest(408, "The request did not arrive in time"))
        case _:
            connection.abort()


def _timeouts_s(limits: Limits) -> dict[State, float]:
    return {
        State.IDLE: limits.idle_timeout_s,
        State.READING_HEAD: limits.head_timeout_s,
        State.READING_BODY: limits.body_timeout_s,
        State.BUSY: math.inf,
        State.STALLED: limits.write_timeout_s,
        State.ENDING: limits.linger_s,
    }
