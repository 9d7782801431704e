"""Connections to one upstream, kept and reused; every call under one total deadline.

A call takes the connection that was used last. Where none is idle it waits for whichever comes
first: one that is being opened, or one that another call gives back. A pooled connection that
the server closed while it was idle is not the caller's problem: an idempotent request is sent
once more, on a fresh connection, within the first deadline (RFC 9110 section 9.2.2).
"""

import asyncio
from collections import OrderedDict

from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http.address import Origin, Resolver
from faultwire.http.asking import Asking
from faultwire.http.call import Call
from faultwire.http.client import ClientConnection
from faultwire.http.deadlines import Deadlines
from faultwire.http.dial import Dial
from faultwire.http.limits import DEFAULT_LIMITS, Limits

DEFAULT_CONNECTIONS = 512
_LOOK_EVERY_S = 30.0
_IDLE_LOOKS = 2  # a connection that has been idle for so many looks, and more, is closed
_DOUBTED = -1 - _IDLE_LOOKS  # since when a connection is idle that was idle at a timeout


class Pool:
    """Calls one upstream over at most `most` connections. Needs a running event loop."""

    def __init__(
        self, origin: Origin, *, most: int = DEFAULT_CONNECTIONS, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.origin = origin
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self.loop)
        self.resolver = Resolver(origin)
        self._most = most
        self._closed = False
        self._looks = 0
        self._looking: asyncio.TimerHandle | None = None
        self._idle: list[ClientConnection] = []  # the one that was used last is the last
        self._open: set[ClientConnection] = set()
        self._dials: dict[Dial, None] = {}  # wanted
        self._dropped: set[Dial] = set()  # cancelled, but not over yet
        self._waiting: OrderedDict[Asking, None] = OrderedDict()  # for any connection
        self._replaying: OrderedDict[Asking, None] = OrderedDict()  # for a fresh one

    def call(self, request: bytes, *, timeout_s: float, idempotent: bool) -> Call:
        """Send a whole request. Awaiting the call gives the `Reply` or raises `Failure`.

        `timeout_s` covers everything: the name, the connection, the answer and a replay. The
        request must not be a HEAD. A closed pool cancels the call.
        """
        call = Call(self, request, timeout_s, idempotent)
        self.start(call)
        return call

    def start(self, call: Asking) -> None:
        """Send a call's request as soon as there is a connection. It may be settled in here."""
        call.bucket = self.deadlines.add(call, self.loop.time() + call.timeout_s)
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                connection.send(call)
                return
        self._wait(call, self._waiting)

    def replay(self, call: Asking) -> None:
        """Send the call's request again, on a fresh connection."""
        self._wait(call, self._replaying)

    def timed_out(self) -> None:
        """A call has had no answer in time.

        A host that has vanished ends no connection, though another may have taken its address:
        what was idle at an earlier timeout, and has not been of use since, is closed.
        """
        idle, self._idle = self._idle, []
        for connection in idle:
            if connection.idle_since == _DOUBTED:
                connection.close()
            else:
                connection.idle_since = _DOUBTED
                self._idle.append(connection)

    def give_up(self, call: Asking) -> Failure:
        """Stop looking for a connection for a call. Says why there was none in time."""
        self._waiting.pop(call, None)
        self._replaying.pop(call, None)
        while len(self._dials) > self._wanted():
            self.drop(next(reversed(self._dials)))
        return self._no_connection()

    def close(self) -> None:
        """Abort everything; calls that are not settled are cancelled."""
        self._closed = True
        self._cancel_waiting()
        for dial in list(self._dials):
            self.drop(dial)
        for connection in list(self._open):
            connection.close()
        if self._looking is not None:
            self._looking.cancel()
        self.deadlines.close()

    # What connections say.

    def freed(self, connection: ClientConnection) -> None:
        """The connection has delivered an answer and may carry another request."""
        if self._waiting:
            call, _ = self._waiting.popitem(last=False)
            connection.send(call)
            return
        connection.idle_since = self._looks
        self._idle.append(connection)

    def _look(self) -> None:
        """Close what has been idle for a minute or more, or since a timeout."""
        self._looking = self.loop.call_later(_LOOK_EVERY_S, self._look) if self._open else None
        self._looks += 1
        idle = self._idle
        while idle and idle[0].idle_since + _IDLE_LOOKS < self._looks:
            idle.pop(0).close()

    def disconnected(self, connection: ClientConnection) -> None:
        """The connection is gone: those who wait for one may open another."""
        if connection in self._idle:
            self._idle.remove(connection)
        self._open.discard(connection)
        self._dial_as_needed()

    # What dials say.

    def connected(self, dial: Dial, connection: ClientConnection) -> None:
        """A connection stands: it is for whoever has waited longest."""
        del self._dials[dial]
        dial.bucket.discard(dial)
        self._open.add(connection)
        if self._looking is None:
            self._looking = self.loop.call_later(_LOOK_EVERY_S, self._look)
        call = self._next_waiting()
        if call is not None:
            connection.send(call)
        else:
            self.freed(connection)

    def drop(self, dial: Dial) -> None:
        """Cancel a dial."""
        del self._dials[dial]
        self._dropped.add(dial)
        dial.bucket.discard(dial)
        dial.cancel()

    def dial_ended(self, dial: Dial, failure: Failure | None) -> None:
        """A dial is over. If it has failed, so has the call that waited longest."""
        self._dropped.discard(dial)
        if dial in self._dials:
            del self._dials[dial]
            dial.bucket.discard(dial)
            if failure is None:  # nobody here has cancelled it: all tasks are, the end is near
                self._cancel_waiting()
            elif (call := self._next_waiting()) is not None:
                call.failed(failure)
        self._dial_as_needed()

    # Waiting for a connection.

    def _wait(self, call: Asking, queue: OrderedDict[Asking, None]) -> None:
        if self._closed:
            call.cancel()
            return
        queue[call] = None
        self._dial_as_needed()

    def _cancel_waiting(self) -> None:
        for call in [*self._waiting, *self._replaying]:
            call.cancel()

    def _wanted(self) -> int:
        return len(self._waiting) + len(self._replaying)

    def _dial_as_needed(self) -> None:
        """Open a connection for each call that waits, within the bound.

        A dial lasts as long as the last of these calls, in case that others give back their
        connections before: an attempt that the network has swallowed must not wait on for
        minutes in the place of a new one.
        """
        while len(self._dials) < self._wanted():
            if len(self._open) + len(self._dials) + len(self._dropped) >= self._most:
                return
            last = next(reversed(self._waiting or self._replaying))
            dial = Dial(self, last.bucket)
            self._dials[dial] = None

    def _next_waiting(self) -> Asking | None:
        queue = self._replaying or self._waiting
        return queue.popitem(last=False)[0] if queue else None

    def _no_connection(self) -> Failure:
        where = self.origin.authority
        if len(self._open) >= self._most:
            said = f"all {self._most} connections to {where} were busy until the deadline"
            return Failure(FailureKind.DEADLINE_EXCEEDED, said)
        if self.resolver.busy:
            said = f"{where} did not resolve in time"
            return Failure(FailureKind.DNS_ERROR, said, phase=Phase.CONNECT)
        said = f"{where} did not accept the connection in time"
        return Failure(FailureKind.CONNECT_TIMEOUT, said, phase=Phase.CONNECT)
